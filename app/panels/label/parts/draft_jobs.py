"""Drafting many images as a job, and looking them through, the most uncertain first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from app.look.translation import tr, trn
from app.panels.label import key_actions as keys
from app.panels.label.workspace import Workspace
from core.annotation.draft import most_uncertain_first
from core.project import ImageQuery


class DraftJobs(QObject):
    """Starts the job; what it writes is found by ``StoredDrafts``."""

    image_wanted = Signal(int)
    """(image id): show it."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._drafts = workspace.drafts
        actions = workspace.actions
        actions.connect(keys.NEXT_UNCERTAIN, self.open_next)
        self._writing = [
            actions.connect(keys.DRAFT_UNLABELLED, self.start_unlabelled),
            actions.connect(keys.DRAFT_SHOWN, self.start_shown),
        ]
        self._drafts.finished.connect(self._on_finished)
        self.show_project()

    def show_project(self) -> None:
        """Allow what another project allows."""
        project = self._workspace.project
        for action in self._writing:
            action.setEnabled(project is not None and not project.read_only)

    def open_next(self) -> None:
        """Show the image without labels that the model is least sure of."""
        if self._workspace.project is None or self._open_most_uncertain():
            return
        if self._drafts.uncertain:
            self._tell(tr("Every other image with a draft has labels."))
        else:
            self._tell(tr("Let a model draft the images first; it says how unsure it is of each."))

    def open_most_useful(self) -> None:
        """As ``open_next``; where no model has drafted any, the first image without labels."""
        project, wanted = self._workspace.project, self._workspace.session.wanted
        if project is None or self._open_most_uncertain():
            return
        left = [id_ for id_ in project.image_ids(ImageQuery(state="unlabelled")) if id_ != wanted]
        if left:
            self.image_wanted.emit(left[0])
            if self._workspace.inspector.draft.choice is not None:
                self._tell(
                    tr("Let a model draft the images first; it says how unsure it is of each.")
                )

    def _open_most_uncertain(self) -> bool:
        project, wanted = self._workspace.project, self._workspace.session.wanted
        uncertain = self._drafts.uncertain
        if project is None:
            return False
        left = [
            id_
            for id_ in project.image_ids(ImageQuery(state="unlabelled"))
            if id_ in uncertain and id_ != wanted
        ]
        if left:
            order = self._workspace.view.strip.uncertainty_order or "entropy"
            self.image_wanted.emit(most_uncertain_first(uncertain, left, by=order)[0])
        return bool(left)

    def start_unlabelled(self) -> None:
        """Draft every image without labels."""
        project = self._workspace.project
        if project is not None:
            self.start(project.image_ids(ImageQuery(state="unlabelled")))

    def start_shown(self) -> None:
        """Draft the images that the filter leaves."""
        self.start(list(self._workspace.view.strip.ids))

    def start(self, ids: Sequence[int]) -> None:
        """Draft images as a job that the strip below shows; masks stay as they are."""
        project, choice = self._workspace.project, self._workspace.inspector.draft.choice
        if project is None or project.read_only:
            return
        if choice is None:
            self._tell(tr("Train a model first; then it can propose labels."))
        elif refusal := self._workspace.inspector.draft.refusal:
            self._workspace.notices.tell(refusal, role="danger")
        elif not ids:
            self._tell(tr("There are no images to draft."))
        else:
            rows = project.images_by_id(ids)
            self._workspace.context.start_run(
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
    def _on_finished(self) -> None:
        self._tell(tr("The drafts are ready."))

    def _tell(self, text: str) -> None:
        self._workspace.notices.tell(text, passing=True)
