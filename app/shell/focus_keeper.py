"""The keyboard stays where it was while a button waits for the job that it started."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Slot
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid


class FocusKeeper(QObject):
    """Keeps Qt from handing the keyboard to whatever comes next to a button that is disabled.

    A key meant for nothing would change that: a number field, a list, the search. The panel in
    front gets the keyboard instead, and the button gets it back with its next use.
    """

    def __init__(self, window: QWidget, resting_place: Callable[[], QWidget | None]) -> None:
        super().__init__(window)
        self._window = window
        self._resting_place = resting_place
        self._lost: QWidget | None = None
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus_changed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Give the keyboard back to what can be used again, unless something else took it."""
        back = event.type() in (QEvent.Type.EnabledChange, QEvent.Type.Show)
        if back and watched is self._lost and _usable(self._lost):
            rests = QApplication.focusWidget() is self._resting_place()
            lost = self._forget()
            if rests and lost is not None:
                lost.setFocus()
        return super().eventFilter(watched, event)

    @Slot("QWidget*", "QWidget*")
    def _on_focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        place = self._resting_place()
        if old is None or place is None or new in (None, place):
            return
        if not self._window.isAncestorOf(old) or not self._window.isAncestorOf(new):
            return
        if _usable(old):
            self._forget()
            return
        self._forget()
        if place.isVisible() and place.isEnabled():
            self._lost = old
            old.installEventFilter(self)
            place.setFocus()

    def _forget(self) -> QWidget | None:
        lost, self._lost = self._lost, None
        if lost is None or not isValid(lost):
            return None
        lost.removeEventFilter(self)
        return lost


def _usable(widget: QWidget) -> bool:
    return widget.isEnabled() and widget.isVisible()
