"""``open``: what a desktop hands over becomes a project's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core import cli


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """Projects that a window was opened on."""
    monkeypatch.setenv("DISPLAY", ":77")
    return []


def run(opened: list[Path | None], *arguments: str) -> int:
    def open_window(project: Path | None, start_run: Mapping[str, Any] | None) -> int:
        assert start_run is None
        opened.append(project)
        return 7

    return cli.run(["open", *arguments], open_window=open_window)


@pytest.mark.parametrize("given", ["零件 1", "零件 1/project.db"])
def test_a_folder_and_its_database_open_the_project(
    opened: list[Path | None], given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(opened, given) == 7
    assert opened == [tmp_path / "零件 1"]


def test_without_a_file_the_window_opens_as_it_was(opened: list[Path | None]) -> None:
    assert run(opened) == 7
    assert opened == [None]


def test_without_a_display_one_sentence_says_so(
    opened: list[Path | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert run(opened) == 2
    assert opened == []
    assert "no display" in capsys.readouterr().err
