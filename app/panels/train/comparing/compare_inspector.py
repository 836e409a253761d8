"""Beside the table of runs: what can be done with the chosen one, and with the ticked ones."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.train.note_box import NoteBox
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import button, label
from app.widgets.run_states import state_text
from core.models.model_verdict import Verdict
from core.project.rows import RunRow


class CompareInspector(QWidget):
    """Only shows and asks."""

    show_requested = Signal()
    inspect_requested = Signal()
    resume_requested = Signal()
    delete_requested = Signal()
    csv_requested = Signal()
    picture_requested = Signal()
    board_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ElidedLabel("", "heading")
        self.state = label("", "muted")
        self.note = NoteBox()
        self.resume_button = button(
            tr("Resume"),
            "primary",
            tooltip=tr("Go on from the last saved state with the same data and settings"),
        )
        self.show_button = button(
            tr("Show its curves"), icon="train", tooltip=tr("All curves and masks of this run")
        )
        self.inspect_button = button(
            tr("Inspect its errors"), icon="inspect", tooltip=tr("The errors of its best model")
        )
        self.delete_button = button(
            tr("Delete"), icon="trash", tooltip=tr("Set it aside; you can bring it back")
        )
        self.ticked = label("", "muted", wrap=True)
        self.csv_button = button(
            tr("Save as a table (CSV)…"),
            icon="export",
            tooltip=tr("All curves of the ticked runs, for a spreadsheet"),
        )
        self.picture_button = button(
            tr("Save as a picture (PNG)…"),
            icon="image",
            tooltip=tr("The curves as they are drawn here"),
        )
        self.board_button = button(
            tr("Open in VisualDL"),
            icon="external",
            tooltip=tr("Show the curves of the ticked runs in the browser"),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        for part in (
            self.name,
            self.state,
            self.resume_button,
            self.show_button,
            self.inspect_button,
            self.delete_button,
            label(tr("Note"), "heading"),
            self.note,
            label(tr("Ticked runs"), "heading"),
            self.ticked,
            self.csv_button,
            self.picture_button,
            self.board_button,
        ):
            layout.addWidget(part)
        layout.addStretch(1)
        for made, signal in (
            (self.show_button, self.show_requested),
            (self.inspect_button, self.inspect_requested),
            (self.resume_button, self.resume_requested),
            (self.delete_button, self.delete_requested),
            (self.csv_button, self.csv_requested),
            (self.picture_button, self.picture_requested),
            (self.board_button, self.board_requested),
        ):
            made.clicked.connect(signal)
        self.show_run(None, None, editable=False, waits=True)
        self.show_ticked(0)

    def show_run(
        self, run: RunRow | None, verdict: Verdict | None, *, editable: bool, waits: bool
    ) -> None:
        """Show the chosen run; None: there is none.

        Args:
            run: which one.
            verdict: what was said of its model.
            editable: whether the project can be changed.
            waits: whether a queued run waits for its turn in this window.
        """
        self.name.setText("" if run is None else run.name)
        self.state.setText("" if run is None else _state(run, verdict, waits=waits))
        self.note.show_note(None if run is None else run.id, "" if run is None else run.note)
        self.note.setReadOnly(not editable)
        resumable = run is not None and (
            run.state == "interrupted" or (run.state == "queued" and not waits)
        )
        begun = run is not None and run.state != "queued"
        self.resume_button.setText(tr("Resume") if begun else tr("Start"))
        self.resume_button.setVisible(resumable and editable)
        has_model = run is not None and run.best_miou is not None
        self.inspect_button.setEnabled(has_model)
        self.show_button.setEnabled(run is not None)
        self.delete_button.setEnabled(
            run is not None and editable and run.state not in ("running", "paused")
        )

    def show_ticked(self, count: int) -> None:
        """Say how many runs are ticked."""
        self.ticked.setText(
            tr("Tick runs in the table to compare them.")
            if not count
            else tr("{count} of them {count:is|are} drawn and compared.", count=count)
        )
        for made in (self.csv_button, self.picture_button, self.board_button):
            made.setEnabled(count > 0)

    @Slot(bool)
    def show_board_starting(self, starting: bool) -> None:
        """VisualDL takes some seconds."""
        self.board_button.setText(tr("Starting VisualDL…") if starting else tr("Open in VisualDL"))


def _state(run: RunRow, verdict: Verdict | None, *, waits: bool) -> str:
    state = state_text(run.state, verdict, waits=waits)
    return f"{run.model} · {state}"
