"""Labelling many images beforehand, and the order in which they are looked through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.canvas.actions import ActionSpec
from app.look.translation import tr, trn
from app.services.background import Progress
from core.annotation.draft import (
    DraftRecord,
    UncertaintyOrder,
    most_uncertain_first,
    read_records,
    read_rejected,
    write_rejected,
)
from core.annotation.uncertainty import Uncertainty
from core.project import ImageQuery, Project
from core.runs.events import Progress as JobProgress
from core.system.messages import message

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel

DRAFTS = message("Model drafts")
UNLABELLED = ActionSpec(
    "draft.images_unlabelled", message("Draft all without labels"), DRAFTS, ("Ctrl+L",)
)
SHOWN = ActionSpec("draft.images_shown", message("Draft all images shown"), DRAFTS, ("Ctrl+K",))
NEXT_UNCERTAIN = ActionSpec(
    "draft.next_uncertain", message("Next most uncertain"), DRAFTS, ("Shift+N",), "skip"
)
_READ_MS = 1500


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """Where the newest draft of an image is."""

    run_dir: Path
    record: DraftRecord
    is_rejected: bool = False

    @property
    def uncertainty(self) -> Uncertainty | None:
        """How unsure the model was; None where it could not predict."""
        record = self.record
        if record.entropy is None or record.margin is None:
            return None
        return Uncertainty(record.entropy, record.margin)


class LabellingPrelabel(QObject):
    """Starts the job, follows what it has written, and sorts images by it."""

    found = Signal()
    """Drafts of other images are known."""

    def __init__(self, panel: LabellingPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._project: Project | None = None
        self._stored: dict[int, StoredDraft] = {}
        self._uncertain: dict[int, Uncertainty] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_READ_MS)
        self._timer.timeout.connect(self.read)
        actions = panel.actions_
        self.actions = [
            actions.add(NEXT_UNCERTAIN, self.open_next),
            actions.add(UNLABELLED, self.start_unlabelled),
            actions.add(SHOWN, self.start_shown),
        ]
        panel.images.arranger = self.arranger
        panel.context.job_event.connect(self._on_job_event)
        panel.context.run_state_changed.connect(self._on_run_state_changed)

    @property
    def order(self) -> UncertaintyOrder | None:
        """What the images are sorted by, None for their names."""
        return self._panel.view.strip.uncertainty_order

    def stored(self, image_id: int) -> StoredDraft | None:
        """Return the newest draft of an image."""
        return self._stored.get(image_id)

    def reject(self, image_id: int) -> None:
        """Never show an image's newest draft again; a newer one will be shown."""
        project, stored = self._project, self._stored.get(image_id)
        if project is None or stored is None or stored.is_rejected:
            return
        self._stored[image_id] = replace(stored, is_rejected=True)
        if project.read_only:
            return
        try:
            write_rejected(stored.run_dir, stored.record.index)
        except OSError as error:
            self._panel.context.error_occurred.emit(error)

    def set_project(self, project: Project | None) -> None:
        """Read the drafts of another project's runs."""
        self._timer.stop()
        self._project = project
        self._stored, self._uncertain = {}, {}
        self.read()

    def arranger(self) -> Callable[[Sequence[int]], list[int]]:
        """Return what sorts images as the strip wants now; any thread may call it."""
        order, uncertain = self.order, self._uncertain
        if order is None:
            return list
        return lambda ids: most_uncertain_first(uncertain, ids, by=order)

    def open_next(self) -> None:
        """Show the image without labels that the model is least sure of."""
        project, wanted = self._project, self._panel.session.wanted
        if project is None:
            return
        left = [
            id_
            for id_ in project.image_ids(ImageQuery(state="unlabelled"))
            if id_ in self._uncertain and id_ != wanted
        ]
        if left:
            self._panel.images.open(
                most_uncertain_first(self._uncertain, left, by=self.order or "entropy")[0]
            )
        elif self._uncertain:
            self._tell(tr("Every other image with a draft has labels."))
        else:
            self._tell(tr("Let a model draft the images first; it says how unsure it is of each."))

    def start_unlabelled(self) -> None:
        """Draft every image without labels."""
        project = self._project
        if project is not None:
            self.start(project.image_ids(ImageQuery(state="unlabelled")))

    def start_shown(self) -> None:
        """Draft the images that the filter leaves."""
        self.start(list(self._panel.images.ids))

    def start(self, ids: Sequence[int]) -> None:
        """Draft images as a job that the strip below shows; masks stay as they are."""
        project, choice = self._project, self._panel.draft.choice
        if project is None or project.read_only:
            return
        if choice is None:
            self._tell(tr("Train a model first; then it can propose labels."))
        elif not ids:
            self._tell(tr("There are no images to draft."))
        else:
            rows = project.images_by_id(ids)
            self._panel.context.start_run(
                {
                    "kind": "draft",
                    "model_dir": choice.path,
                    "images": [row.path for row in rows],
                    "image_ids": [row.id for row in rows],
                }
            )
            self._tell(
                trn(
                    "{count} image is being drafted; its mask stays as it is.",
                    "{count} images are being drafted; their masks stay as they are.",
                    len(rows),
                )
            )

    @Slot()
    def read(self) -> None:
        """Read what jobs have written."""
        project = self._project
        if project is None:
            return

        def work(progress: Progress) -> dict[int, StoredDraft]:
            found: dict[int, StoredDraft] = {}
            for run in project.runs("draft"):  # newest first
                progress.check()
                rejected = read_rejected(run.folder)
                for record in read_records(run.folder):
                    if record.image_id is not None and record.entropy is not None:
                        draft = StoredDraft(run.folder, record, record.index in rejected)
                        found.setdefault(record.image_id, draft)
            return found

        self._panel.draft.tasks.start(
            work,
            on_done=self._on_read,
            on_failed=self._panel.context.error_occurred.emit,
            key="records",
        )

    def shut_down(self) -> None:
        """Stop waiting."""
        self._project = None
        self._timer.stop()

    def _tell(self, text: str) -> None:
        self._panel.view.notice.tell(text, passing=True)

    def _on_read(self, stored: dict[int, StoredDraft]) -> None:
        if stored == self._stored:
            return
        self._stored = stored
        known = ((id_, one.uncertainty) for id_, one in stored.items())
        self._uncertain = {id_: one for id_, one in known if one is not None}
        self.found.emit()
        if self.order is not None:
            self._panel.images.refresh()

    @Slot(str, object)
    def _on_job_event(self, run_id: str, event: object) -> None:
        if (
            isinstance(event, JobProgress)
            and event.stage == "predict"
            and not self._timer.isActive()
            and self._kind(run_id) == "draft"
        ):
            self._timer.start()

    @Slot(str, str)
    def _on_run_state_changed(self, run_id: str, state: str) -> None:
        if self._kind(run_id) == "draft":
            self._timer.start()
            if state == "done":
                self._tell(tr("The drafts are ready."))

    def _kind(self, run_id: str) -> str:
        try:
            return "" if self._project is None else self._project.run(int(run_id)).kind
        except KeyError:
            return ""
