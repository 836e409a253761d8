"""Runs uv, the bundled one first, with a cache of its own and nobody's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.system.errors import InputError
from core.system.installation import installation
from core.system.reporting import Reporter

_PAUSE_S: Final = 0.1
_FAREWELL_S: Final = 5.0
#: uv's own settings that say how the network of a company is to be used; all others are dropped.
_KEPT: Final = (
    "UV_DEFAULT_INDEX",
    "UV_HTTP_TIMEOUT",
    "UV_HTTP_RETRIES",
    "UV_KEYRING_PROVIDER",
)


class UvError(Exception):
    """uv failed; the text is what it said, in one line."""


def find_uv() -> Path:
    """Return the bundled uv, in a checkout the one on the search path.

    Raises:
        InputError: there is none.
    """
    installed = installation()
    if installed is not None:
        if installed.uv.is_file():
            return installed.uv
        raise InputError(
            "The installation is damaged: {file} is missing. Install the program again.",
            file=installed.uv,
        )
    found = shutil.which("uv")
    if found is None:
        raise InputError("uv, which makes the GPU environment, was not found: install it first.")
    return Path(found)


def uv_environment(cache: Path) -> dict[str, str]:
    """Return the variables that uv is run with.

    Nobody's Python, virtual environment or settings of uv have a part in it. The system's
    certificates count, so that a company's are known; proxies stay as they are set.
    """
    dropped = ("PYTHON", "UV_", "VIRTUAL_ENV", "CONDA_", "__PYVENV")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _KEPT or not name.upper().startswith(dropped)
    }
    return kept | {
        "UV_CACHE_DIR": str(cache),
        "UV_SYSTEM_CERTS": "true",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_COLOR": "1",
    }


def run_uv(
    arguments: Sequence[str | Path],
    *,
    cache: Path,
    log: Path,
    reporter: Reporter,
) -> None:
    """Run uv to its end; its output is added to ``log``.

    Args:
        arguments: without the program.
        cache: its own; nothing else is read or written.
        log: file that may be deleted later.
        reporter: asked whether to go on.

    Raises:
        UvError: it failed.
        InputError: there is no uv.
        StopRequested: the reporter asked to stop; uv is ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [find_uv(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=uv_environment(cache),
            cwd=log.parent,
            creationflags=_no_console(),
        )
        try:
            while process.poll() is None:
                reporter.check()
                time.sleep(_PAUSE_S)
        finally:
            _end(process)
    if process.returncode:
        said = log.read_bytes()[start:].decode("utf-8", errors="replace")
        raise UvError(_essence(said))


def _no_console() -> int:
    """No window with text may flash up on Windows."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _essence(said: str) -> str:
    """Return what uv means in one line: what follows its cross, without frames and hints."""
    lines = [line.strip(" │├╰─▶×╵\t") for line in said.splitlines()]
    told = [line for line in lines if line and not line.startswith(("hint:", "Using ", "warning:"))]
    text = " ".join(told).removeprefix("error: ")
    return text if len(text) <= 400 else "… " + text[-400:]
