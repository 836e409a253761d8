"""Files and folders that are dragged onto a widget."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.widgets.layout import label


class FileDrops(QObject):
    """Watches a widget, which takes local files and folders from then on.

    What lies in it and takes them by itself is asked first.
    """

    entered = Signal()
    """Something that could be dropped is over the widget."""
    left = Signal()
    """It is not any more, or was dropped."""
    dropped = Signal(object)
    """(list of Path)."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take what has files."""
        kind = event.type()
        if kind == QEvent.Type.DragLeave:
            self.left.emit()
        if not isinstance(event, QDropEvent):
            return super().eventFilter(watched, event)
        paths = _local_paths(event.mimeData())
        if not paths:
            return super().eventFilter(watched, event)
        event.setDropAction(Qt.DropAction.CopyAction)  # nothing is moved away from where it is
        event.accept()
        if kind == QEvent.Type.DragEnter:
            self.entered.emit()
        elif not isinstance(event, QDragMoveEvent):
            self.left.emit()
            self.dropped.emit(paths)
        return True


class DropHint(QFrame):
    """Lies over a widget while something is dragged over it, and says what dropping does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._covered = parent
        self.setProperty("role", "drop")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.text = label("", "title", wrap=True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 4, GRID * 4, GRID * 4, GRID * 4)
        layout.addWidget(self.text)
        self.hide()

    def say(self, text: str) -> None:
        """Cover the parent with a sentence."""
        self.text.setText(text)
        self.setGeometry(self._covered.rect().adjusted(GRID, GRID, -GRID, -GRID))
        self.show()
        self.raise_()


def _local_paths(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
