"""``maskwright.exe``, the window, and ``maskwright.com``, the command line.

One executable cannot be both: Windows fixes in its header whether it has a console. One with a
console opens an empty black window beside ours; of one without, no shell waits for the end or
shows the output. Shells look for ``.com`` before ``.exe``, so that ``maskwright`` typed is the
command line, and shortcuts start ``maskwright.exe``; Visual Studio's ``devenv`` has been doing this
for decades.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from windows.icon import write_icon
from windows.version_numbers import version_numbers

SOURCES = Path(__file__).parent / "launcher"
_COMPILER = "x86_64-w64-mingw32-gcc"
_RESOURCES = "x86_64-w64-mingw32-windres"


@dataclass(frozen=True, slots=True)
class Launcher:
    """One of the two executables."""

    file_name: str
    description: str
    options: tuple[str, ...]


WINDOW = Launcher("maskwright.exe", "Maskwright", ("-mwindows",))
COMMAND_LINE = Launcher("maskwright.com", "Maskwright, command line", ("-mconsole", "-DCONSOLE"))
LAUNCHERS = (WINDOW, COMMAND_LINE)


def build_launchers(folder: Path, *, version: str, picture: Path, python_dll: str) -> list[Path]:
    """Compile the launchers into an installation's folder.

    Same sources, same compiler: same bytes.

    Args:
        folder: where they lie in the installation.
        version: the program's, for Explorer's details and roll-out tools.
        picture: the icon (SVG).
        python_dll: the interpreter's library in ``python``, such as ``python311.dll``.

    Returns:
        What was written.

    Raises:
        FileNotFoundError: MinGW's compiler is not installed.
        subprocess.CalledProcessError: it fails.
    """
    for tool in (_COMPILER, _RESOURCES):
        if shutil.which(tool) is None:
            raise FileNotFoundError(
                f"{tool} is not installed (Debian: apt-get install gcc-mingw-w64-x86-64)"
            )
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        shutil.copytree(SOURCES, work, dirs_exist_ok=True)
        write_icon(picture, work / "maskwright.ico")
        return [
            _build(launcher, folder, work=work, version=version, python_dll=python_dll)
            for launcher in LAUNCHERS
        ]


def _build(launcher: Launcher, folder: Path, *, work: Path, version: str, python_dll: str) -> Path:
    numbers = ",".join(str(number) for number in version_numbers(version))
    header = [
        f"#define VERSION_NUMBERS {numbers}",
        f'#define VERSION "{version}"',
        f'#define DESCRIPTION "{launcher.description}"',
        f'#define FILE_NAME "{launcher.file_name}"',
    ]
    text = "\n".join([*header, (work / "launcher.rc").read_text(encoding="utf-8")])
    (work / "named.rc").write_text(text, encoding="utf-8")
    target = folder / launcher.file_name
    resources = [_RESOURCES, "-c", "65001", "named.rc", "-O", "coff", "-o", "resources.o"]
    program = [
        _COMPILER,
        "-std=c11",
        "-O2",
        "-s",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-D_WIN32_WINNT=0x0A00",
        "-D__USE_MINGW_ANSI_STDIO=0",
        f'-DPYTHON_DLL=L"{python_dll}"',
        *launcher.options,
        # No time of the build in the file; addresses that nobody can guess; no code in data.
        "-Wl,--no-insert-timestamp,--dynamicbase,--high-entropy-va,--nxcompat",
        "-o",
        str(target.absolute()),
        "launcher.c",
        "resources.o",
        "-lshell32",
    ]
    for command in (resources, program):
        subprocess.run(command, check=True, cwd=work)
    return target
