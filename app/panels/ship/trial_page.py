"""The second stage: the model on a folder of images, or on what is dropped here."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.ship.image_review import ImageReview
from app.panels.ship.outcomes import JudgedImage, Outcome, outcome_name
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_state import EmptyState
from app.widgets.layout import button, label, row
from app.widgets.switching import switch


class TrialPage(QWidget):
    """Takes files and folders that are dropped on it."""

    folder_requested = Signal()
    validation_requested = Signal()
    dropped = Signal(object)
    """(list[Path]): files and folders."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.review = ImageReview(
            _group_of, outcome_name, Outcome, rare=(Outcome.WARN, Outcome.FAILED)
        )
        self.source = ElidedLabel("", "heading")
        self.progress = label("", "muted")
        self.folder_button = button(
            tr("Another folder…"), icon="folder", tooltip=tr("Try it on other images")
        )
        self.validation_button = button(
            tr("Validation images"), tooltip=tr("Try it on the project's validation images")
        )
        self.empty = EmptyState(
            "image",
            tr("See it on your own images"),
            tr("Choose a folder with images from the line, or drop images here."),
            action=tr("Choose a folder"),
        )
        filled = QWidget()
        column = QVBoxLayout(filled)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        head = row(self.source, self.progress, self.validation_button, self.folder_button)
        head.setStretch(0, 1)
        column.addLayout(head)
        column.addWidget(self.review, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(filled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.empty.action_requested.connect(self.folder_requested)
        self.folder_button.clicked.connect(self.folder_requested)
        self.validation_button.clicked.connect(self.validation_requested)

    def show_source(self, name: str, progress: str) -> None:
        """Say whose images are shown and how far the job is; an empty name invites to choose."""
        self.source.setText(name)
        self.progress.setText(progress)
        self._pages.setCurrentIndex(1 if name else 0)

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether images may be tried now; ``why`` not."""
        buttons = (self.folder_button, self.validation_button, self.empty.button)
        switch(*buttons, on=startable, why=why)
        self.setAcceptDrops(startable)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.empty.renew_colors()
        self.review.renew_colors()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Take files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Try the images that were dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.review.shut_down()


def _group_of(one: JudgedImage) -> Outcome:
    return one.outcome
