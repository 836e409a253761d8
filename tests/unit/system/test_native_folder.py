"""Temporary folders that native libraries can open files in."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from core.system import native_folder as module
from core.system.native_folder import first_usable, native_folder


def test_is_made_and_removed() -> None:
    with native_folder("export-") as folder:
        assert folder.name.startswith("export-")
        (folder / "a").write_text("a")
    assert not folder.exists()


def test_takes_the_first_plain_folder_that_can_be_used(tmp_path: Path) -> None:
    foreign = tmp_path / "张 三"
    foreign.mkdir()
    plain = tmp_path / "plain"
    plain.mkdir()
    assert first_usable([str(foreign), str(tmp_path / "none"), str(plain)]) == str(plain)
    assert not any(plain.iterdir())
    assert first_usable([str(foreign)]) is None


def test_on_windows_it_avoids_the_users_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    foreign, plain = tmp_path / "张 三", tmp_path / "public"
    foreign.mkdir()
    plain.mkdir()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(foreign))
    monkeypatch.setattr(module, "_short", lambda path: path)
    monkeypatch.setenv("PUBLIC", str(plain))
    with native_folder("export-") as folder:
        assert folder.parent == plain
