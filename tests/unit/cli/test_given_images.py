"""Which images a command takes of a folder, and what it says of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.cli.given_images import find_images, usable_images
from core.system.errors import InputError


def test_hidden_files_are_passed_over_and_unread_ones_named(tmp_path, capsys):
    for name in ("a.jfif", "2.png", "10.PNG", "._a.jfif", "Thumbs.db", "b.heic", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_images([tmp_path])] == ["2.png", "10.PNG", "a.jfif"]
    said = capsys.readouterr().err
    assert "1 file is in formats that are not read, such as b.heic" in said
    assert "1 hidden file is passed over, such as ._a.jfif" in said
    assert "videos" not in said
    (tmp_path / "film.mp4").touch()
    find_images([tmp_path])
    assert "exported models take videos, with --judge" in capsys.readouterr().err
    assert [path.name for path in find_images([tmp_path / "._a.jfif"])] == ["._a.jfif"]
    assert capsys.readouterr().err == ""
    with pytest.raises(InputError, match="does not exist"):
        find_images([tmp_path / "none.png"])


def test_a_name_that_is_not_utf8_is_left_out_and_said(tmp_path, capsys):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xd6\xd0.png"))
    odd.touch()
    good = tmp_path / "图.png"
    good.touch()
    usable, failed = usable_images(find_images([tmp_path]))
    assert usable == [good]
    assert "its name is not UTF-8" in capsys.readouterr().err
    assert [one["image"] for one in failed] == [rf"{tmp_path}/\xd6\xd0.png"]
    assert "is not UTF-8; rename it" in failed[0]["problem"]
    with pytest.raises(InputError, match="is not UTF-8; rename it"):
        usable_images([odd])
