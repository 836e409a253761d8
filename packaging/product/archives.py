"""Files and archives that are the same whenever and wherever they are made."""

from __future__ import annotations

import os
import stat
import subprocess
import tarfile
from pathlib import Path


def settle(root: Path, source_date: int) -> None:
    """Give every file below the folder, and the folder, one time and one of two modes."""
    for path in [root, *root.rglob("*")]:
        if path.is_symlink():
            os.utime(path, (source_date, source_date), follow_symlinks=False)
            continue
        runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (source_date, source_date))


def write_tar_zst(root: Path, archive: Path, *, source_date: int, level: int) -> None:
    """Write a folder as a tar archive compressed by zstd, the folder's name first in every path.

    Args:
        root: the folder.
        archive: the file to write.
        source_date: time of every member.
        level: zstd's, 1 to 19.

    Raises:
        FileNotFoundError: there is no ``zstd`` on this machine.
        subprocess.CalledProcessError: it failed.
    """
    # The number of threads does not change what is written, as long as it is not zero.
    command = ["zstd", "--quiet", "--force", f"-{level}", "-T2", "--long=27", "-o", str(archive)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as compressor:
        assert compressor.stdin is not None
        with tarfile.open(
            fileobj=compressor.stdin, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8"
        ) as tar:
            for path in [root, *sorted(root.rglob("*"))]:
                tar.add(
                    path,
                    arcname=str(path.relative_to(root.parent)),
                    recursive=False,
                    filter=lambda one: _anonymous(one, source_date),
                )
    if compressor.returncode:
        raise subprocess.CalledProcessError(compressor.returncode, command)


def _anonymous(member: tarfile.TarInfo, source_date: int) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = source_date
    return member


def tree_digest(root: Path) -> list[str]:
    """Return a line for each file, its SHA-256, mode and path; sorted.

    Two trees are the same if their lines are.
    """
    from product.fetching import sha256_of

    lines = []
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        if path.is_symlink():
            lines.append(f"{path.readlink()} link {place}")
        elif path.is_file():
            lines.append(f"{sha256_of(path)} {path.stat().st_mode & 0o777:o} {place}")
    return lines
