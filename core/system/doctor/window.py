"""What the window needs: Qt's libraries, a display, characters to write with."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from core.system.doctor.check import Check, install_again
from core.system.messages import message
from core.system.probe_process import ProbeResult

_LIBRARIES = {  # Debian's package for each system library that Qt loads
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
#: The window's smallest size in pixels that do not depend on the display's scale.
_LEAST_SCREEN = (960, 600)


def check_window_libraries(probe: ProbeResult) -> Check:
    """Whether Qt starts; only the window needs it."""
    if probe.ok and not probe.value:
        return Check("window", "ok", message("Qt starts"))
    missing = str(probe.value) if probe.ok else probe.problem
    packages = sorted({package for name, package in _LIBRARIES.items() if name in missing})
    detail = message("Qt cannot start: {problem}", problem=missing)
    if packages:
        fix = message("sudo apt-get install {packages}", packages=" ".join(packages))
    else:
        fix = install_again(message("Install the system libraries that README names for Qt."))
    return Check(
        "window",
        "warning",
        detail,
        (fix, message("Until then everything but the window works from the command line.")),
    )


def check_display(try_it: Callable[[], ProbeResult]) -> Check:
    """Whether there is a screen to open the window on, and whether it is large enough.

    Args:
        try_it: opens it; called only where one is said to be there.
    """
    if not has_display():
        return Check(
            "display",
            "info",
            message("no display here; the command line does everything without one"),
        )
    probe = try_it()
    if not probe.ok:
        return Check(
            "display",
            "warning",
            message("the display cannot be used: {problem}", problem=probe.problem),
            (
                message(
                    "Start the program in a desktop session; over SSH use ssh -X, or set DISPLAY."
                ),
            ),
        )
    system, width, height, scale = probe.value.split()
    detail = message(
        "{system}, {width} × {height} at {scale} %",
        system=system,
        width=width,
        height=height,
        scale=scale,
    )
    if int(width) < _LEAST_SCREEN[0] or int(height) < _LEAST_SCREEN[1]:
        fix = message(
            "The window needs {width} × {height}: choose a smaller scale or another screen.",
            width=_LEAST_SCREEN[0],
            height=_LEAST_SCREEN[1],
        )
        return Check("display", "warning", detail, (fix,))
    return Check("display", "ok", detail)


def has_display() -> bool:
    """Whether a window could be shown."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def check_fonts(probe: ProbeResult) -> Check:
    """Whether names in Chinese can be read on this screen."""
    if not probe.ok:
        problem = message("the fonts cannot be listed: {problem}", problem=probe.problem)
        return Check("fonts", "info", problem)
    if probe.value:
        return Check("fonts", "ok", message("written with {font}", font=probe.value))
    if sys.platform == "win32":
        fix = message(
            "In Windows' Settings → Apps → Optional features add the Chinese supplemental fonts."
        )
    else:
        fix = message("sudo apt-get install fonts-noto-cjk")
    return Check(
        "fonts",
        "warning",
        message("no font has them: Chinese names and texts are shown as empty boxes"),
        (fix,),
    )
