"""Commands run in the folder with wine that ``packaging/try/wine/make_root.sh`` makes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

ROOT_VARIABLE = "MASKWRIGHT_WINE_ROOT"
CHECKOUT = Path(__file__).resolve().parents[3]
SCRIPTS = CHECKOUT / "packaging" / "try" / "wine"
USER = "张 三"
_VALUE = re.compile(r'(?:"(?P<name>(?:[^"\\]|\\.)*)"|@)=(?P<text>.*)')
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{1,4})|(.))")
_TOOLS = ("mmdebstrap", "unshare", "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-objdump")


class WineError(Exception):
    """A command did not end, or not as it had to."""


def wine_root() -> Path:
    """Return where the folder with wine is, or is to be made."""
    return Path(os.environ.get(ROOT_VARIABLE) or CHECKOUT / "build" / "wine")


def why_not() -> str | None:
    """Return why nothing can be tried in wine on this machine; None where it can."""
    if sys.platform == "win32":
        return "this is Windows"
    if os.geteuid() != 0:
        return "wine runs in a folder of its own, which needs root"
    if (wine_root() / "ready").exists():
        return None if shutil.which("unshare") else "unshare is not installed"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


class Wine:
    r"""One folder with wine, and a folder of this machine that is its ``Z:\shared``.

    Everything that a call starts ends with the call.

    Args:
        root: made by ``make_root.sh``, which is run if it has not been.
        shared: exists; its files must be readable for everyone.
    """

    def __init__(self, root: Path, shared: Path) -> None:
        self.root = root
        self.shared = shared
        if not (root / "ready").exists():
            subprocess.run([str(SCRIPTS / "make_root.sh"), str(root)], check=True)
        self.home = root / "home" / USER
        self.drive_c = self.home / ".wine" / "drive_c"
        self.profile = self.drive_c / "users" / USER

    def local(self, path: PureWindowsPath | str) -> Path:
        """Return where a path of drive C lies on this machine."""
        return self.drive_c.joinpath(*PureWindowsPath(path).parts[1:])

    def run(self, *command: str, timeout_s: float = 120, exit_code: int | None = 0) -> str:
        """Run a command of Windows and return what it wrote.

        Args:
            command: an executable's path and its arguments, or a command of wine's own.
            timeout_s: after which everything is ended.
            exit_code: that it must have; None: any.

        Raises:
            WineError: another code, or no end in time.
        """
        return self.shell(shlex.join(["wine", *command]), timeout_s=timeout_s, exit_code=exit_code)

    def shell(self, script: str, *, timeout_s: float = 120, exit_code: int | None = 0) -> str:
        """Run a script of bash in which ``wine`` is known; as ``run``."""
        command = [str(SCRIPTS / "enter.sh"), str(self.root), "bash", "-c", script]
        with subprocess.Popen(
            command,
            env={**os.environ, "SHARED": str(self.shared)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                output, _ = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired as error:
                process.kill()  # and with it, as its process list's first, all that it started
                output, _ = process.communicate()
                said = output.decode(errors="replace")
                raise WineError(f"no end after {timeout_s:.0f} s: {script}\n{said}") from error
            except BaseException:
                process.kill()
                raise
        text = output.decode(errors="replace")
        if exit_code is not None and process.returncode != exit_code:
            raise WineError(f"ended with {process.returncode}, not {exit_code}: {script}\n{text}")
        return text

    def registry(self, key: str) -> dict[str, str]:
        """Return the values of one of the user's keys by name; empty where there is no such key.

        Read from wine's own file: what ``reg`` prints has lost all Chinese letters.
        """
        values: dict[str, str] = {}
        inside = False
        wanted = "[" + key.removeprefix("HKCU\\").replace("\\", "\\\\").lower() + "]"
        for line in (self.home / ".wine" / "user.reg").read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                inside = line.rpartition("]")[0].lower() + "]" == wanted
            elif inside and (found := _VALUE.match(line)):
                values[found["name"] or ""] = _unescaped(found["text"])
        return values

    def forget(self, names: Sequence[str]) -> None:
        """Remove what earlier trials left: keys of the user's registry."""
        deletions = "; ".join(f"wine reg delete 'HKCU\\{name}' /f" for name in names)
        self.shell(f"{deletions}; true")


def _unescaped(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPE.sub(lambda one: chr(int(one[1], 16)) if one[1] else one[2], text[1:-1])
