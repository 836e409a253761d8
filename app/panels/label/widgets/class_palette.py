"""The classes to paint with: colour, key, shown or hidden, locked or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QAction, QColor, QIcon, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import icon, set_icon
from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.panels.label.key_actions import DIGITS
from app.widgets.class_colors import hatched_swatch, swatch
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import label as text_label
from app.widgets.layout import row
from core.images.io import IGNORE_INDEX
from core.images.palette import Color
from core.project import LabelClass

_NAME, _KEY, _SHOWN, _LOCKED = range(4)
_ID = Qt.ItemDataRole.UserRole
COUNT_ROLE = _ID + 1
_ROW_HEIGHT = GRID * 3 + 4
_MAX_ROWS = 12
_LEAST_ROWS = 4
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class ShownCount:
    """How many labels a class has: in a few signs, in one line, and with the reason."""

    short: str
    line: str
    sentence: str


class ClassPalette(QWidget):
    """Click a class to paint it; click its eye or its lock to hide or protect it.

    Attributes:
        hidden: ids of the classes that are not drawn.
        locked: ids of the classes that no tool changes.
    """

    class_chosen = Signal(int)
    visibility_changed = Signal()
    locks_changed = Signal()
    add_requested = Signal()
    rename_requested = Signal(int, str)
    """(class id, new name)."""
    recolor_requested = Signal(int)
    merge_requested = Signal(int)
    delete_requested = Signal(int)
    move_requested = Signal(int, int)
    """(class id, step: -1 up, +1 down)."""
    edited = Signal()
    """The typing of a name has ended, whether it was taken or not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hidden: set[int] = set()
        self.locked: set[int] = set()
        self._labels: tuple[LabelClass, ...] = ()
        self._counts: dict[str, ShownCount] = {}
        self._current = -1
        self._editable = True
        self.tree = self._make_tree()
        self.add_button = self._button("add", tr("Add a class"), self.add_requested.emit)
        self.menu_button = self._button("sliders", tr("Change the chosen class"), self._on_menu)
        self.others_button = self._button(
            "eye", tr("Hide all classes but the chosen one"), self.toggle_others
        )
        self.hint = text_label(
            tr("Paint what you look for: you are asked for its name then."), "muted", wrap=True
        )
        self.progress = ElidedLabel("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.progress.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find a class"))
        self.search.setAccessibleName(tr("Find a class"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_searched)
        self.search.returnPressed.connect(self._on_found)
        self.search.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.search)
        layout.addWidget(self.tree)
        layout.addWidget(self.hint)
        below = row(self.add_button, self.menu_button, self.progress, self.others_button, spacing=2)
        below.setStretch(2, 1)
        layout.addLayout(below)

    def set_labels(self, labels: Sequence[LabelClass]) -> None:
        """Show these classes."""
        self._labels = tuple(labels)
        self.search.setVisible(len(labels) > _MAX_ROWS)
        known = self._known
        self.hidden &= known
        self.locked &= known
        self._fill()

    @property
    def _known(self) -> set[int]:
        """What can be hidden and protected: the classes, and "don't care" beside them."""
        return {*(label.id for label in self._labels), *([IGNORE_INDEX] if self._labels else ())}

    def show_counts(self, counts: Mapping[str, ShownCount]) -> None:
        """Show how many labels classes have, by their names."""
        if counts != self._counts:
            self._counts = dict(counts)
            with QSignalBlocker(self.tree):
                for place in range(self.tree.topLevelItemCount()):
                    self._show_count(self._item(place))
            self._show_progress()

    def _show_count(self, item: QTreeWidgetItem) -> None:
        if item.data(_NAME, _ID) == IGNORE_INDEX:
            return
        count = self._counts.get(item.text(_NAME))
        item.setData(_NAME, COUNT_ROLE, "" if count is None else count.short)
        item.setToolTip(_NAME, item.text(_NAME) if count is None else count.sentence)

    def _show_progress(self) -> None:
        """Say of the class in hand how far it is, or how the first one comes about."""
        self.menu_button.setEnabled(self._changeable)
        names = {one.id: one.name for one in self._labels}
        self.hint.setVisible(self._editable and not any(names))
        count = self._counts.get(names.get(self._current, ""))
        self.progress.setText("" if count is None else count.line)
        self.progress.setToolTip("" if count is None else count.sentence)

    @property
    def _changeable(self) -> bool:
        """Whether the class in hand may be changed: "don't care" is what it is."""
        return self._editable and self._current != IGNORE_INDEX

    def forget_marks(self) -> None:
        """Hide and protect no class, without telling: others take the place of these."""
        self.hidden.clear()
        self.locked.clear()

    def set_marks(self, *, hidden: Iterable[int], locked: Iterable[int]) -> None:
        """Hide and protect these classes and no others."""
        known = self._known
        self.hidden, self.locked = known & set(hidden), known & set(locked)
        self._fill()
        self.visibility_changed.emit()
        self.locks_changed.emit()

    def set_current(self, class_id: int) -> None:
        """Mark the class that is painted."""
        self._current = class_id
        for place in range(self.tree.topLevelItemCount()):
            item = self._item(place)
            if item.data(_NAME, _ID) == class_id:
                with QSignalBlocker(self.tree):
                    self.tree.setCurrentItem(item)
        self._show_progress()

    def set_editable(self, editable: bool) -> None:
        """Allow or forbid changes of the list."""
        self._editable = editable
        self.add_button.setEnabled(editable)
        self._show_progress()

    def class_for_key(self, number: int) -> int | None:
        """Return the class id that key ``number`` (0 … 9) chooses."""
        for label in self._labels:
            if _key_of(self._labels, label) == str(number):
                return label.id
        return None

    def toggle_hidden(self, class_id: int) -> None:
        """Show or hide a class."""
        self.hidden ^= {class_id}
        self._fill()
        self.visibility_changed.emit()

    def toggle_locked(self, class_id: int) -> None:
        """Protect a class, or not."""
        self.locked ^= {class_id}
        self._fill()
        self.locks_changed.emit()

    @Slot()
    def toggle_others(self) -> None:
        """Hide all classes but the chosen one, or show all."""
        others = self._known - {self._current}
        self.hidden = set() if others <= self.hidden else others
        self._fill()
        self.visibility_changed.emit()

    @Slot()
    def edit_name(self) -> None:
        """Let the user type the chosen class's name in its row."""
        item = self.tree.currentItem()
        if item is not None and self._changeable:
            self.tree.editItem(item, _NAME)

    @Slot()
    def start_search(self) -> None:
        """Let the user type a part of a class's name; Return chooses the first that has it."""
        self.search.show()
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Esc, which the search passes on, shows all classes again."""
        if event.key() == Qt.Key.Key_Escape:
            self.search.clear()
        super().keyPressEvent(event)

    def renew_colors(self) -> None:
        """Follow the theme."""
        self._fill()

    def _make_tree(self) -> QTreeWidget:
        tree = _Tree()
        tree.setColumnCount(4)
        tree.setItemDelegate(_NameDelegate(tree))
        tree.setHeaderHidden(True)
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setProperty("role", "plain")
        tree.setIconSize(QSize(16, 16))
        tree.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tree.setAccessibleName(tr("Classes to paint"))
        header = tree.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(16)
        header.setSectionResizeMode(_NAME, header.ResizeMode.Stretch)
        for column, width in ((_KEY, 22), (_SHOWN, 24), (_LOCKED, 24)):
            header.setSectionResizeMode(column, header.ResizeMode.Fixed)
            header.resizeSection(column, width)
        tree.itemClicked.connect(self._on_clicked)
        tree.currentItemChanged.connect(self._on_current_changed)
        tree.itemDoubleClicked.connect(self._on_double_clicked)
        tree.itemChanged.connect(self._on_changed)
        tree.customContextMenuRequested.connect(self._on_context_menu)
        tree.itemDelegate().closeEditor.connect(
            self.edited,
            Qt.ConnectionType.QueuedConnection,  # the tree takes the focus first
        )
        return tree

    def _button(self, name: str, text: str, slot: object) -> QToolButton:
        made = QToolButton()
        set_icon(made, name)
        made.setToolTip(text)
        made.setAccessibleName(text)
        made.clicked.connect(slot)
        return made

    def _fill(self) -> None:
        with QSignalBlocker(self.tree):
            self._add_rows()
        self._on_searched(self.search.text())
        self.set_current(self._current)

    def _add_rows(self) -> None:
        self.tree.clear()
        for label in self._labels:
            item = self._row(label.id, label.name, _swatch(label.color))
            item.setText(_KEY, _key_of(self._labels, label))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self._show_count(item)
        if self._labels:
            item = self._row(IGNORE_INDEX, tr("Don't care"), hatched_swatch(size=16))
            item.setToolTip(_NAME, tr("Ignored in training and measuring"))
        rows = min(max(self.tree.topLevelItemCount(), 1), _MAX_ROWS)
        self.tree.setMinimumHeight(min(rows, _LEAST_ROWS) * _ROW_HEIGHT + 4)
        self.tree.setMaximumHeight(rows * _ROW_HEIGHT + 4)

    def _row(self, class_id: int, name: str, sign: QIcon) -> QTreeWidgetItem:
        """Add a row with its eye and its lock."""
        t = tokens()
        item = QTreeWidgetItem([name, "", "", ""])
        item.setData(_NAME, _ID, class_id)
        item.setIcon(_NAME, sign)
        item.setForeground(_KEY, QColor(t.muted))
        item.setTextAlignment(_KEY, Qt.AlignmentFlag.AlignCenter)
        is_hidden, is_locked = class_id in self.hidden, class_id in self.locked
        item.setIcon(
            _SHOWN, icon("eye-off" if is_hidden else "eye", color=t.text if is_hidden else t.muted)
        )
        item.setIcon(
            _LOCKED,
            icon("lock" if is_locked else "unlock", color=t.accent if is_locked else t.muted),
        )
        item.setSizeHint(_NAME, QSize(GRID * 8, _ROW_HEIGHT))
        item.setToolTip(_SHOWN, tr("Show") if is_hidden else tr("Hide"))
        item.setToolTip(_LOCKED, tr("Allow changes") if is_locked else tr("Protect from changes"))
        self.tree.addTopLevelItem(item)
        return item

    @Slot(str)
    def _on_searched(self, text: str) -> None:
        for place in range(self.tree.topLevelItemCount()):
            item = self._item(place)
            item.setHidden(text.strip().casefold() not in item.text(_NAME).casefold())

    @Slot()
    def _on_found(self) -> None:
        items = map(self._item, range(self.tree.topLevelItemCount()))
        found = next((item for item in items if not item.isHidden()), None)
        class_id = None if found is None else found.data(_NAME, _ID)
        self.search.clear()
        if class_id is not None:
            self.set_current(class_id)
            self.class_chosen.emit(class_id)

    def _item(self, place: int) -> QTreeWidgetItem:
        item = self.tree.topLevelItem(place)
        assert item is not None
        return item

    @Slot(QTreeWidgetItem, int)
    def _on_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        class_id = item.data(_NAME, _ID)
        if column == _SHOWN:
            self.toggle_hidden(class_id)
        elif column == _LOCKED:
            self.toggle_locked(class_id)

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _on_current_changed(self, item: QTreeWidgetItem | None, _old: object) -> None:
        if item is not None:
            self._current = item.data(_NAME, _ID)
            self._show_progress()
            self.class_chosen.emit(self._current)

    @Slot(QTreeWidgetItem, int)
    def _on_double_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _NAME and self._changeable:
            self.tree.editItem(item, _NAME)

    @Slot(QTreeWidgetItem, int)
    def _on_changed(self, item: QTreeWidgetItem, column: int) -> None:
        class_id, name = item.data(_NAME, _ID), item.text(_NAME).strip()
        old = next((label.name for label in self._labels if label.id == class_id), "")
        if column == _NAME and name != old:
            self.rename_requested.emit(class_id, name)

    @Slot(QPoint)
    def _on_context_menu(self, place: QPoint) -> None:
        if self.tree.itemAt(place) is not None and self._changeable:
            self._menu().exec(self.tree.viewport().mapToGlobal(place))

    @Slot()
    def _on_menu(self) -> None:
        if self.tree.currentItem() is not None:
            self._menu().exec(self.menu_button.mapToGlobal(QPoint(0, self.menu_button.height())))

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        class_id = self._current
        rename = QAction(tr("Rename"), menu)
        rename.setShortcut(QKeySequence(Qt.Key.Key_F2))
        rename.triggered.connect(self.edit_name)
        menu.addAction(rename)
        for text, signal in (
            (tr("Change colour…"), self.recolor_requested),
            (tr("Merge into another class…"), self.merge_requested),
            (tr("Delete…"), self.delete_requested),
        ):
            action = menu.addAction(text)
            action.triggered.connect(lambda _on=False, told=signal: told.emit(class_id))
        menu.addSeparator()
        for text, step in ((tr("Move up"), -1), (tr("Move down"), 1)):
            action = menu.addAction(text)
            action.triggered.connect(
                lambda _on=False, by=step: self.move_requested.emit(class_id, by)
            )
        return menu


class _NameDelegate(QStyledItemDelegate):
    """Draws how many labels a class has at the right of its name, which gets the rest."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw one cell."""
        count = index.data(COUNT_ROLE)
        if not count:
            super().paint(painter, option, index)
            return
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        style = shown.widget.style()
        text = style.subElementRect(style.SubElement.SE_ItemViewItemText, shown, shown.widget)
        metrics = shown.fontMetrics
        room = text.width() - metrics.horizontalAdvance(count) - GRID
        shown.text = metrics.elidedText(shown.text, Qt.TextElideMode.ElideRight, room)
        style.drawControl(style.ControlElement.CE_ItemViewItem, shown, painter, shown.widget)
        painter.setPen(QColor(tokens().muted))
        painter.setFont(shown.font)
        painter.drawText(
            text.adjusted(0, 0, -GRID // 2, 0), Qt.AlignmentFlag.AlignRight | _MIDDLE, count
        )


class _Tree(QTreeWidget):
    """A list whose letters are shortcuts, as everywhere else, and do not look for a class."""

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as all rows; in a low window a few are enough."""
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def keyboardSearch(self, _search: str) -> None:  # noqa: N802
        """Ignore letters."""


def _key_of(labels: Sequence[LabelClass], label: LabelClass) -> str:
    """Return the key of a class: 0 for the background, 1 … 9 for the first others of the list."""
    if label.id == 0:
        return "0"
    place = [item.id for item in labels if item.id != 0].index(label.id) + 1
    return str(place) if place <= DIGITS else ""


def _swatch(color: Color) -> QIcon:
    """Return a class's colour as it is, also in the chosen row."""
    made = swatch(QColor(*color), size=16)
    made.addPixmap(made.pixmap(16, 16), QIcon.Mode.Selected)
    return made
