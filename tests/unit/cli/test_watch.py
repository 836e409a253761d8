"""What ``watch`` refuses before an image is judged, and how sizes are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from line_models import write_line_model

from core.cli import run
from core.cli.watch import parse_bytes
from core.system.errors import InputError


def test_sizes() -> None:
    assert parse_bytes("1000") == 1000
    assert parse_bytes("1.5k") == 1536
    assert parse_bytes("500 MB") == 500 * 2**20
    assert parse_bytes("2G") == parse_bytes("2 GiB") == 2**31
    for wrong in ("", "G", "-1", "2 X", "much"):
        with pytest.raises(InputError, match="is no size"):
            parse_bytes(wrong)


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    write_line_model(tmp_path / "export")
    (tmp_path / "in").mkdir()
    return {f"--{name}": str(tmp_path / name) for name in ("export", "out")} | {
        "--folder": str(tmp_path / "in")
    }


def watch(places: dict[str, str], **changes: str) -> int:
    options = {**places, **{f"--{name.replace('_', '-')}": text for name, text in changes.items()}}
    return run(["watch", *(part for pair in options.items() for part in pair), "--once"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"export": "in"}, "no exported model"),
        ({"export": "none"}, "is not a folder"),
        ({"folder": "none"}, "is not a folder"),
        ({"out": "in"}, "choose another --out"),
        ({"project": "export"}, "no project.db"),
        ({"max_bytes": "much"}, "is no size"),
        ({"runtime": "magic"}, "magic"),
    ],
)
def test_what_cannot_be_watched(
    places: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    sentence: str,
) -> None:
    is_place = {"export", "folder", "out", "project"}
    given = {
        name: str(tmp_path / text) if name in is_place else text for name, text in changes.items()
    }
    assert watch(places, **given) == 2
    told = capsys.readouterr()
    assert sentence in told.err and told.out == ""
    assert not (tmp_path / "out" / "pictures").exists()


def test_a_folder_that_never_was_there_may_come_back_once_it_was(
    places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(places) == 0
    (tmp_path / "in").rmdir()
    assert watch(places) == 2  # --once does not wait for it
    assert "cannot be read" in capsys.readouterr().err
