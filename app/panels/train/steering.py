"""Steers the run that the monitor shows: pause, stop, go on, redraw its masks."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr
from app.panels.train.mask_panel import MaskPanel
from app.panels.train.run_header import RunHeader
from app.services.context import AppContext
from app.widgets.layout import label


class RunSteering(QObject):
    """Does what the buttons of header and masks ask, to one run.

    Args:
        context: the jobs.
        header: the buttons that steer.
        masks: the button that has masks redrawn, and how often that is wanted besides.
        parent: owner.

    Attributes:
        hint: says that another window has to steer the run; hidden else.
    """

    stop_asked = Signal()
    """The run was asked to end, which takes until its step is over."""

    def __init__(
        self, context: AppContext, header: RunHeader, masks: MaskPanel, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context, self._masks = context, masks
        self._run_id: str | None = None
        self._redrawn_at = 0
        self.hint = label("", "warning", wrap=True)
        self.hint.hide()
        header.pause_requested.connect(self._on_pause)
        header.continue_requested.connect(self._on_continue)
        header.stop_requested.connect(self._on_stop)
        header.resume_requested.connect(self._on_resume)
        masks.redraw_requested.connect(self._on_redraw)

    def steer(self, run_id: str | None) -> None:
        """Steer this run from now on; None: none."""
        self._run_id = run_id
        self._redrawn_at = 0

    def masks_came(self) -> None:
        """The masks were redrawn, and can be again."""
        self._masks.redraw_button.setEnabled(True)

    def state_changed(self) -> None:
        """A run begins, waits or ends: what was said of steering does not hold any more."""
        self._masks.redraw_button.setEnabled(True)
        self.hint.hide()

    def redraw_if_due(self, step: int) -> None:
        """Ask for new masks when the chosen number of steps has passed.

        Args:
            step: how far the run's training is.
        """
        every = self._masks.every
        if every and self._run_id is not None and step - self._redrawn_at >= every:
            self._redrawn_at = step
            self._context.jobs.request_preview(self._run_id)

    def _ask(self, question: Callable[[str], bool]) -> None:
        """Steer the run; the jobs answer False where it is no job of this window."""
        if self._run_id is not None and not question(self._run_id):
            self.hint.setText(
                tr("Another window works on this run; steer it from there, or close that window.")
            )
            self.hint.show()

    @Slot()
    def _on_pause(self) -> None:
        self._ask(self._context.jobs.pause)

    @Slot()
    def _on_continue(self) -> None:
        self._ask(self._context.jobs.resume)

    @Slot()
    def _on_stop(self) -> None:
        self._ask(self._context.jobs.stop)
        self.stop_asked.emit()

    @Slot()
    def _on_resume(self) -> None:
        if self._run_id is not None:
            self._context.resume_run(self._run_id)

    @Slot()
    def _on_redraw(self) -> None:
        self._masks.redraw_button.setEnabled(False)
        self._ask(self._context.jobs.request_preview)
