"""Folders that cannot be written to, and names and disks that make trouble."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.system.doctor import places
from core.system.doctor.places import Places, check_long_paths, check_paths, check_rights


@pytest.fixture
def here(tmp_path: Path) -> Places:
    folder = tmp_path / "张 三"
    folder.mkdir()
    return Places(folder, folder / "not yet" / "settings", folder / "项目 1")


@pytest.fixture(autouse=True)
def local_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places.psutil, "disk_partitions", lambda all: [])
    for name in ("OneDrive", "OneDriveConsumer", "OneDriveCommercial"):
        monkeypatch.delenv(name, raising=False)


def test_folders_that_are_yet_to_be_made_can_be_written_to(here: Places) -> None:
    (check,) = check_rights(here)
    assert check.severity == "ok"
    assert str(here.projects) in str(check.detail)
    assert list(here.home.iterdir()) == []


def test_each_folder_without_rights_is_named(here: Places, monkeypatch) -> None:
    for folder in (here.settings, here.projects):
        folder.mkdir(parents=True)
    make = places.tempfile.TemporaryFile

    def refuse(dir):
        if dir == here.home:
            return make(dir=dir)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(places.tempfile, "TemporaryFile", refuse)
    projects, settings = check_rights(here)
    assert (projects.severity, settings.severity) == ("error", "warning")
    assert str(here.projects) in str(projects.detail)
    assert "Permission denied" in str(settings.detail)
    assert projects.fix and settings.fix


def test_home_that_is_the_projects_folder_is_looked_at_once(tmp_path: Path) -> None:
    assert list(Places(tmp_path, tmp_path / "s", tmp_path).named()) == ["projects", "settings"]


def test_ordinary_folders_are_well(here: Places) -> None:
    assert [check.severity for check in check_paths(here)] == ["ok"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text(here: Places) -> None:
    odd = Places(here.home, here.settings, here.home / os.fsdecode(b"\xd6\xd0"))
    (check,) = check_paths(odd)
    assert check.severity == "error"
    assert r"\xd6\xd0" in str(check.detail)


def test_a_path_that_windows_cannot_hold(here: Places) -> None:
    deep = Places(here.home, here.settings, here.home / ("x" * 150))
    (check,) = check_paths(deep, long_paths=False)
    assert check.severity == "warning"
    assert "260" in str(check.detail)
    assert [one.severity for one in check_paths(deep)] == ["ok"]
    short = Places(Path("/h"), Path("/s"), Path("/h/p"))
    assert [one.severity for one in check_paths(short, long_paths=False)] == ["ok"]


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("OneDrive", "OneDrive"),
        ("OneDrive - Foundry Ltd", "OneDrive"),
        ("Dropbox", "Dropbox"),
        ("坚果云", "坚果云"),
        ("Onedrivers", None),
        ("my dropbox", None),
    ],
)
def test_folders_of_clouds(here: Places, name: str, service: str | None) -> None:
    (check,) = check_paths(Places(here.home, here.settings, here.home / name / "parts"))
    assert check.severity == ("ok" if service is None else "warning")
    assert service is None or service in str(check.detail)


def test_onedrive_under_another_name(here: Places, monkeypatch) -> None:
    monkeypatch.setenv("OneDriveCommercial", str(here.home / "Files"))
    (check,) = check_paths(Places(here.home, here.settings, here.home / "Files" / "p"))
    assert "OneDrive" in str(check.detail)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells by the drive")
@pytest.mark.parametrize(("kind", "warned"), [("cifs", True), ("nfs4", True), ("ext4", False)])
def test_the_nearest_mount_decides(here: Places, monkeypatch, kind: str, warned: bool) -> None:
    mounts = [
        SimpleNamespace(mountpoint="/", fstype="nfs"),
        SimpleNamespace(mountpoint=str(here.home), fstype=kind),
        SimpleNamespace(mountpoint=str(here.home.parent / "other"), fstype="nfs"),
    ]
    monkeypatch.setattr(places.psutil, "disk_partitions", lambda all: mounts)
    (check,) = check_paths(here)
    assert (check.severity == "warning") is warned
    assert not warned or kind in str(check.detail)


@pytest.mark.parametrize("stage", ["OpenKey", "QueryValueEx", "off", "on"])
def test_a_registry_that_says_nothing_of_long_paths(monkeypatch, stage: str) -> None:
    def missing(*_args):
        raise FileNotFoundError(2, "The system cannot find the file specified")

    registry = types.ModuleType("winreg")
    registry.HKEY_LOCAL_MACHINE = 1
    registry.OpenKey = missing if stage == "OpenKey" else lambda *_: contextlib.nullcontext()
    registry.QueryValueEx = (
        missing if stage == "QueryValueEx" else lambda *_: (int(stage == "on"), 4)
    )
    monkeypatch.setitem(sys.modules, "winreg", registry)
    monkeypatch.setattr(places.sys, "platform", "win32")
    check = check_long_paths()
    assert check.severity == ("ok" if stage == "on" else "info")
    assert bool(check.fix) == (stage != "on")
