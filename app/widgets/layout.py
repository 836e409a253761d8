"""Small helpers that keep labels, rows and cards alike everywhere."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import set_icon, set_icon_beside_text
from app.look.term_finding import terms_in, with_terms
from app.look.theme import GRID
from app.widgets.term_label import TermLabel

_Box = TypeVar("_Box", bound=QBoxLayout)


class ScrolledColumn(QVBoxLayout):
    """Widgets below each other in a scroll area, each as high as it needs to be at this width.

    Whatever is shown is laid out at once, while the scroll area gives the room for it only when it
    is told: a plain layout meanwhile squeezes fields over each other, this one lets the last ones
    lie below the edge.
    """

    def setGeometry(self, area: QRect) -> None:  # noqa: N802
        """Place the items."""
        needed = max(self.minimumSize().height(), self.heightForWidth(area.width()))
        super().setGeometry(QRect(area.x(), area.y(), area.width(), max(area.height(), needed)))


def row(*items: QWidget | QLayout | int, spacing: int = GRID) -> QHBoxLayout:
    """Return widgets side by side; an int is a stretch factor."""
    return _filled(QHBoxLayout(), items, spacing)


def column(*items: QWidget | QLayout | int, spacing: int = GRID) -> QVBoxLayout:
    """Return widgets below each other; an int is a stretch factor."""
    return _filled(QVBoxLayout(), items, spacing)


def label(text: str = "", role: str = "", *, wrap: bool = False, is_name: bool = False) -> QLabel:
    """Return a text in one of the theme's roles (``title``, ``heading``, ``muted`` …).

    Args:
        text: words that the glossary explains are underlined where it is one line.
        role: how it looks.
        wrap: whether it may take several lines.
        is_name: it is a key or a file, whatever word it looks like.
    """
    made = QLabel(text) if wrap or is_name or not terms_in(text) else TermLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)  # file names are foreign: no HTML from them
    if role:
        made.setProperty("role", role)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        made.setWordWrap(True)  # last: it makes the height follow the width
        made.setMinimumWidth(GRID * 8)
    return made


def button(text: str, role: str = "", *, icon: str = "", tooltip: str = "") -> QPushButton:
    """Return a push button."""
    made = QPushButton(text)
    made.setAutoDefault(False)  # or Return in a dialog's field would press the button beside it
    if role:
        made.setProperty("role", role)
    if icon and text:
        set_icon_beside_text(made, icon)
    elif icon:
        set_icon(made, icon)
    if tooltip:
        made.setToolTip(with_terms(tooltip, text))
    return made


def let_shrink(root: QWidget) -> None:
    """Let the fields below ``root`` be narrower than their longest text."""
    for field in root.findChildren(QComboBox):
        field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        field.setMinimumContentsLength(6)
    for box in root.findChildren(QAbstractSpinBox):
        box.setMinimumWidth(GRID * 8)


def keep_place(widget: QWidget) -> None:
    """Let a widget hold its room while hidden, so that nothing jumps when it comes and goes."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def line(*, vertical: bool = False) -> QFrame:
    """Return a thin separating line."""
    made = QFrame()
    made.setProperty("role", "line")
    if vertical:
        made.setFixedWidth(1)
    else:
        made.setFixedHeight(1)
    return made


def indent_spin_boxes(root: QWidget) -> None:
    """Move the numbers off the left edge, where style sheets put them whatever the padding."""
    for box in root.findChildren(QAbstractSpinBox):
        edit = box.findChild(QLineEdit)
        if edit is not None:
            edit.setTextMargins(GRID // 2, 0, 0, 0)


def clear_layout(layout: QLayout) -> None:
    """Remove and delete everything in ``layout``."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear_layout(inner)


def _filled(layout: _Box, items: tuple[QWidget | QLayout | int, ...], spacing: int) -> _Box:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if isinstance(item, int):
            layout.addStretch(item)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)
    return layout
