"""The draft of the open image: asking a model for it, and taking it over or not."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.canvas.editor import BACKGROUND
from app.look.translation import tr, translated
from app.panels.label import key_actions as keys
from app.panels.label.remaining_drafts import RemainingDrafts, is_open
from app.panels.label.stored_drafts import ReadDraft
from app.panels.label.workspace import Workspace
from app.services import settings
from app.services.background import BackgroundTasks, Progress
from app.widgets.dialogs import error_text
from core.annotation.components import class_region, pick_component
from core.annotation.draft import Draft, Prediction
from core.annotation.edits import Mask, Region, whole_box
from core.images.io import IGNORE_INDEX
from core.jobs.draft_server import PredictionServer
from core.project.draft_models import ModelChoice, find_models
from core.project.variant_choice import best_trained
from core.project.variants import VariantReader

_KEPT = 4
_IDLE_MS = 180_000
_MODELS_MS = 500
_log = logging.getLogger(__name__)


class DraftReview(QObject):
    """The draft over the mask. A process of its own predicts, and ends when it has long been idle.

    Attributes:
        draft: what the model says of the open image and was not accepted yet.
    """

    taken_over = Signal()
    """Labels of a model are in the mask of an image that was not labelled yet."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._editor = workspace.editor
        self._session = workspace.session
        self._box = workspace.inspector.draft
        self._stored = workspace.drafts
        self._rest = RemainingDrafts(workspace.editor, workspace.drafts)
        self.draft: Draft | None = None
        self._kept: OrderedDict[tuple[Path, int], Prediction] = OrderedDict()
        self._reader = VariantReader()
        self._server = PredictionServer(log=settings.log_dir() / "prediction.log")
        self._predictions = BackgroundTasks(self)
        self._tasks = BackgroundTasks(self)
        self._idle = _timer(self, _IDLE_MS, self._on_idle)
        self._models_soon = _timer(self, _MODELS_MS, self._read_models)
        connect = workspace.actions.connect
        self._predict = connect(keys.PREDICT, self.predict)
        self._accept_actions = [
            connect(keys.ACCEPT_ALL, self.accept_all),
            connect(keys.ACCEPT_CLASS, self.accept_class),
            connect(keys.ACCEPT_PART, self.accept_part),
        ]
        self._copy_actions = [
            connect(keys.COPY_PREDICTION, self.copy),
            connect(keys.COPY_PREDICTED_CLASS, self.copy_class),
        ]
        self._reject = connect(keys.REJECT, self.reject)
        self._box.offer_changed.connect(self._offer)
        self._box.model_chosen.connect(self._show_actions)
        self._stored.found.connect(self._on_found)
        self._editor.draft_changed.connect(self._show_actions)
        self._editor.committed.connect(self._on_committed)
        workspace.context.runs_changed.connect(self._models_soon.start)
        self._show_actions()

    @property
    def busy(self) -> bool:
        """Whether something is predicted or read."""
        return self._predictions.busy or self._tasks.busy or self._models_soon.isActive()

    def show_project(self) -> None:
        """Offer drafts in another project."""
        self._server.close()
        self._predictions.cancel_and_wait()
        self._tasks.cancel_and_wait()
        self._reader = VariantReader()
        self._kept.clear()
        self._rest.clear()
        self._set_draft(None)
        self._box.set_models((), None)
        self._read_models()

    def shut_down(self) -> None:
        """End the process and the work in the background."""
        self._idle.stop()
        self._models_soon.stop()
        self._server.close()
        self._predictions.shut_down()
        self._tasks.shut_down()

    # Asking

    def predict(self) -> None:
        """Have the model draft the open image."""
        if self._box.choice is None:
            self._tell(tr("Train a model first; then it can propose labels."))
        else:
            self._ask(self._show_asked)

    def _ask(self, then: Callable[[ReadDraft], None]) -> None:
        """Have the chosen model predict the open image, unless it is known already."""
        row, choice = self._session.row, self._box.choice
        if row is None or choice is None or self._workspace.project is None:
            return
        if refusal := self._box.refusal:
            self._workspace.notices.tell(refusal, role="danger")
            return
        path = choice.path
        known = self._kept.get((path, row.id))
        if known is not None:
            then(ReadDraft(row.id, known))
            return

        def work(_progress: Progress) -> ReadDraft:
            return ReadDraft(row.id, self._server.predict(path, row.path))

        def on_done(read: ReadDraft) -> None:
            self._kept[path, row.id] = read.prediction
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            self._idle.start()
            self._workspace.notices.clear()
            then(read)
            self._show_actions()

        self._box.show_note(tr("The model is at work …"))
        self._tell(tr("The model is at work …"))
        self._predictions.start(work, on_done=on_done, on_failed=self._on_failed, key="predict")
        self._show_actions()

    # Taking over

    def accept_all(self) -> None:
        """Take everything over that is offered."""
        offered = self._editor.draft
        if offered is not None:
            region = Region(whole_box(offered), offered != IGNORE_INDEX)
            self._accept(region, name=tr("Accept the draft"), unseen=True)

    def accept_class(self) -> None:
        """Take over what is offered of the class in hand."""
        offered = self._editor.draft
        if offered is None:
            return
        class_id = self._editor.class_id
        region = class_region(offered, class_id)
        if region is None:
            name = self._workspace.classes.name(class_id)
            self._tell(tr("The draft has nothing of the class {name}.", name=name))
        else:
            self._accept(region, name=tr("Accept a class of the draft"))

    def accept_part(self) -> None:
        """Take over the connected part under the pointer."""
        offered, place = self._editor.draft, self._workspace.view.canvas.place
        if offered is None or place is None:
            return
        region = _part_at(offered, place)
        if region is None:
            self._tell(tr("Move the pointer onto a part of the draft."))
        else:
            self._accept(region, name=tr("Accept a part of the draft"))

    def copy(self) -> None:
        """Make what the model says of the open image its label, as one step."""
        self._find_and_copy(None)

    def copy_class(self) -> None:
        """The same of the class in hand alone: where it is labelled, and where it is predicted."""
        self._find_and_copy(self._editor.class_id)

    def _find_and_copy(self, class_id: int | None) -> None:
        """Copy what is shown, what the chosen model says, or what a job has left."""
        row = self._session.row
        if row is None or self._workspace.unfinished.holds_back(
            lambda: self._find_and_copy(class_id)
        ):
            return

        def show_and_copy(read: ReadDraft | None) -> None:
            if self._session.row is not None and self._session.row.id == row.id:
                self._show(read)
                self._copy(class_id)

        if self.draft is not None:
            self._copy(class_id)
        elif self._box.choice is not None:
            self._ask(show_and_copy)
        elif (stored := self._stored.get(row.id)) is not None and not stored.is_rejected:
            self._stored.load(row, stored, on_done=show_and_copy, on_failed=self._on_failed)
        else:
            self._copy(class_id)

    def _copy(self, class_id: int | None) -> None:
        draft, row, document = self.draft, self._session.row, self._editor.document
        if row is None or document is None:
            return
        if draft is None:
            self._tell(
                tr("There is no prediction for this image: train a model, then press this again.")
            )
            return
        region = draft.as_label(document.mask, self._least_confidence, class_id=class_id)
        name = tr("Copy the prediction as label")
        if self._editor.copy_labels(region, draft.label_map, name=name):
            if class_id is None:  # what is left as it is was looked at, too
                region = Region(region.box, np.ones_like(region.pixels))
            left = draft.without(region)
            self._rest.accepted(draft, left)
            self._set_draft(None if left.is_empty else left)
            if row.state == "unlabelled" or (class_id is None and row.state != "draft"):
                self.taken_over.emit()
        elif self._editor.editable:
            self._tell(tr("The labels are what the model says already, or they are protected."))

    def reject(self) -> None:
        """Drop the draft of the open image."""
        row = self._session.row
        if row is not None and self.draft is not None:
            self._stored.reject(row.id)
            self._rest.drop()
            self._set_draft(None)

    @Slot()
    def finish(self) -> None:
        """The image was said to be done: nothing more is offered for it."""
        if self.draft is not None:
            self._rest.drop()
            self._set_draft(None)

    def _accept(self, region: Region, *, name: str, unseen: bool = False) -> None:
        draft, row = self.draft, self._session.row
        if draft is None or row is None or not self._editor.editable:
            self._editor.refused.emit()
            return
        changed = self._editor.accept_draft(region, name=name)
        left = draft.without(region)
        self.draft = None if left.is_empty else left
        if changed:
            self._rest.accepted(draft, left)
        self._show_actions()
        if changed and (row.state == "unlabelled" or (unseen and row.state != "draft")):
            self.taken_over.emit()
        elif not changed:
            self._tell(
                tr("Nothing changed: the mask has these labels already, or they are protected.")
            )

    # Showing

    def _show(self, read: ReadDraft | None) -> None:
        row = self._session.row
        if read is None or row is None or row.id != read.image_id or self._editor.document is None:
            return
        shape = self._editor.document.mask.shape
        if read.prediction.label_map.shape != shape:
            self._tell(tr("The image has changed on the disk since it was imported."))
            return
        draft = Draft.of(read.prediction, self._workspace.classes.labels)
        if read.rest is not None:
            left = np.where(read.rest, draft.label_map, np.uint8(IGNORE_INDEX))
            draft = replace(draft, label_map=left)
        self._rest.begin(row.id, read.stored)
        self._set_draft(draft)

    @property
    def _least_confidence(self) -> int:
        """What the threshold means, 0 … 255."""
        return int(np.ceil(self._box.threshold.value() * 255 / 100))

    def _show_asked(self, read: ReadDraft) -> None:
        """Show what was asked for, and say so where there is nothing to see."""
        self._show(read)
        if self.draft is not None and self._editor.draft is None:
            self._tell(self._nothing())

    def _nothing(self) -> str:
        if self._box.threshold.value():
            return tr("Nothing more is proposed here: the model is not that sure of anything.")
        return tr("Nothing more is proposed here but background.")

    def _set_draft(self, draft: Draft | None) -> None:
        self.draft = draft
        self._box.set_has_draft(draft is not None)
        self._offer()

    def _note(self, draft: Draft, *, offers: bool) -> str:
        """Say how sure the model is, and why nothing is shown if nothing is."""
        lines = [
            tr(
                "Entropy {entropy:.2f}, margin {margin:.2f}.",
                entropy=draft.uncertainty.entropy,
                margin=draft.uncertainty.margin,
            )
        ]
        if draft.mapping.problem is not None:
            lines.append(translated(draft.mapping.problem))
        if not offers and not draft.is_empty:
            lines.append(self._nothing())
        return " ".join(lines)

    @Slot()
    def _offer(self) -> None:
        """Show what the threshold leaves of the draft."""
        if self._editor.document is None:
            return
        offered, note = None, ""
        if self.draft is not None:
            offered = self.draft.offered(
                self._least_confidence,
                background=None if self._box.background.isChecked() else BACKGROUND,
            )
            if (offered == IGNORE_INDEX).all():
                offered = None
            note = self._note(self.draft, offers=offered is not None)
        self._box.show_note(note)
        self._editor.set_draft(offered)

    @Slot()
    def _show_actions(self) -> None:
        has_draft = self._editor.draft is not None and self._editor.editable
        self._predict.setEnabled(self._session.row is not None and not self._predictions.busy)
        for action in self._accept_actions:
            action.setEnabled(has_draft)
        for action in self._copy_actions:  # where there is nothing to copy they say what to do
            action.setEnabled(self._session.row is not None and not self._predictions.busy)
        self._reject.setEnabled(self.draft is not None)

    def show_opened(self) -> None:
        """Another image is open, or none: show what is left of its draft."""
        if self.draft is not None:
            self._rest.keep(self.draft)
        self._rest.drop()
        self.draft = None
        self._box.show_note("")
        self._show_actions()
        row = self._session.row
        draft = None if row is None else self._rest.take_back(row)
        if draft is None:
            self._read_stored()
        else:
            self._set_draft(draft)

    @Slot(object)
    def _on_committed(self, _boxes: object) -> None:
        """What is not accepted any more is offered again."""
        draft = self._rest.undone()
        if draft is not None:
            self._set_draft(draft)

    @Slot()
    def _on_found(self) -> None:
        if self.draft is None and not self._predictions.busy:
            self._read_stored()

    def _read_stored(self) -> None:
        """Show what a job drafted for an image without labels, or what is left of that."""
        row = self._session.row
        stored = None if row is None else self._stored.get(row.id)
        document = self._editor.document
        if row is None or stored is None or stored.is_rejected or document is None:
            return
        if not is_open(row) or (row.state == "unlabelled" and document.mask.any()):
            return
        self._stored.load(row, stored, on_done=self._show, on_failed=self._on_failed)

    @Slot()
    def _read_models(self) -> None:
        project, reader = self._workspace.project, self._reader
        if project is None:
            return
        self._tasks.start(
            lambda progress: find_models(project, reader, progress.check),
            on_done=self._on_models,
            on_failed=lambda error: _log.warning("models: %s", error),
            key="models",
        )

    def _on_models(self, choices: tuple[ModelChoice, ...]) -> None:
        chosen = self._box.choice if self._box.is_chosen else None
        folder = None if chosen is None else chosen.variant.folder
        if all(choice.variant.folder != folder for choice in choices):
            best = best_trained([choice.variant for choice in choices])
            folder = None if best is None else best.folder
        begins = next((choice for choice in choices if choice.variant.folder == folder), None)
        self._box.set_models(choices, None if begins is None else begins.path)
        self._show_actions()

    @Slot()
    def _on_idle(self) -> None:
        if not self._predictions.busy:
            self._server.close()

    def _on_failed(self, error: Exception) -> None:
        self._box.show_note("")
        self._show_actions()
        self._workspace.notices.tell(error_text(error)[0], role="danger")

    def _tell(self, text: str) -> None:
        self._workspace.notices.tell(text, passing=True)


def _part_at(offered: Mask, place: tuple[float, float]) -> Region | None:
    """Return the connected part at (x, y) of what is offered, None where nothing is."""
    height, width = offered.shape
    x, y = int(place[0] // 1), int(place[1] // 1)
    if not (0 <= x < width and 0 <= y < height) or offered[y, x] == IGNORE_INDEX:
        return None
    return pick_component(offered, x, y)


def _timer(owner: QObject, interval_ms: int, slot: Callable[[], None]) -> QTimer:
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(slot)
    return timer
