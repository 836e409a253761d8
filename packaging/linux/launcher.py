"""What users start on Linux, and the small libraries that Qt and Paddle need beside them."""

from __future__ import annotations

from pathlib import Path

from linux.elf import needs_of
from linux.libraries import QT_HELPERS, copy_library, debian_components, set_search_path
from product.components import Component
from product.layout import Layout

SCRIPT = Path(__file__).with_name("maskwright.sh")


def lay_launcher(layout: Layout) -> list[Component]:
    """Write the launcher; it is ours."""
    layout.launcher.write_bytes(SCRIPT.read_bytes())
    layout.launcher.chmod(0o755)
    return []


def lay_helpers(layout: Layout) -> list[Component]:
    """Copy what Qt and Paddle take from the system and many systems lack."""
    beside_qt = layout.packages / "PySide6" / "Qt" / "lib"
    copied = [copy_library(name, beside_qt) for name in QT_HELPERS]
    for name in QT_HELPERS:
        if set(needs_of(beside_qt / name).libraries) & set(QT_HELPERS):
            set_search_path(beside_qt / name, beside_qt)
    beside_paddle = layout.packages / "paddle" / "libs"
    copied.append(copy_library("libgomp.so.1", beside_paddle))
    # The one library of Paddle's that asks for it before any that knows where to look.
    set_search_path(beside_paddle / "libcommon.so", beside_paddle)
    return debian_components(copied)
