"""A look at a folder finds images and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from core.watch.folder_scan import scan_images, stamp_of


def make(root: Path, *names: str) -> None:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * len(name))


def test_images_by_their_path_below_the_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "B.JPG", "c.txt", "d.png.part", ".e.png", "Thumbs.db")
    make(tmp_path, "sub/f.tif", "sub/deeper/g.bmp", ".git/h.png", "out/i.png")
    (tmp_path / "folder.png").mkdir()
    assert set(scan_images(tmp_path, subfolders=False)) == {"a.png", "B.JPG"}
    skip = frozenset({os.path.realpath(tmp_path / "out")})
    found = scan_images(tmp_path, subfolders=True, skip=skip)
    assert set(found) == {"a.png", "B.JPG", "sub/f.tif", "sub/deeper/g.bmp"}
    assert found["a.png"] == stamp_of((tmp_path / "a.png").stat())


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_to_files_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    make(tmp_path, "in/a.png")
    make(tmp_path, "elsewhere/b.png")
    (tmp_path / "in" / "c.png").symlink_to(tmp_path / "elsewhere" / "b.png")
    (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    assert set(scan_images(tmp_path / "in", subfolders=True)) == {"a.png", "c.png"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan_images(tmp_path / "none", subfolders=True)
    make(tmp_path, "file")
    with pytest.raises(NotADirectoryError):
        scan_images(tmp_path / "file", subfolders=False)


def test_a_folder_below_it_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch) -> None:
    make(tmp_path, "a.png", "shut/b.png")
    real = os.scandir

    def scandir(place):
        if Path(place).name == "shut":
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(os, "scandir", scandir)
    told = []
    found = scan_images(
        tmp_path, subfolders=True, on_unreadable=lambda folder, _error: told.append(folder.name)
    )
    assert (set(found), told) == ({"a.png"}, ["shut"])
