"""What PaddleX's scripts fetch their example data with."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO
from urllib.parse import unquote, urlsplit

from core.system import downloads
from core.system.downloads import DownloadError
from core.system.errors import InputError
from core.system.reporting import Reporter

_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
_CHUNK = 1 << 20
#: Of the disk; the rest stays free.
_KEPT_FREE = 256 * 2**20


def download_and_decompress(url: str, path: str | Path = ".") -> str:
    """Download a file into ``path``; a tar or zip archive is unpacked there and then removed.

    What is there already is not changed, and not downloaded again: an archive counts as there when
    ``path`` holds a folder of its name.

    Returns:
        The file, or the folder that the archive became.

    Raises:
        InputError: it cannot be downloaded, or the archive is damaged or reaches out of ``path``.
    """
    folder = Path(path)
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if not name or name in (".", ".."):
        raise InputError("The address {url} names no file.", url=url)
    suffix = next((s for s in _SUFFIXES if name.endswith(s)), None)
    target = folder / name.removesuffix(suffix or "")
    if target.exists():
        return str(target)
    reporter = Reporter()
    file = folder / name
    try:
        with downloads.exclusive(folder / f".{name}", reporter):
            if target.exists():  # another process may have been faster
                return str(target)
            is_new = not file.exists()
            if is_new:
                downloads.download(url, file, reporter=reporter)
            if suffix is not None:
                return str(_unpack(file, target, is_ours=is_new))
    except DownloadError as error:
        raise InputError("{url} cannot be used: {reason}.", url=url, reason=str(error)) from error
    return str(target)


def _unpack(archive: Path, target: Path, *, is_ours: bool) -> Path:
    """Unpack completely or not at all; return the folder, ``target`` or the one that it holds.

    An archive that cannot be used is removed if it ``is_ours``, so that the next call gets another.
    """
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        room = shutil.disk_usage(partial).free - _KEPT_FREE
        with downloads.damage(archive):
            for name, size, source in _members(archive):
                room -= size
                if room < 0:
                    raise DownloadError(f"the content of {archive.name} does not fit on the disk")
                _write(partial / _inside(name, archive), source)
        entries = list(partial.iterdir())
        single = len(entries) == 1 and entries[0].is_dir()
        final = target.with_name(entries[0].name) if single else target
        if not final.exists():
            (entries[0] if single else partial).rename(final)
    except DownloadError:
        if is_ours:
            archive.unlink()
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if final == target:  # else it stays, because its name does not tell what it became
        archive.unlink()
    return final


def _members(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield name, size and content of each regular file; links and devices are left out."""
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as bundle:
            for entry in bundle.infolist():
                if not entry.is_dir() and not stat.S_ISLNK(entry.external_attr >> 16):
                    with bundle.open(entry) as source:
                        yield entry.filename, entry.file_size, source
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is not None:
                yield member.name, member.size, content


def _inside(name: str, archive: Path) -> PurePosixPath:
    """Return a member's relative path; one that leaves the folder is refused."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = PureWindowsPath(name).drive
    if path.is_absolute() or ".." in path.parts or drive or not path.parts:
        raise DownloadError(f"{archive.name} reaches out of its folder with {name!r}")
    return path


def _write(path: Path, source: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
