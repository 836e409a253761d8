"""Hints for the words of the glossary, wherever in a window they are written."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QCursor, QHelpEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGroupBox,
    QHeaderView,
    QLabel,
    QTabBar,
    QToolTip,
    QWidget,
)

from app.look.term_finding import explain, terms_in
from app.look.translation import tr
from app.widgets.term_label import TermLabel

_CLIMBED = 2


class TermHints(QObject):
    """Answers for everything in a window that has no tooltip of its own.

    Qt hands a request for a tooltip upwards until something answers it, so one filter at the window
    sees them all, and texts may change as they like. What has a tooltip of its own puts the
    sentences into it (``term_finding.with_terms``).
    """

    term_chosen = Signal(str)
    """(key): it is to be read about."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Answer with what the words under the pointer mean; a click on one opens its entry."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = event.globalPos()
            text = explain(self._text_at(place))
            if text:
                more = tr("F1: all words explained")
                QToolTip.showText(place, f"{text}\n{more}", self._window)
                return True
        elif event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            key = self._clicked(event)
            if key is not None:
                self.term_chosen.emit(key)
                return True
        return super().eventFilter(watched, event)

    def current_term(self) -> str | None:
        """Return the key of a term under the pointer, or of what has the keyboard; None without."""
        texts = [self._text_at(QCursor.pos())] if self._window.underMouse() else []
        focused = QApplication.focusWidget()
        if focused is not None and self._window.isAncestorOf(focused):
            texts.append(text_of(focused, focused.rect().center()))
        for text in texts:
            for found in terms_in(text):
                return found.term.key
        return None

    def _text_at(self, place: QPoint) -> str:
        widget = self._window.childAt(self._window.mapFromGlobal(place))
        return "" if widget is None else text_of(widget, widget.mapFromGlobal(place))

    def _clicked(self, event: QMouseEvent) -> str | None:
        place = event.globalPosition()
        widget = self._window.childAt(self._window.mapFromGlobal(place.toPoint()))
        if not isinstance(widget, TermLabel) or event.button() != Qt.MouseButton.LeftButton:
            return None
        term = widget.term_at(widget.mapFromGlobal(place).x())
        return None if term is None else term.key


def text_of(widget: QWidget, place: QPoint) -> str:
    """Return what is written at a place of a widget, or what the widget is called."""
    text = _written(widget, place)
    if terms_in(text):
        return text
    named: QWidget | None = widget
    for _ in range(_CLIMBED):  # the line of a spin box is called as the box, a view's inside as it
        if named is None:
            break
        if named.accessibleName():
            return named.accessibleName()
        named = named.parentWidget()
    return text


def _written(widget: QWidget, place: QPoint) -> str:
    if isinstance(widget, (QLabel, QAbstractButton)):
        return widget.text()
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QGroupBox):
        return widget.title()
    if isinstance(widget, QTabBar):
        return widget.tabText(widget.tabAt(place))
    view = widget.parentWidget()
    if isinstance(view, QHeaderView):
        section = view.logicalIndexAt(place)
        data = view.model().headerData(section, view.orientation()) if section >= 0 else None
        return "" if data is None else str(data)
    if isinstance(view, QAbstractItemView):
        data = view.indexAt(place).data()
        return "" if data is None else str(data)
    return ""
