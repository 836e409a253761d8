"""Setup, compiled by makensis from ``installer/setup.nsi`` and the tree's own list of files."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from windows.authenticode import Signer
from windows.file_lists import FileLists, list_tree
from windows.icon import write_icon
from windows.version_numbers import version_numbers

SOURCES = Path(__file__).parent / "installer"
Compression = Literal["small", "none"]
"""``none`` is for trying setup, not for shipping it: it is quick and as large as the tree."""

SIGN_SCRIPT = "sign.sh"
DICTIONARY_MB = 64
"""How far back LZMA looks; installing takes as much memory."""


@dataclass(frozen=True, slots=True)
class SetupBuild:
    """What a setup is made of.

    Attributes:
        tree: the folder whose content is installed.
        version: the program's.
        picture: the program's icon (SVG).
        source_date: the one time of the build, in seconds since 1970.
        compression: how.
        signer: signs the uninstaller and setup itself; None: nobody does.
    """

    tree: Path
    version: str
    picture: Path
    source_date: int
    compression: Compression = "small"
    signer: Signer | None = None


def build_setup(build: SetupBuild, out_file: Path) -> Path:
    """Compile setup.

    Same tree, version, date and compiler: same bytes, as long as nobody signs.

    Args:
        build: of what.
        out_file: where to.

    Returns:
        ``out_file``.

    Raises:
        FileNotFoundError: makensis is not installed.
        ValueError: the tree holds what cannot be installed.
        RuntimeError: makensis fails or warns, with what it said.
        SignatureError: something could not be signed.
    """
    if shutil.which("makensis") is None:
        raise FileNotFoundError("makensis is not installed (Debian: apt-get install nsis)")
    lists = list_tree(build.tree)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        write_icon(build.picture, work / "maskwright.ico")
        for name, text in (
            ("files.txt", lists.files_text()),
            ("directories.txt", lists.directories_text()),
        ):
            (work / name).write_text(text, encoding="ascii", newline="")
            os.utime(work / name, (build.source_date, build.source_date))  # setup keeps times
        if build.signer is not None:  # makensis quotes its commands in its own way
            command = [sys.executable, str(Path(__file__).with_name("sign_file.py"))]
            command.append(build.signer.command)
            (work / SIGN_SCRIPT).write_text(f'exec {shlex.join(command)} "$1"\n', encoding="utf-8")
        script = file_commands(lists, build.tree.absolute())
        (work / "files.nsh").write_text(script, encoding="utf-8")
        out_file.parent.mkdir(parents=True, exist_ok=True)
        command = ["makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8", "-NOCD"]
        for name, value in definitions(build, lists, work=work, out_file=out_file).items():
            command.append(f"-D{name}={value}")
        done = subprocess.run(
            [*command, str(SOURCES / "setup.nsi")],
            cwd=SOURCES,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"makensis: {(done.stdout + done.stderr).strip()}")
    if build.signer is not None:
        build.signer.sign(out_file)
    return out_file


def file_commands(lists: FileLists, tree: Path) -> str:
    """Return the script that lays down every file, in the order of the list.

    ``File /r`` would take them in the order of the disk, another in every build.

    Args:
        lists: what.
        tree: the folder that they lie in, absolute.
    """
    lines = []
    folder = None
    for name in lists.files:
        parent = PurePosixPath(name).parent
        if parent != folder:
            folder = parent
            below = "" if str(parent) == "." else "\\" + str(parent).replace("/", "\\")
            lines.append(f"SetOutPath {quoted('$INSTDIR', below)}")
        lines.append(f"File {literal(tree / name)}")
    return "".join(f"{line}\n" for line in lines)


def quoted(variable: str, text: str) -> str:
    """Return a string of NSIS: the variable's value, then the text as it is."""
    if "`" in text:
        raise ValueError(f"{text!r} cannot be written in a script of NSIS")
    return f"`{variable}{text.replace('$', '$$')}`"


def literal(path: Path) -> str:
    """Return a file's name for makensis itself, which puts nothing in for ``$``."""
    if "`" in str(path) or "${" in str(path):
        raise ValueError(f"{path} cannot be written in a script of NSIS")
    return f"`{path}`"


def definitions(
    build: SetupBuild, lists: FileLists, *, work: Path, out_file: Path
) -> dict[str, str]:
    """Return what ``setup.nsi`` expects to be defined, by name."""
    size = sum((build.tree / name).stat().st_size for name in lists.files)
    defined = {
        "VERSION": build.version,
        "VERSION_NUMBERS": ".".join(str(number) for number in version_numbers(build.version)),
        "OUT_FILE": str(out_file.absolute()),
        "FILES": str(work / "files.nsh"),
        "LISTS": str(work),
        "LONGEST": str(lists.longest),
        "SIZE_KB": str(size // 1024),
        "ICON": str(work / "maskwright.ico"),
    }
    if build.compression == "small":
        # In one piece (/SOLID) it is a fourteenth smaller, but setup first writes all of it into
        # the temporary folder: a second gigabyte.
        defined |= {"COMPRESSION": "lzma", "DICTIONARY_MB": str(DICTIONARY_MB)}
    else:
        defined |= {"COMPRESSION": "zlib", "STORED": "yes"}
    if build.signer is not None:
        defined["SIGN"] = str(work / SIGN_SCRIPT)
    return defined
