"""The folders that the program works in: may it write there, and will that go well?"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import psutil

from core.system.doctor.check import Check
from core.system.folders import is_utf8, user_settings_folder
from core.system.messages import Message, message

_NETWORK_FILE_SYSTEMS = frozenset(
    {"9p", "afs", "ceph", "cifs", "davfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"smb3", "smbfs", "sshfs", "fuse.sshfs", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone"}
)
#: What Windows programs allow a path; below a project's folder a run takes about half of it.
_MAX_PATH = 260
_BELOW_A_PROJECT = 120
_CLOUD_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
#: Folders of programs that keep files in step with a server, as they begin.
_CLOUDS = {
    "onedrive": "OneDrive",
    "dropbox": "Dropbox",
    "google drive": "Google Drive",
    "googledrive": "Google Drive",
    "icloud drive": "iCloud",
    "iclouddrive": "iCloud",
    "nextcloud": "Nextcloud",
    "owncloud": "ownCloud",
    "seafile": "Seafile",
    "nutstore": "Nutstore",
    "坚果云": "坚果云",
    "baidusyncdisk": "百度网盘",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Folders that are looked at: ``projects`` is where data and runs go."""

    home: Path
    settings: Path
    projects: Path

    @classmethod
    def of_this_user(cls, projects: Path | None = None) -> Places:
        """Return the user's; ``projects`` is the current folder unless given."""
        return cls(Path.home(), user_settings_folder(), (projects or Path.cwd()).absolute())

    def named(self) -> Mapping[str, Path]:
        """Folder by what it is, one that is two things once."""
        found: dict[str, Path] = {}
        for name in ("projects", "settings", "home"):
            folder: Path = getattr(self, name)
            if folder not in found.values():
                found[name] = folder
        return found


def check_rights(places: Places) -> Iterator[Check]:
    """Whether files can be made where the program makes some; what is made is removed again."""
    refused = 0
    for name, folder in places.named().items():
        problem = _refusal(folder)
        if problem is None:
            continue
        refused += 1
        fix: tuple[Message, ...]
        if name == "projects":
            fix = (message("Choose another folder for projects, or ask for the right to write."),)
        elif name == "settings":
            fix = (message("Until then nothing is remembered from one start to the next."),)
        else:
            fix = (message("Ask whoever looks after this computer for the right to write."),)
        yield Check(
            "rights",
            "error" if name == "projects" else "warning",
            message("{folder} cannot be written to: {problem}", folder=folder, problem=problem),
            fix,
        )
    if not refused:
        folders = ", ".join(str(folder) for folder in places.named().values())
        yield Check("rights", "ok", message("files can be made in {folders}", folders=folders))


def check_paths(places: Places, *, long_paths: bool = True) -> Iterator[Check]:
    """Names and disks of the folders that make trouble.

    Args:
        places: the folders.
        long_paths: whether the system allows paths of any length.
    """
    found = [*_bad_names(places), *_bad_disks(places.projects)]
    length = len(str(places.projects))
    if not long_paths and length + _BELOW_A_PROJECT > _MAX_PATH:
        found.append(
            Check(
                "paths",
                "warning",
                message(
                    "{folder} has {length} {length:character|characters}; with what lies in a "
                    "project that is more than the {limit} that Windows allows",
                    folder=places.projects,
                    length=length,
                    limit=_MAX_PATH,
                ),
                (message("Keep projects in a folder with a short name, near the drive's top."),),
            )
        )
    yield from found
    if not found:
        yield Check("paths", "ok", message("{folder} is on a local disk", folder=places.projects))


def check_long_paths() -> Check:
    """Whether Windows allows paths of more than 260 characters; a missing key means no."""
    if long_paths_enabled():
        return Check("long_paths", "ok", message("allowed"))
    return Check(
        "long_paths",
        "info",
        message("Windows allows {limit} characters", limit=_MAX_PATH),
        (
            message(
                "For deep folders, as administrator: reg add "
                "HKLM\\SYSTEM\\CurrentControlSet\\Control\\FileSystem "
                "/v LongPathsEnabled /t REG_DWORD /d 1"
            ),
        ),
    )


def long_paths_enabled() -> bool:
    """Whether paths may have more than 260 characters."""
    if sys.platform != "win32":
        return True
    import winreg

    place = r"SYSTEM\CurrentControlSet\Control\FileSystem"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:  # before Windows 10, and where nobody ever set it
        return False


def _refusal(folder: Path) -> str | None:
    """Return why nothing can be written into a folder, or made where it is to be."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return error.strerror or type(error).__name__


def _bad_names(places: Places) -> Iterator[Check]:
    for folder in places.named().values():
        if not is_utf8(folder):
            yield Check(
                "paths",
                "error",
                message("the name of {folder} is no text in UTF-8", folder=folder),
                (message("Rename the folder; lists and projects cannot hold such a name."),),
            )


def _bad_disks(folder: Path) -> Iterator[Check]:
    if (cloud := _cloud(folder)) is not None:
        yield Check(
            "paths",
            "warning",
            message("{folder} is kept in step by {cloud}", folder=folder, cloud=cloud),
            (
                message(
                    "Keep projects outside it: files that change under the program, or are only"
                    " in the cloud, break projects and trainings."
                ),
            ),
        )
    if (kind := _network(folder)) is not None:
        yield Check(
            "paths",
            "warning",
            message("{folder} is on a network drive ({kind})", folder=folder, kind=kind),
            (
                message(
                    "Keep projects on a local disk: databases on network drives are slow and can"
                    " be damaged. Images may stay there."
                ),
            ),
        )


def _cloud(folder: Path) -> str | None:
    """Return the service that keeps a folder in step with a server."""
    for name in _CLOUD_VARIABLES:
        root = os.environ.get(name)
        if root and folder.is_relative_to(root):
            return "OneDrive"
    for part in folder.parts:
        lowered = part.casefold()
        for begin, service in _CLOUDS.items():
            if lowered == begin or lowered.startswith((f"{begin} ", f"{begin}-")):
                return service
    return None


def _network(folder: Path) -> str | None:
    """Return what kind of network drive a folder is on, None on a local disk."""
    if sys.platform == "win32":
        drive = PureWindowsPath(folder).drive
        if drive.startswith("\\\\"):
            return drive
        remote = 4
        kind = ctypes.WinDLL("kernel32").GetDriveTypeW(ctypes.c_wchar_p(f"{drive}\\"))
        return drive if kind == remote else None
    mounts = [one for one in psutil.disk_partitions(all=True) if _is_in(folder, one.mountpoint)]
    if not mounts:
        return None
    nearest = max(mounts, key=lambda one: len(one.mountpoint))
    return nearest.fstype if nearest.fstype in _NETWORK_FILE_SYSTEMS else None


def _is_in(folder: Path, mountpoint: str) -> bool:
    return folder.is_relative_to(mountpoint)
