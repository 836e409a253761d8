"""The project's runs, newest first, each with its network, best mIoU and state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.look.theme import GRID, RADIUS, Tokens, tokens
from app.look.translation import tr
from app.widgets.run_states import state_color, state_text
from core.models.model_verdict import Verdict
from core.project.rows import RunRow

_ROW = Qt.ItemDataRole.UserRole
_VERDICT = _ROW + 1
_HEIGHT = GRID * 7


class RunList(QListWidget):
    """One row a run; the arrow keys move through it."""

    run_selected = Signal(int)
    """(run id): another run was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "plain")
        self.setItemDelegate(_RunDelegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setAccessibleName(tr("Runs"))
        self.currentItemChanged.connect(self._on_current_changed)

    def set_runs(
        self, runs: Iterable[RunRow], verdicts: Mapping[int, Verdict | None] | None = None
    ) -> None:
        """Show these runs; the chosen one stays chosen, silently.

        Args:
            runs: newest first.
            verdicts: what was said of their models, by run id.
        """
        current = self.current_id
        self.blockSignals(True)
        self.clear()
        for run in runs:
            item = QListWidgetItem()
            item.setData(_ROW, run)
            verdict = (verdicts or {}).get(run.id)
            item.setData(_VERDICT, verdict)
            state = state_text(run.state, verdict)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{run.name}, {state}")
            item.setToolTip(run.name)
            self.addItem(item)
            if run.id == current:
                self.setCurrentItem(item)
        self.blockSignals(False)

    @property
    def current_id(self) -> int | None:
        """Id of the chosen run."""
        item = self.currentItem()
        return None if item is None else int(item.data(_ROW).id)

    @property
    def rows(self) -> list[RunRow]:
        """All runs shown, from top to bottom."""
        return [self.item(i).data(_ROW) for i in range(self.count())]

    def select(self, run_id: int) -> None:
        """Choose a run; an unknown id changes nothing."""
        for i, run in enumerate(self.rows):
            if run.id == run_id:
                self.setCurrentRow(i)

    @Slot(QListWidgetItem, QListWidgetItem)
    def _on_current_changed(self, item: QListWidgetItem | None, _before: object) -> None:
        if item is not None:
            self.run_selected.emit(item.data(_ROW).id)


class _RunDelegate(QStyledItemDelegate):
    def sizeHint(  # noqa: N802
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """All rows are equally high."""
        return QSize(GRID * 20, _HEIGHT)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw name, network and score, and the state as a chip."""
        run: RunRow = index.data(_ROW)
        theme = tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = option.rect.adjusted(GRID // 2, 2, -GRID // 2, -2)
        self._paint_ground(painter, option, area, theme)
        inner = area.adjusted(GRID, GRID // 2, -GRID, -GRID // 2)
        upper, lower = QRect(inner), QRect(inner)
        upper.setHeight(inner.height() // 2)
        lower.setTop(upper.bottom() + 1)
        chip = self._paint_chip(painter, option, lower, run.state, verdict=index.data(_VERDICT))
        metrics = option.fontMetrics
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        name = metrics.elidedText(run.name, Qt.TextElideMode.ElideRight, upper.width() - GRID)
        painter.drawText(upper, left, name)
        painter.setFont(option.font)
        painter.setPen(QColor(theme.muted))
        score = "" if run.best_miou is None else tr("mIoU {miou:.3f}", miou=run.best_miou)
        lower.setRight(chip.left() - GRID // 2)
        text = metrics.elidedText(
            score or run.model, Qt.TextElideMode.ElideRight, chip.left() - GRID // 2 - lower.left()
        )
        if score and text != score:  # a number cut short would be another number
            text = f"{run.best_miou:.3f}"
        painter.drawText(lower, left, text)
        painter.restore()

    def _paint_ground(
        self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, theme: Tokens
    ) -> None:
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            ground = theme.accent_soft
        elif state & QStyle.StateFlag.State_MouseOver:
            ground = theme.hover
        else:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(area, RADIUS, RADIUS)

    def _paint_chip(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        area: QRect,
        state: str,
        *,
        verdict: Verdict | None,
    ) -> QRect:
        text = state_text(state, verdict)
        width = option.fontMetrics.horizontalAdvance(text) + GRID * 2
        height = option.fontMetrics.height() + 2
        chip = QRect(area.right() - width, area.center().y() - height // 2, width, height)
        color = QColor(state_color(state, tokens(), verdict))
        soft = QColor(color)
        soft.setAlphaF(0.16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(soft)
        painter.drawRoundedRect(chip, height / 2, height / 2)
        painter.setPen(color)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)
        return chip
