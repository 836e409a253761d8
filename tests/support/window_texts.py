"""What is written in a window, and whether it has the room that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTabBar,
    QToolTip,
    QWidget,
)

from app.widgets.elided_label import ElidedLabel

_SLACK = 1
_KINDS = (QLabel, QAbstractButton, QComboBox, QTabBar, QLineEdit, QHeaderView)


def texts(window: QWidget) -> Iterator[tuple[QWidget, str]]:
    """Yield what is seen of labels, buttons, fields, tabs and titles, each with its text."""
    for widget in window.findChildren(QWidget):
        if (
            not isinstance(widget, _KINDS)
            or not widget.isVisible()
            or widget.window() is not window
        ):
            continue
        text = written(widget)
        if text.strip():
            yield widget, text


def written(widget: QWidget) -> str:
    """Return the text of a widget of a known kind."""
    if isinstance(widget, (QLabel, QAbstractButton)):
        return widget.text()
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QTabBar):
        return " · ".join(widget.tabText(index) for index in range(widget.count()))
    if isinstance(widget, QHeaderView):
        return " · ".join(title for _, title in _sections(widget))
    return widget.text() or widget.placeholderText() if isinstance(widget, QLineEdit) else ""


def cut_off(window: QWidget) -> list[str]:
    """Say which texts are wider or higher than their room."""
    return [
        f"{type(widget).__name__} {text[:60]!r}: {problem}"
        for widget, text in texts(window)
        if (problem := _lacks(widget, text))
    ]


def overlapping(window: QWidget) -> list[str]:
    """Say which texts lie over each other."""
    boxes = []
    for widget, text in texts(window):
        box = _seen(widget, window)
        if not box.isEmpty():
            boxes.append((widget, text, box))
    return [
        f"{text[:40]!r} over {other_text[:40]!r}"
        for (widget, text, box), (other, other_text, other_box) in combinations(boxes, 2)
        if box.adjusted(1, 1, -1, -1).intersects(other_box)
        and not widget.isAncestorOf(other)
        and not other.isAncestorOf(widget)
    ]


def asked(widget: QWidget, place: QPoint) -> str:
    """Return the hint that the window shows for a place of a widget."""
    QToolTip.hideText()
    target = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    event = QHelpEvent(QEvent.Type.ToolTip, place, target.mapToGlobal(place))
    QApplication.sendEvent(target, event)
    return QToolTip.text()


def places(widget: QWidget) -> Iterator[tuple[str, QPoint]]:
    """Yield each text of a widget with a place where it is written."""
    if isinstance(widget, QTabBar):
        for index in range(widget.count()):
            yield widget.tabText(index), widget.tabRect(index).center()
    elif isinstance(widget, QHeaderView):
        for section, title in _sections(widget):
            middle = widget.sectionViewportPosition(section) + widget.sectionSize(section) // 2
            flat = widget.orientation() == Qt.Orientation.Horizontal
            yield title, QPoint(middle, 4) if flat else QPoint(4, middle)
    else:
        yield written(widget), widget.rect().center()


def _sections(header: QHeaderView) -> list[tuple[int, str]]:
    model = header.model()
    if model is None:
        return []
    titles = [
        (section, model.headerData(section, header.orientation()))
        for section in range(header.count())
        if not header.isSectionHidden(section)
    ]
    return [(section, str(title)) for section, title in titles if title]


def _lacks(widget: QWidget, text: str) -> str:
    if isinstance(widget, ElidedLabel):
        return ""
    if (outside := _outside(widget)) is not None:
        return outside
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        room = widget.contentsRect()
        if widget.wordWrap():
            flags = Qt.TextFlag.TextWordWrap | widget.alignment()
            needed = metrics.boundingRect(QRect(0, 0, room.width(), 10_000), int(flags), text)
            if needed.width() > room.width() + _SLACK:
                return f"a word needs {needed.width()} of {room.width()}"
            return _too_low(needed.height(), room.height())
        width = max(metrics.horizontalAdvance(line) for line in text.split("\n"))
        if width > room.width() + _SLACK:
            return f"needs {width} of {room.width()}"
        return _too_low(metrics.height() * (text.count("\n") + 1), room.height() + 2)
    if isinstance(widget, QAbstractButton):
        needed_size = widget.minimumSizeHint().expandedTo(widget.sizeHint())
        if needed_size.width() > widget.width() + _SLACK:
            return f"needs {needed_size.width()} of {widget.width()}"
    if isinstance(widget, QComboBox):
        shrinks = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        if (
            widget.sizeAdjustPolicy() != shrinks
            and widget.width() < widget.minimumSizeHint().width()
        ):
            return f"needs {widget.minimumSizeHint().width()} of {widget.width()}"
    if isinstance(widget, QTabBar):
        last = widget.tabRect(widget.count() - 1).right()
        if last > widget.width():
            return f"needs {last} of {widget.width()}"
    if isinstance(widget, QLineEdit) and not widget.text():
        width = metrics.horizontalAdvance(text)
        if width > widget.width() - 8:
            return f"needs {width} of {widget.width() - 8}"
    if isinstance(widget, QHeaderView) and widget.orientation() == Qt.Orientation.Horizontal:
        for section, title in _sections(widget):
            needed_width = metrics.horizontalAdvance(title) + 4
            if needed_width > widget.sectionSize(section):
                return f"{title!r} needs {needed_width} of {widget.sectionSize(section)}"
    return ""


def _too_low(needed: int, height: int) -> str:
    return f"needs a height of {needed}, has {height}" if needed > height + _SLACK else ""


def _outside(widget: QWidget) -> str | None:
    """Say by how much a widget leaves what is around it; what can be scrolled may be below."""
    around = widget.parentWidget()
    while around is not None:
        box = QRect(widget.mapTo(around, QPoint()), widget.size())
        over_x = max(-box.left(), box.right() - around.rect().right())
        over_y = max(-box.top(), box.bottom() - around.rect().bottom())
        scroll = around.parentWidget()
        if isinstance(scroll, QAbstractScrollArea) and around is scroll.viewport():
            off = scroll.horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOff
            return f"leaves what is scrolled by {over_x}" if off and over_x > _SLACK else None
        if max(over_x, over_y) > _SLACK:
            return f"leaves {type(around).__name__} by {max(over_x, over_y)}"
        around = None if around.isWindow() else scroll
    return None


def _seen(widget: QWidget, window: QWidget) -> QRect:
    seen = widget.visibleRegion().boundingRect()
    return QRect(widget.mapTo(window, seen.topLeft()), seen.size())
