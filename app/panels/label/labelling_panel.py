"""Labelling: paint masks on one image after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.canvas.display import KeptView
from app.look.translation import tr, trn
from app.panels.base import Panel, StepState, StepStatus
from app.panels.label.parts.book_keeping import BookKeeping
from app.panels.label.parts.class_editing import ClassEditing
from app.panels.label.parts.click_model_choice import ClickModelChoice
from app.panels.label.parts.draft_jobs import DraftJobs
from app.panels.label.parts.draft_review import DraftReview
from app.panels.label.parts.first_class import FirstClass
from app.panels.label.parts.image_choice import ImageChoice
from app.panels.label.parts.label_progress import LabelProgress
from app.panels.label.parts.mask_display import MaskDisplay
from app.panels.label.parts.pointer_status import PointerStatus
from app.panels.label.parts.region_keeping import RegionKeeping
from app.panels.label.parts.selection import Selection
from app.panels.label.parts.shortcut_choice import ShortcutChoice
from app.panels.label.parts.tool_choice import ToolChoice
from app.panels.label.session import KeptSteps
from app.panels.label.workspace import Workspace
from app.services.context import AppContext
from app.services.targets import LabelImage, LabelImages, LabelMostUseful, Target
from app.widgets.dialogs import error_text
from core.advice.label_needs import LabelNeed
from core.advice.next_step import WORTH_A_TRAINING, missing_for_training
from core.models.model_verdict import Level
from core.project import ImageCounts, Project
from core.system.messages import Message, message

_WAITING_MS = 60


@dataclass(frozen=True, slots=True)
class _Kept:
    image: int | None
    view: KeptView | None
    tool: str
    class_id: int
    locked: frozenset[int]
    hidden: frozenset[int]
    filter: tuple[Any, ...]
    steps: KeptSteps


class LabellingPanel(Panel):
    """Makes the parts, and connects what one tells with what another does.

    Attributes:
        workspace: what the parts share.
        editor: what is being labelled, and with what.
        session: which image is open, and whether it is saved.
        view, inspector_parts: the widgets.
        tools, images, classes, first_class, progress, display, selection, draft: the parts that
            others tell something.
    """

    key: ClassVar[str] = "labelling"
    title: ClassVar[Message] = message("Labelling")
    icon: ClassVar[str] = "label"
    guide: ClassVar[str] = "labelling.md"
    searches: ClassVar[bool] = True

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._counts: ImageCounts | None = None
        self._missing: Message | None = None
        self._changed_since_shown = False
        self._is_telling = False
        self._save_notice = ""
        self.workspace = Workspace(context, self)
        self.editor, self.session = self.workspace.editor, self.workspace.session
        self.view, self.inspector_parts = self.workspace.view, self.workspace.inspector
        self.tools = ToolChoice(self.workspace, self)
        self.images = ImageChoice(self.workspace, self)
        self.classes = ClassEditing(self.workspace, self)
        self.first_class = FirstClass(self.workspace, self)
        self.progress = LabelProgress(self.workspace, self)
        self.display = MaskDisplay(self.workspace, self)
        self.selection = Selection(self.workspace, self)
        self.draft = DraftReview(self.workspace, self)
        self.draft_jobs = DraftJobs(self.workspace, self)
        self.book = BookKeeping(self.workspace, self)
        self.regions = RegionKeeping(self.workspace, self)
        self.click_model = ClickModelChoice(self.workspace, self)
        PointerStatus(self.workspace, self)
        ShortcutChoice(self.workspace, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view.canvas)
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(_WAITING_MS)
        self._waiting.timeout.connect(self._on_waited)
        self._connect_parts()
        self._connect_workspace()

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.workspace.project

    @property
    def busy(self) -> bool:
        """Whether something is being read or changed in the background."""
        parts = (self.workspace, self.draft, self.progress, self.regions)
        return any(part.busy for part in parts)

    def set_project(self, project: Project | None) -> None:
        """Label the images of ``project``."""
        work = self.workspace
        work.unfinished.commit()
        work.tasks.cancel_and_wait()
        self.book.finish()
        self.session.set_project(project)
        work.project = project
        self._counts = None
        self._changed_since_shown = False
        work.loader.set_project(project)
        work.notices.clear()
        self.images.show_project()
        self.classes.show_project()
        self.book.show_project()
        self.regions.show_project()
        self.progress.show_project()
        self.tools.restore_paint_over()
        self.draft.show_project()
        self.draft_jobs.show_project()
        work.drafts.set_project(project)
        if project is not None:
            self.refresh()

    def status(self) -> StepStatus:
        """Where the step stands."""
        if self.project is None:
            return super().status()
        counts = self._counts
        if counts is None or not counts.total:
            return StepStatus(StepState.BLOCKED, message("Import images first."))
        left = counts.by_state["unlabelled"] + counts.by_state["draft"]
        if left:
            lacking = next((need for need in self.progress.needs if need.missing), None)
            trainable = self._missing is None
            return StepStatus(
                StepState.NEXT,
                self._what_is_left(counts, left, lacking),
                optional=trainable and (lacking is None or self._has_learnt()),
            )
        return StepStatus(
            StepState.DONE,
            message("{total} {total:image|images} labelled", total=f"{counts.total:,}"),
        )

    def _has_learnt(self) -> bool:
        """Whether something was trained that more labels would not be the next thing for."""
        runs = self.context.runs("train")
        newest = next((run for run in runs if run.state == "done"), None)
        verdict = None if newest is None else self.context.verdicts.of(newest)
        if newest is None or verdict is None or verdict.level is not Level.PARTLY:
            return bool(runs)
        project = self.project
        return project is not None and project.labelled_since(newest) >= WORTH_A_TRAINING

    def _what_is_left(self, counts: ImageCounts, left: int, lacking: LabelNeed | None) -> Message:
        labelled = counts.total - left
        if labelled and lacking is not None:
            return message(
                "{left} of {total} {total:image|images} to label; {name}: {have} of about {wanted}",
                left=f"{left:,}",
                total=f"{counts.total:,}",
                name=lacking.name,
                have=f"{lacking.have:,}",
                wanted=f"{lacking.wanted:,}",
            )
        return message(
            "{left} of {total} {total:image|images} to label",
            left=f"{left:,}",
            total=f"{counts.total:,}",
        )

    @property
    def footer_height(self) -> int:
        """The row of images with its filter, and the line below the canvas."""
        return self.view.footer_height

    def inspector(self) -> QWidget | None:
        """Classes, the tool's options, the look of masks, the state of the image."""
        return self.inspector_parts if self._counts is not None and self._counts.total else None

    def activated(self) -> None:
        """Show the image that was chosen in another panel, or the first one to label."""
        chosen, self.context.image_in_hand = self.context.image_in_hand, None
        project = self.project
        if chosen is not None and project is not None and project.images_by_id([chosen]):
            self.images.open_asked(chosen)
        self.images.open_first()
        self.view.canvas.setFocus()

    def navigate(self, target: Target) -> None:
        """Open the image or the images that are asked for, or the one that helps most."""
        if self.project is not None and isinstance(target, LabelMostUseful):
            self.draft_jobs.open_most_useful()
        if self.project is not None and isinstance(target, LabelImages):
            known = (self.project.find_image(image) for image in target.images)
            ids = [image_id for image_id in known if image_id is not None]
            if ids:
                self.images.show_queue(ids)
        if self.project is None or not isinstance(target, LabelImage):
            return
        image = target.image
        image_id = self.project.find_image(image) if isinstance(image, Path) else image
        if image_id is not None:
            self.images.open_asked(image_id)

    def search(self, text: str) -> None:
        """Leave the images whose name, comment or group has this text."""
        self.images.search(text)

    def search_done(self) -> None:
        """Show the first of them and go on labelling."""
        self.images.search_done()

    def keep(self) -> _Kept:
        """Save everything; what was open, in hand and filtered is the same in the new window."""
        palette = self.inspector_parts.classes
        image, view = self.session.wanted, self.view.canvas.kept_view()
        return _Kept(
            image=image,
            view=view,
            tool=self.tools.current.key,
            class_id=self.editor.class_id,
            locked=frozenset(palette.locked),
            hidden=frozenset(palette.hidden),
            filter=self.view.strip.kept_filter(),
            steps=self.session.hand_over(),
        )

    def show_kept(self, kept: _Kept) -> None:
        """Go on where the window before was left."""
        self.session.take_over(kept.steps)
        self.classes.choose(kept.class_id)
        self.inspector_parts.classes.set_marks(hidden=kept.hidden, locked=kept.locked)
        self.tools.take(kept.tool)
        self.view.strip.show_kept_filter(kept.filter)
        if kept.image is not None:
            self.view.canvas.show_kept_view(kept.view)
            self.images.open(kept.image)

    def holds_back(self, then: Callable[[], object]) -> bool:
        """Paint what a tool has completed, and ask about what is not complete."""
        return self.workspace.unfinished.holds_back(then)

    def theme_changed(self) -> None:
        """Renew icons and what is drawn by hand."""
        self.view.canvas.update()
        self.view.empty.renew_colors()
        self.view.book.renew_colors()
        self.regions.renew_colors()
        self.inspector_parts.classes.renew_colors()
        self.inspector_parts.review.renew_colors()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Finish the stroke, and tell the others what was painted."""
        super().hideEvent(event)
        if self.editor.document is not None:
            self.editor.document.finish_stroke()
        self.tell_changes()

    def shut_down(self) -> None:
        """Save everything and wait."""
        self.workspace.unfinished.commit()
        self.book.finish()
        self.workspace.remembered.save()
        self.regions.shut_down()
        self.draft.shut_down()
        self.images.shut_down()
        self.progress.shut_down()
        self.workspace.project = None
        self.workspace.shut_down()

    @Slot()
    def refresh(self) -> None:
        """Read counts and classes again, and the image where it was changed elsewhere."""
        project = self.project
        if project is None or self._is_telling:
            return
        self.classes.refresh()
        self.session.reload()
        self.images.refresh()

    @Slot(object)
    def _on_counted(self, counts: ImageCounts) -> None:
        """The project's images by state are known."""
        first = self._counts is None or not self._counts.total
        self._counts = counts
        if self.project is not None:
            self._missing = missing_for_training(
                counts,
                shows_classes=self.project.shows_classes(),
                divides_itself=self.project.divides_itself,
            )
        self.progress.refresh()
        self.view.show_empty(not counts.total)
        self.context.counts_changed.emit(counts)
        self.status_changed.emit()
        if first:
            self.inspector_changed.emit()

    @Slot()
    def _on_changed(self) -> None:
        """Masks, states or classes changed; other panels hear of it when this one is left."""
        self._changed_since_shown = True

    def tell_changes(self) -> None:
        """Let other panels know now."""
        if self._changed_since_shown and self.project is not None:
            self._changed_since_shown = False
            self._is_telling = True  # nothing here is news to this panel
            try:
                self.context.dataset_changed.emit()
            finally:
                self._is_telling = False

    def _connect_parts(self) -> None:
        """What one part tells, another does."""
        self.images.counted.connect(self._on_counted)
        self.images.finished.connect(self.draft.finish)
        self.first_class.class_wanted.connect(self.classes.add_first)
        self.first_class.rename_wanted.connect(self.classes.rename)
        self.classes.labels_changed.connect(self.display.renew)
        self.classes.labels_changed.connect(self.progress.refresh)
        self.classes.labels_changed.connect(self.book.show_class)
        self.progress.changed.connect(self.status_changed)
        self.classes.replaced.connect(self.tools.restore_paint_over)
        self.classes.replaced.connect(self.images.refresh)
        self.selection.step_wanted.connect(self.images.step)
        self.selection.interpolated.connect(self.images.refresh)
        self.draft.taken_over.connect(self.images.mark_draft)
        for wish in (self.classes.image_wanted, self.draft_jobs.image_wanted):
            wish.connect(self.images.open)
        for wish in (self.selection.tool_wanted, self.click_model.tool_wanted):
            wish.connect(self.tools.take)
        for change in (self.images.changed, self.classes.changed, self.regions.changed):
            change.connect(self._on_changed)
        self.selection.interpolated.connect(self._on_changed)

    def _connect_workspace(self) -> None:
        self.context.dataset_changed.connect(self.refresh)
        self.context.subsets_changed.connect(self.images.refresh)
        self.view.empty.action_requested.connect(self.context.import_requested)
        self.session.opened.connect(self._on_opened)
        self.session.failed.connect(self.context.error_occurred)
        self.session.saved.connect(self._on_saved)
        self.session.saving.connect(self._on_saving)
        self.session.save_failed.connect(self._on_save_failed)
        self.session.recovered.connect(self._on_recovered)
        self.editor.failed.connect(self.context.error_occurred)
        self.inspector_parts.left.connect(self.view.canvas.setFocus)

    @Slot()
    def _on_opened(self) -> None:
        self.images.show_opened()
        self.regions.show_opened()
        self.selection.show_opened()  # a draft is not shown over what is pasted
        self.draft.show_opened()
        self._waiting.start()

    @Slot()
    def _on_waited(self) -> None:
        """Most images are there by now, and a text would only flash."""
        is_read = self.session.row is not None or self.session.damage is not None
        self.view.canvas.set_waiting(self.session.wanted is not None and not is_read)

    @Slot(int)
    def _on_saved(self, image_id: int) -> None:
        self._on_changed()
        self.images.image_saved(image_id)
        pending = self.session.pending
        if not pending and not self.isVisible():  # painted as the panel was left
            self.tell_changes()
        self.view.status.show_saved(pending)
        if not pending and self._save_notice:
            if self.workspace.notices.text.text() == self._save_notice:
                self.workspace.notices.clear()
            self._save_notice = ""

    @Slot()
    def _on_saving(self) -> None:
        self.view.status.show_saved(True)

    @Slot(object)
    def _on_save_failed(self, error: Exception) -> None:
        self.view.status.show_saved(True, failed=True)
        self._save_notice = tr("The mask is not saved: {reason}", reason=error_text(error)[0])
        self.workspace.notices.tell(self._save_notice, role="danger")

    @Slot(object)
    def _on_recovered(self, names: object) -> None:
        found = cast("list[str]", names)
        self.workspace.notices.tell(
            trn(
                "The last strokes on {count} image were brought back after the window ended"
                " unexpectedly.",
                "The last strokes on {count} images were brought back after the window ended"
                " unexpectedly.",
                len(found),
            )
        )
        self._on_changed()
        self.refresh()
