"""All actions with their shortcuts, to be looked up and changed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QKeySequenceEdit,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.canvas.actions import CANVAS_KEYS, Actions, native
from app.look.theme import GRID
from app.look.translation import tr, translated
from app.widgets.layout import button, label, row

_KEY = Qt.ItemDataRole.UserRole


class ShortcutEditor(QDialog):
    """Deletes itself when closed; changes apply at once."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Shortcuts"))
        self._actions = actions
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search actions"))
        self.search.setAccessibleName(tr("Search actions"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([tr("Action"), tr("Shortcut")])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.setAccessibleName(tr("Shortcuts"))
        self.tree.currentItemChanged.connect(self._on_chosen)
        self.edit = QKeySequenceEdit()
        self.edit.setMaximumSequenceLength(1)
        self.edit.setClearButtonEnabled(True)
        self.edit.setAccessibleName(tr("New shortcut"))
        self.edit.editingFinished.connect(self._on_edited)
        self.note = label("", "muted", wrap=True)
        reset = button(tr("Reset all"), tooltip=tr("Give every action its usual shortcut"))
        reset.clicked.connect(self._on_reset)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addLayout(row(label(tr("New shortcut")), self.edit, reset))
        layout.addWidget(self.note)
        layout.addWidget(
            label(
                tr(
                    "Arrows move a crosshair, Space clicks there; Enter accepts, Esc drops,"
                    " Backspace takes the last point back."
                ),
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(buttons)
        self.resize(GRID * 66, GRID * 76)
        self._fill()
        self._on_chosen()

    def _fill(self) -> None:
        chosen = self._chosen()
        self.tree.clear()
        group = ""
        for spec in self._actions.specs:
            if translated(spec.group) != group:
                group = translated(spec.group)
            text = "  ".join(native(keys) for keys in self._actions.keys(spec.key))
            item = QTreeWidgetItem([f"{group} · {translated(spec.title)}", text])
            item.setData(0, _KEY, spec.key)
            self.tree.addTopLevelItem(item)
            if spec.key == chosen:
                self.tree.setCurrentItem(item)
        self.tree.sortItems(0, Qt.SortOrder.AscendingOrder)
        self.tree.resizeColumnToContents(0)
        self._on_search(self.search.text())

    def _chosen(self) -> str | None:
        item = self.tree.currentItem()
        return None if item is None else str(item.data(0, _KEY))

    @Slot(str)
    def _on_search(self, text: str) -> None:
        wanted = text.casefold()
        for place in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(place)
            if item is not None:
                item.setHidden(wanted not in f"{item.text(0)} {item.text(1)}".casefold())

    @Slot()
    def _on_chosen(self) -> None:
        key = self._chosen()
        self.edit.setEnabled(key is not None)
        keys = self._actions.keys(key) if key is not None else ()
        self.edit.setKeySequence(QKeySequence(keys[0]) if keys else QKeySequence())
        self.note.setText("" if key else tr("Choose an action to change its shortcut."))

    @Slot()
    def _on_edited(self) -> None:
        key = self._chosen()
        if key is None:
            return
        text = self.edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        old = self._actions.keys(key)
        if text == (old[0] if old else ""):
            return
        refusal = self._refusal(text)
        if refusal:
            self._on_chosen()
            self.note.setText(refusal)
            return
        losers = self._actions.set_keys(key, [text] if text else [])
        self._fill()
        if losers:
            titles = {spec.key: translated(spec.title) for spec in self._actions.specs}
            names = ", ".join(titles[loser] for loser in losers)
            self.note.setText(tr("{names} had it and has it no more.", names=names))

    def _refusal(self, keys: str) -> str:
        """Say why an action cannot have a shortcut, "" if it can."""
        if keys in CANVAS_KEYS:
            return tr("{keys} belongs to the crosshair and to what is begun.", keys=native(keys))
        other = self._actions.taken_by_window(keys)
        if other is not None:
            return tr("{keys} belongs to the window: {name}.", keys=native(keys), name=other)
        return ""

    @Slot()
    def _on_reset(self) -> None:
        self._actions.reset()
        self._fill()
