"""The classes of a project with their colours and how much of the dataset each one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.look.theme import GRID, tokens
from app.look.translation import tr, trn
from core.project import LabelClass

_ROLE = Qt.ItemDataRole.UserRole
_ROW_HEIGHT = GRID * 6
_SWATCH = GRID + 4
_MAX_HEIGHT = _ROW_HEIGHT * 9


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """``share`` of all labelled pixels (0 … 1) and ``images`` that show the class."""

    label: LabelClass
    share: float | None
    images: int | None


class ClassList(QListWidget):
    """Click a class to see its images, click it again to see all."""

    class_chosen = Signal(object)
    """(class id | None)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "plain")
        self._delegate = _Delegate(self)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Classes"))
        self.itemClicked.connect(self._on_item_chosen)
        self.itemActivated.connect(self._on_item_chosen)
        self._chosen: int | None = None

    def set_classes(self, facts: Sequence[ClassFacts]) -> None:
        """Show these classes."""
        self.clear()
        self._delegate.set_counts([_images_text(fact) for fact in facts])
        for fact in facts:
            item = QListWidgetItem(fact.label.name)
            item.setData(_ROLE, fact)
            item.setToolTip(
                tr("{name}: click to see only its images", name=fact.label.name)
                + f"\n{_images_text(fact)}"
            )
            self.addItem(item)
        self.setFixedHeight(min(_MAX_HEIGHT, max(1, len(facts)) * _ROW_HEIGHT) + 2)
        self.set_chosen(self._chosen)

    def set_chosen(self, class_id: int | None) -> None:
        """Mark the class that the grid is filtered by."""
        self._chosen = class_id
        self.clearSelection()
        for place in range(self.count()):
            item = self.item(place)
            item.setSelected(item.data(_ROLE).label.id == class_id)

    @Slot(QListWidgetItem)
    def _on_item_chosen(self, item: QListWidgetItem) -> None:
        class_id = item.data(_ROLE).label.id
        self.class_chosen.emit(None if class_id == self._chosen else class_id)


class _Delegate(QStyledItemDelegate):
    _counts: Sequence[str] = ()

    def set_counts(self, texts: Sequence[str]) -> None:
        """Leave room for the longest of these: bars are compared by their lengths."""
        self._counts = texts

    def sizeHint(  # noqa: N802
        self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(GRID * 20, _ROW_HEIGHT)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        fact = index.data(_ROLE)
        t = tokens()
        area: QRect = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(t.accent_soft))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, QColor(t.hover))
        inner = area.adjusted(GRID // 2, 0, -GRID, 0)
        text = QRect(inner.left(), inner.top() + 4, inner.width(), GRID * 2 + 4)
        swatch = QRect(text.left(), text.center().y() - _SWATCH // 2, _SWATCH, _SWATCH)
        painter.fillRect(swatch, QColor(*fact.label.color))
        painter.setPen(QColor(t.border))
        painter.drawRect(swatch)
        share = "" if fact.share is None else percent_text(fact.share)
        metrics = painter.fontMetrics()
        painter.setPen(QColor(t.muted))
        align = Qt.AlignmentFlag
        painter.drawText(text, align.AlignRight | align.AlignVCenter, share)
        left = text.adjusted(_SWATCH + GRID, 0, -metrics.horizontalAdvance(share) - GRID, 0)
        painter.setPen(QColor(t.text))
        name = metrics.elidedText(fact.label.name, Qt.TextElideMode.ElideRight, left.width())
        painter.drawText(left, align.AlignLeft | align.AlignVCenter, name)
        below = text.translated(0, text.height())
        painter.setPen(QColor(t.muted))
        painter.drawText(below, align.AlignRight | align.AlignVCenter, _images_text(fact))
        widest = max(map(metrics.horizontalAdvance, self._counts), default=0)
        room = widest + GRID * 2
        _draw_bar(painter, below.adjusted(_SWATCH + GRID, 0, -room, 0), fact)
        painter.restore()


def _draw_bar(painter: QPainter, area: QRect, fact: ClassFacts) -> None:
    bar = QRect(area.left(), area.center().y() - 1, area.width(), 4)
    painter.fillRect(bar, QColor(tokens().hover))
    if fact.share:
        bar.setWidth(max(2, round(bar.width() * fact.share)))
        painter.fillRect(bar, QColor(*fact.label.color))


def _images_text(fact: ClassFacts) -> str:
    return "" if fact.images is None else trn("{count} image", "{count} images", fact.images)


def percent_text(share: float) -> str:
    """Return a share (0 … 1) as a percentage with two meaningful digits."""
    percent = share * 100
    if percent and percent < 0.01:
        return "<\N{NO-BREAK SPACE}0.01\N{NO-BREAK SPACE}%"
    digits = f"{percent:.1f}" if percent >= 1 else f"{percent:.2g}"
    return f"{digits}\N{NO-BREAK SPACE}%"
