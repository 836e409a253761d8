"""Trials that may crash, each in a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.system.child_processes import interrupt_blocked
from core.system.doctor.gpu_build import has_kernels
from core.system.reporting import StopRequested

TIMEOUT_S = 120.0
#: Part of the problem where the engine's build was not made for the card.
NO_KERNELS = "holds no code for this card"
_TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``value`` is what the trial returned; ``problem`` says why it did not."""

    ok: bool
    value: str = ""
    problem: str = ""


def run_probe(
    trial: Callable[[], str],
    *,
    timeout_s: float = TIMEOUT_S,
    stopped: Callable[[], bool] = lambda: False,
) -> ProbeResult:
    """Run a module-level function in a fresh process and say how it went.

    Args:
        trial: what is tried.
        timeout_s: how long it may take.
        stopped: asked often; once it says yes the process is ended.

    Raises:
        StopRequested: ``stopped`` said so.
    """
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        output = Path(folder) / "output.txt"
        # A daemon: a program that ends meanwhile does not wait for it.
        process = context.Process(target=_child, args=(trial, writer, str(output)), daemon=True)
        with interrupt_blocked():
            process.start()
        writer.close()
        answer: tuple[bool, str] | None = None
        try:
            with contextlib.suppress(EOFError):
                if _waited(reader, timeout_s, stopped):
                    answer = reader.recv()
                else:
                    answer = (False, f"no answer within {timeout_s:.0f} s")
                    process.kill()
        finally:
            if stopped():
                process.kill()
            process.join()
            reader.close()
        if answer is None:
            answer = (False, _cause_of_death(process.exitcode or 0, output))
    return ProbeResult(True, value=answer[1]) if answer[0] else ProbeResult(False, "", answer[1])


def _waited(reader: Connection, timeout_s: float, stopped: Callable[[], bool]) -> bool:
    """Whether something came, or the other end closed, in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if reader.poll(_TICK_S):
            return True
        if stopped():
            raise StopRequested
    return False


def _child(trial: Callable[[], str], writer: Connection, output: str) -> None:
    target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor in (1, 2):
        os.dup2(target, descriptor)
    try:
        writer.send((True, trial()))
    except Exception as error:
        writer.send((False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"))
    writer.close()


def _cause_of_death(exitcode: int, output: Path) -> str:
    try:
        cause = f"ended by {signal.Signals(-exitcode).name}"
    except ValueError:
        cause = f"ended with code {exitcode}"
    text = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{cause} ({' '.join(lines[-2:])[:300]})" if lines else cause


def train_one_step() -> str:
    """Train a tiny convolution, save it under a Chinese name; returns the device.

    Raises:
        RuntimeError: the engine's build holds no code for the card.
    """
    import numpy as np
    import paddle
    from paddle import nn

    if paddle.device.get_device().startswith("gpu"):
        capability = paddle.device.cuda.get_device_capability()
        built_for = paddle.version.cuda_archs()
        if not has_kernels(capability, built_for):
            raise RuntimeError(f"it {NO_KERNELS}: made for {built_for}, the card is {capability}")

    net = nn.Sequential(nn.Conv2D(3, 4, 3, padding=1), nn.BatchNorm2D(4), nn.Conv2D(4, 2, 1))
    optimizer = paddle.optimizer.Momentum(0.01, parameters=net.parameters())
    image = paddle.to_tensor(np.ones((2, 3, 16, 16), np.float32))
    label = paddle.to_tensor(np.zeros((2, 16, 16), np.int64))
    loss = nn.functional.cross_entropy(net(image), label, axis=1)
    loss.backward()
    optimizer.step()
    if not np.isfinite(float(loss)):
        raise ArithmeticError("the loss of a tiny network is not finite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "模型 1" / "model.pdparams"
        paddle.save(net.state_dict(), str(path))
        paddle.load(str(path))
    return str(paddle.device.get_device())


def start_window_system() -> str:
    """Start Qt without a screen; returns what the plug-in for screens misses, or ''."""
    _qt_application(offscreen=True).processEvents()
    if sys.platform != "linux":
        return ""
    core = importlib.import_module("PySide6.QtCore")
    plugins = Path(core.QLibraryInfo.path(core.QLibraryInfo.LibraryPath.PluginsPath))
    try:
        ctypes.CDLL(str(plugins / "platforms" / "libqxcb.so"))
    except OSError as error:
        return str(error)
    return ""


def open_display() -> str:
    """Start Qt on the screen; returns its kind, width, height and scale in per cent."""
    application = _qt_application(offscreen=False)
    screen = application.primaryScreen()
    if screen is None:
        raise RuntimeError("there is no screen")
    size = screen.availableSize()
    scale = round(screen.devicePixelRatio() * 100)
    return f"{application.platformName()} {size.width()} {size.height()} {scale}"


def find_chinese_font() -> str:
    """Return a font with Simplified Chinese characters, '' where none is installed."""
    # Windows' own fonts are known to its own platform only; no window is shown.
    _qt_application(offscreen=sys.platform == "linux")
    gui = importlib.import_module("PySide6.QtGui")
    fonts = gui.QFontDatabase
    families = fonts.families(fonts.WritingSystem.SimplifiedChinese)
    # Fonts of signs claim every language at times: only the sign itself is proof.
    for family in families:
        if gui.QFontMetrics(gui.QFont(family)).inFontUcs4(ord("缺")):
            return str(family)
    return ""


def _qt_application(*, offscreen: bool) -> Any:
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # By name: only this child process may load Qt from here, and nothing in ``core`` imports it.
    return importlib.import_module("PySide6.QtWidgets").QApplication([])
