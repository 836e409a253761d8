"""The project's runs, newest first, each with its network, best mIoU and state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QKeySequence, QPainter, QShortcut
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.look.icons import pixmap
from app.look.theme import GRID, RADIUS, Tokens, tokens
from app.look.translation import tr
from app.widgets.run_states import state_color, state_text
from core.models.model_verdict import Verdict
from core.project.rows import RunRow

_ROW = Qt.ItemDataRole.UserRole
_VERDICT = _ROW + 1
_STATE = _ROW + 2
_HEIGHT = GRID * 7
_STAR = 14


class RunList(QListWidget):
    """One row a run; the arrow keys move through it."""

    run_selected = Signal(int)
    """(run id): another run was chosen."""
    menu_requested = Signal(int, QPoint)
    """(run id, place on the screen)."""
    renamed = Signal(int, str)
    """(run id, name): typed into a row."""
    edit_ended = Signal()
    """A name was typed or not; meanwhile the list was not filled again."""
    delete_requested = Signal()
    """Of the chosen run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "plain")
        delegate = _RunDelegate(self)
        # Queued: the list cannot be filled again before the field is gone.
        queued = Qt.ConnectionType.QueuedConnection
        delegate.renamed.connect(self.renamed, queued)
        delegate.closeEditor.connect(self.edit_ended, queued)
        self.setItemDelegate(delegate)
        self.setEditTriggers(QListWidget.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self.delete_requested)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setAccessibleName(tr("Runs"))
        self.currentItemChanged.connect(self._on_current_changed)

    def set_runs(
        self,
        runs: Iterable[RunRow],
        verdicts: Mapping[int, Verdict | None] | None = None,
        left: Collection[int] = (),
    ) -> None:
        """Show these runs; the chosen one stays chosen, silently.

        Args:
            runs: from top to bottom.
            verdicts: what was said of their models, by run id.
            left: ids of those that an earlier window left in the queue.
        """
        if self.state() is QListWidget.State.EditingState:  # a name is being typed
            return
        current = self.current_id
        self.blockSignals(True)
        self.clear()
        for run in runs:
            item = QListWidgetItem()
            item.setData(_ROW, run)
            verdict = (verdicts or {}).get(run.id)
            state = state_text(run.state, verdict, waits=run.id not in left)
            item.setData(_VERDICT, verdict)
            item.setData(_STATE, state)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{run.name}, {state}")
            item.setToolTip("\n\n".join(text for text in (run.name, run.note) if text))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
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

    @Slot(int)
    def begin_rename(self, run_id: int) -> None:
        """Let the name of a run be typed in its row."""
        self.select(run_id)
        if self.current_id == run_id:
            self.editItem(self.currentItem())

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        item = self.itemAt(place)
        if item is not None:
            self.menu_requested.emit(item.data(_ROW).id, self.viewport().mapToGlobal(place))

    @Slot(QListWidgetItem, QListWidgetItem)
    def _on_current_changed(self, item: QListWidgetItem | None, _before: object) -> None:
        if item is not None:
            self.run_selected.emit(item.data(_ROW).id)


class _RunDelegate(QStyledItemDelegate):
    renamed = Signal(int, str)

    def createEditor(  # noqa: N802
        self,
        parent: QWidget,
        _option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> QWidget:
        """A field for the name."""
        made = QLineEdit(index.data(_ROW).name, parent)
        made.setAccessibleName(tr("Name of the run"))
        return made

    def setEditorData(  # noqa: N802
        self, editor: QWidget, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """The name as it is, ready to be replaced."""
        if isinstance(editor, QLineEdit):
            editor.setText(index.data(_ROW).name)
            editor.selectAll()

    def setModelData(  # noqa: N802
        self,
        editor: QWidget,
        _model: QAbstractItemModel,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Tell the new name; the list is filled again from the project."""
        run: RunRow = index.data(_ROW)
        if isinstance(editor, QLineEdit) and editor.text().strip() not in ("", run.name):
            self.renamed.emit(run.id, editor.text())

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
        color = QColor(state_color(run.state, theme, index.data(_VERDICT)))
        chip = self._paint_chip(painter, option, lower, index.data(_STATE), color)
        metrics = option.fontMetrics
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if run.pinned:
            ratio = painter.device().devicePixelRatioF()
            star = pixmap("star", _STAR, color=theme.accent, ratio=ratio)
            painter.drawPixmap(upper.right() - _STAR, upper.center().y() - _STAR // 2, star)
            upper.setRight(upper.right() - _STAR)
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
            if metrics.horizontalAdvance(text) > lower.width():
                text = ""
        elif text != run.model and not score:  # the name has it, as a rule
            text = ""
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
        text: str,
        color: QColor,
    ) -> QRect:
        width = option.fontMetrics.horizontalAdvance(text) + GRID * 2
        height = option.fontMetrics.height() + 2
        chip = QRect(area.right() - width, area.center().y() - height // 2, width, height)
        soft = QColor(color)
        soft.setAlphaF(0.16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(soft)
        painter.drawRoundedRect(chip, height / 2, height / 2)
        painter.setPen(color)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)
        return chip
