"""What all tests share: which run, what is collected when, what a process says that dies."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

_ASKED = "MASKWRIGHT_THOROUGH"
_FIRST = Path(__file__).parent / "end_to_end"

_faults_folder = pytest.StashKey[tempfile.TemporaryDirectory[str]]()
_faults = pytest.StashKey[TextIO]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``thorough`` unless they are asked for; the longest tests come first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Processes that share the tests end together when the last ones are short.
        items.sort(key=lambda item: _FIRST not in item.path.parents)
    if os.environ.get(_ASKED):
        return
    skip = pytest.mark.skip(reason=f"takes long: set {_ASKED}=1 to run it")
    for item in items:
        if "thorough" in item.keywords:
            item.add_marker(skip)


def pytest_collection() -> None:
    """Import all tests without collecting garbage: there is little, sought again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what the imports made out of all collections to come: each would take half a second."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Collect garbage with Qt's objects between tests, as the window does: on the main thread.

    Python's own collector runs in whatever thread allocates, that in which pytest-xdist listens
    too, and Qt does not survive that an object is destroyed there, in this test or a later one.
    """
    _hear_faults(item.config)
    if not _uses_qt(item):
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        stays = nextitem is not None and _uses_qt(nextitem)
        if not stays or gc.get_count()[2] > gc.get_threshold()[2]:
            gc.collect()
        else:
            gc.collect(1)
        if not stays:
            gc.enable()


def _uses_qt(item: pytest.Item) -> bool:
    return "qapp" in getattr(item, "fixturenames", ())


# A process of the tests that dies in native code takes with it what the system said of it: the
# handlers of Paddle, loaded by many tests, replace Python's and write where pytest captures.


def pytest_configure_node(node) -> None:
    """Give a process of the tests a file for its last words."""
    if _faults_folder not in node.config.stash:
        node.config.stash[_faults_folder] = tempfile.TemporaryDirectory(prefix="faults")
    folder = node.config.stash[_faults_folder].name
    node.workerinput["faults"] = str(Path(folder) / f"{node.gateway.id}.txt")


def pytest_testnodedown(node, error) -> None:
    """Say how a process of the tests ended that should not have, and where it was."""
    if not error:
        return
    lines = [f"[{node.gateway.id}] {_end_of(node)}"]
    with contextlib.suppress(FileNotFoundError):
        told = Path(node.workerinput["faults"]).read_text(encoding="utf-8", errors="replace")
        lines += told.splitlines() or ["It left no traceback."]
    terminal = node.config.pluginmanager.get_plugin("terminalreporter")
    terminal.ensure_newline()
    for line in lines:
        terminal.write_line(line)


def _end_of(node) -> str:
    try:
        code = node.gateway._io.popen.wait(10)  # execnet keeps it to itself
    except (AttributeError, subprocess.TimeoutExpired):
        return "has not ended"
    if code >= 0:
        return f"left with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"ended by {signal.Signals(-code).name}"
    return f"ended by signal {-code}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the last words, which have been shown."""
    if _faults_folder in config.stash:
        config.stash[_faults_folder].cleanup()


def _hear_faults(config: pytest.Config) -> None:
    workerinput = getattr(config, "workerinput", None)
    if workerinput is None:
        return
    if _faults not in config.stash:
        # Open as long as the process lives.
        config.stash[_faults] = Path(workerinput["faults"]).open("w", encoding="utf-8")  # noqa: SIM115
    # Anew for each test: enabling what is enabled does not take the handlers back.
    faulthandler.disable()
    faulthandler.enable(file=config.stash[_faults])
