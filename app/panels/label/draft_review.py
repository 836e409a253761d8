"""What a model proposes for the open image: asking for it, and taking it over or not."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot

from app.canvas.actions import ActionSpec
from app.canvas.editor import BACKGROUND
from app.look.translation import tr, translated
from app.panels.label.click_model_choice import LabellingClickModel
from app.panels.label.draft_job import DRAFTS, LabellingPrelabel
from app.panels.label.draft_leftover import DraftRest, is_open
from app.panels.label.draft_reading import ReadDraft, part_at, read_stored
from app.services import settings
from app.services.background import BackgroundTasks, Progress
from app.widgets.dialogs import error_text
from core.annotation.components import class_region
from core.annotation.draft import Draft, Prediction
from core.annotation.edits import Region, whole_box
from core.images.io import IGNORE_INDEX
from core.jobs.draft_server import PredictionServer
from core.project import Project
from core.project.draft_models import ModelChoice, find_models
from core.project.variants import VariantReader
from core.system.messages import message

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel

PREDICT = ActionSpec("draft.predict", message("Draft this image"), DRAFTS, ("Shift+P",))
ACCEPT_ALL = ActionSpec("draft.accept", message("Accept all"), DRAFTS, ("Shift+A",))
ACCEPT_CLASS = ActionSpec("draft.accept_class", message("Accept the class"), DRAFTS, ("Shift+V",))
ACCEPT_PART = ActionSpec(
    "draft.accept_part", message("Accept the part under the pointer"), DRAFTS, ("V",)
)
REJECT = ActionSpec("draft.reject", message("Reject"), DRAFTS, ("Shift+X",))
_KEPT = 4
_IDLE_MS = 180_000
_MODELS_MS = 500
_log = logging.getLogger(__name__)


class LabellingDraft(QObject):
    """The draft over the mask. A process of its own predicts, and ends when it has long been idle.

    Attributes:
        draft: what the model says of the open image and was not accepted yet.
        tasks: waiting for it, and reading what jobs have left.
        images: drafts of many images.
    """

    def __init__(self, panel: LabellingPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._editor = panel.editor
        self._box = panel.inspector_parts.draft
        self._project: Project | None = None
        self.draft: Draft | None = None
        self._kept: OrderedDict[tuple[Path, int], Prediction] = OrderedDict()
        self._rest = DraftRest(panel)
        self._reader = VariantReader()
        self._server = PredictionServer(log=settings.log_dir() / "prediction.log")
        self._predictions = BackgroundTasks(self)
        self.tasks = BackgroundTasks(self)
        self._idle = _timer(self, _IDLE_MS, self._on_idle)
        self._models_soon = _timer(self, _MODELS_MS, self._read_models)
        self._actions = [
            panel.actions_.add(spec, slot)
            for spec, slot in (
                (PREDICT, self.predict),
                (ACCEPT_ALL, self.accept_all),
                (ACCEPT_CLASS, self.accept_class),
                (ACCEPT_PART, self.accept_part),
                (REJECT, self.reject),
            )
        ]
        self._click_model = LabellingClickModel(panel)
        self.images = LabellingPrelabel(panel)
        self._fill_box()
        self._box.offer_changed.connect(self._offer)
        self._box.model_chosen.connect(self._show_actions)
        panel.session.opened.connect(self._on_opened)
        self.images.found.connect(self._on_found)
        self._editor.draft_changed.connect(self._show_actions)
        self._editor.committed.connect(self._on_committed)
        panel.context.runs_changed.connect(self._models_soon.start)
        self._show_actions()

    @property
    def busy(self) -> bool:
        """Whether something is predicted or read."""
        return self._predictions.busy or self.tasks.busy or self._models_soon.isActive()

    @property
    def choice(self) -> ModelChoice | None:
        """The model that proposes."""
        return self._box.choice

    def set_project(self, project: Project | None) -> None:
        """Propose labels in another project."""
        self._server.close()
        self._predictions.cancel_and_wait()
        self.tasks.cancel_and_wait()
        self._project = project
        self._reader = VariantReader()
        self._kept.clear()
        self._rest.clear()
        self._set_draft(None)
        self._box.set_models((), None)
        self.images.set_project(project)
        self._read_models()

    def shut_down(self) -> None:
        """End the process and the work in the background."""
        self._project = None
        self._idle.stop()
        self._models_soon.stop()
        self.images.shut_down()
        self._server.close()
        self._predictions.shut_down()
        self.tasks.shut_down()

    def _fill_box(self) -> None:
        predict, accept, accept_class, accept_part, reject = self._actions
        accept_class.setIconText(tr("Accept class"))
        accept_part.setIconText(tr("Accept part"))
        self._box.set_actions(
            [
                (predict, True),
                *((action, False) for action in (accept, reject, accept_class, accept_part)),
                *((action, True) for action in self.images.actions),
            ],
            always=[self._click_model.action],
        )

    # Asking

    def predict(self) -> None:
        """Have the model propose labels for the open image."""
        row, choice = self._panel.session.row, self.choice
        if row is None or self._project is None:
            return
        if choice is None:
            self._tell(tr("Train a model first; then it can propose labels."))
            return
        path = choice.path
        known = self._kept.get((path, row.id))
        if known is not None:
            self._show_asked(ReadDraft(row.id, known))
            return

        def work(_progress: Progress) -> ReadDraft:
            return ReadDraft(row.id, self._server.predict(path, row.path))

        def on_done(read: ReadDraft) -> None:
            self._kept[path, row.id] = read.prediction
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            self._idle.start()
            self._panel.view.notice.clear()
            self._show_asked(read)
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
            name = self._panel.classes.name(class_id)
            self._tell(tr("The draft has nothing of the class {name}.", name=name))
        else:
            self._accept(region, name=tr("Accept a class of the draft"))

    def accept_part(self) -> None:
        """Take over the connected part under the pointer."""
        offered, place = self._editor.draft, self._panel.look.place
        if offered is None or place is None:
            return
        region = part_at(offered, place)
        if region is None:
            self._tell(tr("Move the pointer onto a part of the draft."))
        else:
            self._accept(region, name=tr("Accept a part of the draft"))

    def reject(self) -> None:
        """Drop the draft of the open image."""
        row = self._panel.session.row
        if row is not None and self.draft is not None:
            self.images.reject(row.id)
            self._rest.drop()
            self._set_draft(None)

    def finish(self) -> None:
        """The image was said to be done: nothing more is proposed for it."""
        if self.draft is not None:
            self._rest.drop()
            self._set_draft(None)

    def _accept(self, region: Region, *, name: str, unseen: bool = False) -> None:
        draft, row = self.draft, self._panel.session.row
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
            self._panel.images.mark_draft()
        elif not changed:
            self._tell(
                tr("Nothing changed: the mask has these labels already, or they are protected.")
            )

    # Showing

    def _show(self, read: ReadDraft | None) -> None:
        row = self._panel.session.row
        if read is None or row is None or row.id != read.image_id or self._editor.document is None:
            return
        shape = self._editor.document.mask.shape
        if read.prediction.label_map.shape != shape:
            self._tell(tr("The image has changed on the disk since it was imported."))
            return
        draft = Draft.of(read.prediction, self._panel.classes.labels)
        if read.rest is not None:
            left = np.where(read.rest, draft.label_map, np.uint8(IGNORE_INDEX))
            draft = replace(draft, label_map=left)
        self._rest.begin(row.id, read.stored)
        self._set_draft(draft)

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
                "Uncertainty of the model: entropy {entropy:.2f}, margin {margin:.2f}.",
                entropy=draft.uncertainty.entropy,
                margin=draft.uncertainty.margin,
            )
        ]
        if draft.mapping.problem is not None:
            lines.append(translated(draft.mapping.problem))
        if not offers and not draft.is_empty:
            lines.append(self._nothing())
        return "\n".join(lines)

    @Slot()
    def _offer(self) -> None:
        """Show what the threshold leaves of the draft."""
        if self._editor.document is None:
            return
        offered, note = None, ""
        if self.draft is not None:
            offered = self.draft.offered(
                int(np.ceil(self._box.threshold.value() * 255 / 100)),
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
        predict, *accept, reject = self._actions
        predict.setEnabled(self._panel.session.row is not None and not self._predictions.busy)
        for action in accept:
            action.setEnabled(has_draft)
        reject.setEnabled(self.draft is not None)
        writable = self._project is not None and not self._project.read_only
        for action in self.images.actions[1:]:
            action.setEnabled(writable)

    @Slot()
    def _on_opened(self) -> None:
        if self.draft is not None:
            self._rest.keep(self.draft)
        self._rest.drop()
        self.draft = None
        self._box.show_note("")
        self._show_actions()
        row = self._panel.session.row
        draft = None if row is None else self._rest.take_back(row)
        if draft is None:
            self._read_stored()
        else:
            self._set_draft(draft)

    @Slot(object)
    def _on_committed(self, _boxes: object) -> None:
        """What is not accepted any more is proposed again."""
        draft = self._rest.undone()
        if draft is not None:
            self._set_draft(draft)

    @Slot()
    def _on_found(self) -> None:
        if self.draft is None and not self._predictions.busy:
            self._read_stored()

    def _read_stored(self) -> None:
        """Show what a job proposes for an image without labels, or what is left of that."""
        row = self._panel.session.row
        stored = None if row is None else self.images.stored(row.id)
        document = self._editor.document
        if row is None or stored is None or stored.is_rejected or document is None:
            return
        if not is_open(row) or (row.state == "unlabelled" and document.mask.any()):
            return
        self.tasks.start(
            lambda _progress: read_stored(row, stored),
            on_done=self._show,
            on_failed=self._on_failed,
            key="draft",
        )

    @Slot()
    def _read_models(self) -> None:
        project, reader = self._project, self._reader
        if project is None:
            return
        self.tasks.start(
            lambda progress: find_models(project, reader, progress.check),
            on_done=self._on_models,
            on_failed=lambda error: _log.warning("models: %s", error),
            key="models",
        )

    def _on_models(self, choices: tuple[ModelChoice, ...]) -> None:
        chosen = self.choice
        self._box.set_models(choices, None if chosen is None else chosen.path)
        self._show_actions()

    @Slot()
    def _on_idle(self) -> None:
        if not self._predictions.busy:
            self._server.close()

    def _on_failed(self, error: Exception) -> None:
        self._box.show_note("")
        self._show_actions()
        self._panel.view.notice.tell(error_text(error)[0], role="danger")

    def _tell(self, text: str) -> None:
        self._panel.view.notice.tell(text, passing=True)


def _timer(owner: QObject, interval_ms: int, slot: Callable[[], None]) -> QTimer:
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(slot)
    return timer
