"""The defect book beside the canvas: what the class in hand means, and what it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QColor, QImageReader, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.canvas.actions import Actions
from app.look.icons import set_icon
from app.look.theme import GRID, set_role
from app.look.translation import tr
from app.panels.label import key_actions as keys
from app.widgets.class_colors import hatched_swatch, swatch
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import clear_layout, label, line, row
from core.project.defect_book import MOST_LETTERS, BookPage, Example, ExampleKind

_WIDTH = GRID * 28
_SIDE = _WIDTH - GRID * 5
_MOST_HEIGHT = GRID * 16
_TYPING_MS = 800
_DEFINITION_LINES = 4


@dataclass(frozen=True, slots=True)
class ShownClass:
    """Whose page is shown; ``color`` is None for "don't care"."""

    id: int
    name: str
    color: QColor | None


class BookView(QFrame):
    """Hidden until it is asked for; only shows and asks."""

    definition_edited = Signal(int, str)
    """(class id, text)."""
    note_edited = Signal(int, str, str)
    """(class id, picture of the example, text)."""
    kind_chosen = Signal(int, str, str)
    """(class id, picture of the example, kind)."""
    removed = Signal(int, str)
    """(class id, picture of the example)."""
    closed = Signal()
    left = Signal()
    """The typing is over: the keys belong to the canvas again."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setFixedWidth(_WIDTH)
        self._shown: ShownClass | None = None
        self._text = ""
        self._editable = False
        self.sign = QLabel()
        self.name = ElidedLabel("", "heading", mode=Qt.TextElideMode.ElideRight)
        close = _tool("close", tr("Close the defect book"))
        close.clicked.connect(self.closed)
        self.definition = QPlainTextEdit()
        self.definition.setTabChangesFocus(True)
        self.definition.setAccessibleName(tr("Definition of the class"))
        self.definition.setPlaceholderText(
            tr("What counts as this class? From which size on, and what does not?")
        )
        self.definition.setFixedHeight(
            self.definition.fontMetrics().lineSpacing() * _DEFINITION_LINES + GRID * 2
        )
        self.definition.textChanged.connect(self._on_typed)
        self.definition.installEventFilter(self)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.finish)
        self._adding = [
            _tile(actions[spec.key], text)
            for spec, text in (
                (keys.GOOD_EXAMPLE, tr("+ Good")),
                (keys.BORDERLINE_EXAMPLE, tr("+ Borderline")),
            )
        ]
        self.hint = label(
            tr("No examples yet: choose a part, or zoom to one, and add it."), "muted", wrap=True
        )
        self.cards = QWidget()
        self._cards = QVBoxLayout(self.cards)
        self._cards.setContentsMargins(0, 0, 0, 0)
        self._cards.setSpacing(GRID)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setAccessibleName(tr("Examples"))
        self.cards.setProperty("role", "scrolled")
        scroll.setWidget(self.cards)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(GRID + GRID // 2, GRID, GRID, GRID)
        column.setSpacing(GRID)
        head = row(self.sign, self.name, close, spacing=GRID // 2)
        head.setStretch(1, 1)
        column.addLayout(head)
        column.addWidget(self.definition)
        column.addLayout(row(*self._adding, spacing=GRID // 2))
        column.addWidget(self.hint)
        column.addWidget(scroll, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line(vertical=True))
        layout.addWidget(inside, 1)
        self.hide()

    def show_page(self, shown: ShownClass | None, page: BookPage, folder: Path) -> None:
        """Show a class's page; what was typed before must have been told with ``finish``.

        Args:
            shown: whose; None where there are no classes.
            page: what is said of it.
            folder: where the pictures are.
        """
        other = shown is None or self._shown is None or shown.id != self._shown.id
        self._shown = shown
        self.setEnabled(shown is not None)
        self.name.setText("" if shown is None else shown.name)
        self._show_sign()
        if other or not self.definition.hasFocus():
            self._text = page.definition
            if self.definition.toPlainText() != page.definition:
                self.definition.setPlainText(page.definition)
                self._typing.stop()
        self._show_examples(page.examples, folder)

    def forget(self) -> None:
        """Show no page: another project has others."""
        self._shown, self._text = None, ""
        self.definition.clear()
        self._typing.stop()

    def set_editable(self, editable: bool) -> None:
        """Allow changes or not."""
        self._editable = editable
        self.definition.setReadOnly(not editable)

    def renew_colors(self) -> None:
        """Follow the theme."""
        self._show_sign()

    @Slot()
    def finish(self) -> None:
        """Tell what was typed, if that was not done yet."""
        self._typing.stop()
        text = self.definition.toPlainText()[:MOST_LETTERS]
        if self._shown is not None and self._editable and text != self._text:
            self._text = text
            self.definition_edited.emit(self._shown.id, text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep what was typed when the text is left; Esc gives the keys back to the canvas."""
        if watched is self.definition:
            if event.type() == QEvent.Type.FocusOut:
                self.finish()
            elif (
                event.type() == QEvent.Type.KeyPress
                and isinstance(event, QKeyEvent)
                and event.key() == Qt.Key.Key_Escape
            ):
                self.left.emit()
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Return and Esc in a note end the typing."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.left.emit()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _on_typed(self) -> None:
        self._typing.start()

    def _show_sign(self) -> None:
        if self._shown is None:
            self.sign.clear()
            return
        color = self._shown.color
        made = hatched_swatch(size=14) if color is None else swatch(color, size=14)
        self.sign.setPixmap(made.pixmap(QSize(14, 14)))

    def _show_examples(self, examples: Sequence[Example], folder: Path) -> None:
        clear_layout(self._cards)
        self.hint.setVisible(not examples and self._shown is not None)
        order = sorted(examples, key=lambda one: one.kind is ExampleKind.BORDERLINE)
        for example in order:
            self._cards.addWidget(self._card(example, folder))
        self._cards.addStretch(1)

    def _card(self, example: Example, folder: Path) -> QWidget:
        assert self._shown is not None
        class_id = self._shown.id
        picture = QLabel()
        picture.setPixmap(_read(folder / example.picture, self.devicePixelRatioF()))
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        picture.setToolTip(example.image)
        picture.setAccessibleName(tr("Example from {image}", image=example.image))
        is_good = example.kind is ExampleKind.GOOD
        kind = label(
            tr("Good example") if is_good else tr("Borderline example"),
            "success" if is_good else "warning",
        )
        more = _tool("more", tr("Change this example"))
        more.setEnabled(self._editable)
        more.clicked.connect(lambda: self._ask(more, class_id, example))
        note = QLineEdit(example.note)
        note.setPlaceholderText(tr("What does it show?"))
        note.setAccessibleName(tr("Note on the example"))
        note.setReadOnly(not self._editable)
        note.setMaxLength(MOST_LETTERS)
        note.editingFinished.connect(
            lambda: self.note_edited.emit(class_id, example.picture, note.text())
        )
        card = QFrame()
        card.setProperty("role", "card")
        column = QVBoxLayout(card)
        column.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, GRID // 2)
        column.setSpacing(GRID // 2)
        column.addWidget(picture)
        column.addLayout(row(kind, 1, more))
        column.addWidget(note)
        return card

    def _ask(self, at: QWidget, class_id: int, example: Example) -> None:
        menu = QMenu(at)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_good = example.kind is ExampleKind.GOOD
        other = ExampleKind.BORDERLINE if is_good else ExampleKind.GOOD
        change = menu.addAction(
            tr("It is a borderline example") if is_good else tr("It is a good example")
        )
        change.triggered.connect(
            lambda: self.kind_chosen.emit(class_id, example.picture, other.value)
        )
        remove = menu.addAction(tr("Delete the example"))
        remove.triggered.connect(lambda: self.removed.emit(class_id, example.picture))
        menu.popup(at.mapToGlobal(QPoint(0, at.height())))


def _read(file: Path, ratio: float) -> QPixmap:
    """Return a picture that fits a card; an empty one where the file is gone."""
    reader = QImageReader(str(file))
    size = reader.size()
    if not size.isValid():
        return QPixmap()
    room = QSize(round(_SIDE * ratio), round(_MOST_HEIGHT * ratio))
    reader.setScaledSize(size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio))
    made = QPixmap.fromImage(reader.read())
    made.setDevicePixelRatio(ratio)
    return made


def _tool(sign: str, text: str) -> QToolButton:
    made = QToolButton()
    set_icon(made, sign)
    made.setToolTip(text)
    made.setAccessibleName(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


def _tile(action: QAction, text: str) -> QToolButton:
    action.setIconText(text)
    made = QToolButton()
    made.setDefaultAction(action)
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setAccessibleName(action.text())
    set_role(made, "tile")
    return made
