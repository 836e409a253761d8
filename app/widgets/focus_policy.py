"""Settings beside a picture: neither a click nor the wheel may take the keys away from it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollBar,
    QWidget,
)

_TURNED = (QComboBox, QAbstractSpinBox, QAbstractSlider)


class UnfocusedWheelFilter(QObject):
    """Where it is installed, the wheel scrolls what lies around an input without the focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let the wheel scroll instead of turning what is under it."""
        if (
            event.type() == QEvent.Type.Wheel
            and isinstance(watched, QWidget)
            and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class WheelScrolls(UnfocusedWheelFilter):
    """For the inputs below a widget: the wheel turns only the one that was clicked first."""

    def __init__(self, root: QWidget) -> None:
        super().__init__(root)
        for part in root.findChildren(QWidget):
            if isinstance(part, _TURNED) and not isinstance(part, QScrollBar):
                if part.focusPolicy() == Qt.FocusPolicy.WheelFocus:  # or the wheel would take it
                    part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                part.installEventFilter(self)


class TabFocusInputs(UnfocusedWheelFilter):
    """Leaves the keyboard where it is while the inputs below a widget are used.

    Lists, boxes to choose from, sliders and buttons take the focus by Tab alone, so that the
    canvas's keys go on working after a click on them. The wheel scrolls what lies around an input
    and changes only the one that has the focus.
    """

    def __init__(self, root: QWidget) -> None:
        super().__init__(root)
        for part in root.findChildren(QWidget):
            if isinstance(part, QScrollBar) or part.window() is not root.window():
                continue  # a box's list has a window of its own
            if isinstance(part, (QAbstractButton, QAbstractItemView, QComboBox, QAbstractSlider)):
                part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            elif isinstance(part, QAbstractSpinBox):
                part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            if isinstance(part, _TURNED):
                part.installEventFilter(self)
