"""Where a window stands: never larger than the screen, and inside it when it is new."""

from __future__ import annotations

from PySide6.QtCore import QMargins, QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

#: What a frame usually adds; it is not known before a window was shown.
_FRAME = QMargins(4, 36, 4, 4)


def place_window(window: QWidget, wanted: QSize, least: QSize) -> None:
    """Give a window that was not shown yet its size, and the middle of its screen.

    Args:
        window: it may be as small as ``least``, or as the screen where that is smaller.
        wanted: its size where the screen has room.
        least: below that its content does not fit.
    """
    room = window.screen().availableGeometry()
    inside = fitting(room, wanted)
    window.setMinimumSize(least.boundedTo(inside.size()))
    window.setGeometry(inside)


def fitting(room: QRect, wanted: QSize) -> QRect:
    """Return a window of the wanted size, or smaller, in the middle of ``room``, frame included."""
    size = wanted.boundedTo(room.marginsRemoved(_FRAME).size())
    frame = QRect(QPoint(), size.grownBy(_FRAME))
    frame.moveCenter(room.center())
    return frame.marginsRemoved(_FRAME)
