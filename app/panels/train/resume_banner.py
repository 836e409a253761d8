"""Says that a training was interrupted, and goes on with it."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.look.icons import pixmap
from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.services.context import AppContext
from app.services.targets import ShowTraining
from app.widgets.layout import button, label, row
from core.project.rows import RunRow
from core.runs.run_folder import RunFolder

_ICON = 20


class ResumeBanner(QFrame):
    """Hidden where nothing was interrupted, or something has been trained since.

    Args:
        context: tells which run it is, and goes on with it.
        is_strip: it lies between two parts of a page, from edge to edge.
        parent: owner.
    """

    def __init__(
        self, context: AppContext, *, is_strip: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar" if is_strip else "card")
        self._context = context
        self._run: RunRow | None = None
        self._shown_elsewhere: int | None = None
        self.icon = QLabel()
        self.text = label("", wrap=True)
        self.show_button = button(tr("Show"), "link", tooltip=tr("Show this run"))
        self.show_button.clicked.connect(self._on_show)
        self.resume_button = button(
            tr("Resume"),
            "primary",
            tooltip=tr("Go on from the last saved state with the same data and settings"),
        )
        self.resume_button.clicked.connect(self._on_resume)
        both = row(self.icon, spacing=GRID)
        both.addWidget(self.text, 1)
        both.addWidget(self.show_button)
        both.addWidget(self.resume_button)
        side = GRID * 3 if is_strip else GRID
        both.setContentsMargins(side, GRID // 2, side, GRID // 2)
        self.setLayout(both)
        self.hide()
        context.runs_changed.connect(self.refresh)
        context.project_changed.connect(self.refresh)

    @property
    def run(self) -> RunRow | None:
        """The training that can be gone on with."""
        return self._run

    def leave_out(self, run_id: int | None) -> None:
        """Say nothing of this run: it is shown beside the banner."""
        self._shown_elsewhere = run_id
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Look whether there is something to go on with."""
        run = self._context.interrupted_training()
        if run != self._run:
            self._run = run
            self._describe()
        self.setVisible(run is not None and run.id != self._shown_elsewhere)

    def renew_colors(self) -> None:
        """Draw the mark in the current theme."""
        ratio = self.devicePixelRatio()
        self.icon.setPixmap(pixmap("warning", _ICON, color=tokens().warning, ratio=ratio))

    def _describe(self) -> None:
        run = self._run
        if run is None:
            return
        self.renew_colors()
        progress = RunFolder(run.folder).progress
        if progress is not None and progress.epochs:
            self.text.setText(
                tr(
                    "{name} was interrupted in epoch {epoch} of {epochs}. Nothing that was saved "
                    "is lost.",
                    name=run.name,
                    epoch=progress.epoch,
                    epochs=progress.epochs,
                )
            )
        else:
            self.text.setText(
                tr("{name} was interrupted. Nothing that was saved is lost.", name=run.name)
            )

    @Slot()
    def _on_resume(self) -> None:
        if self._run is not None:
            run_id = self._run.id
            self._context.resume_run(str(run_id))
            self._context.navigate(ShowTraining(run_id))

    @Slot()
    def _on_show(self) -> None:
        if self._run is not None:
            self._context.navigate(ShowTraining(self._run.id))
