"""What is tried of the engine and the window system, each in a process of its own."""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def train_one_step() -> str:
    """Train a tiny convolution, save it under a Chinese name; returns the device."""
    import numpy as np

    # By name, as Qt below: nothing that the window imports loads the engine.
    paddle = importlib.import_module("paddle")
    nn = paddle.nn
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
