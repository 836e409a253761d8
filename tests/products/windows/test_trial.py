"""What trials in wine read and decide, without wine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PureWindowsPath

import pytest

from windows.trial import wine as trial
from windows.trial.wine import Wine

REGISTRY = r"""WINE REGISTRY Version 2
;; All keys relative to \\User\\S-1-5-21-0-0-0-1000

[Software\\Maskwright] 1796001234
#time=1dd61d3a9a0c0d0
"Folder"="C:\\users\\\x5f20 \x4e09\\\"M\""
"Desktop"=dword:00000001

[Software\\Maskwright\\More] 1796001234
"Folder"="another"
@="default"
"""


@pytest.fixture
def wine(tmp_path: Path) -> Wine:
    (tmp_path / "ready").touch()
    prefix = tmp_path / "home" / trial.USER / ".wine"
    prefix.mkdir(parents=True)
    (prefix / "user.reg").write_text(REGISTRY, encoding="utf-8")
    return Wine(tmp_path, tmp_path)


def test_values_of_one_key(wine: Wine) -> None:
    assert wine.registry(r"HKCU\Software\Maskwright") == {
        "Folder": 'C:\\users\\张 三\\"M"',
        "Desktop": "dword:00000001",
    }
    assert wine.registry(r"HKCU\software\maskwright\more") == {"Folder": "another", "": "default"}
    assert wine.registry(r"HKCU\Software\Mask") == {}


def test_where_windows_paths_lie(wine: Wine) -> None:
    path = PureWindowsPath(r"C:\users\张 三\a b")
    assert wine.local(path) == wine.drive_c / "users" / "张 三" / "a b"


def test_says_why_it_cannot_be_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(trial.ROOT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "root" in str(trial.why_not())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool == "mmdebstrap" else tool)
    assert "mmdebstrap" in str(trial.why_not())
    (tmp_path / "ready").touch()
    assert trial.why_not() is None
