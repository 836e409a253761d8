"""Labelling: paint masks on one image after another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.canvas.actions import Actions
from app.canvas.display import KeptView
from app.canvas.editor import Editor
from app.look.translation import tr, trn
from app.panels.base import Panel, StepState, StepStatus
from app.panels.label.class_editing import LabellingClasses
from app.panels.label.draft_review import LabellingDraft
from app.panels.label.image_choice import LabellingImages
from app.panels.label.labelling_inspector import LabellingInspector
from app.panels.label.labelling_view import LabellingView
from app.panels.label.mask_display import LabellingLook
from app.panels.label.selection import LabellingSelection
from app.panels.label.session import KeptSteps, LabellingSession
from app.panels.label.tool_choice import LabellingTools
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.targets import LabelImage, Target
from app.widgets.dialogs import error_text
from app.widgets.thumbnails import ThumbnailLoader
from core.project import ImageCounts, Project
from core.system.messages import Message, message

_WAITING_MS = 60


_SAVE_SETTINGS_MS = 800


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
    """Wires the canvas, the inspector and the session; each part of the work is a class of its own.

    Attributes:
        editor: what is being labelled, and with what.
        session: which image is open, and whether it is saved.
        tools, images, classes, look, selection, draft: the parts.
    """

    key: ClassVar[str] = "labelling"
    title: ClassVar[Message] = message("Labelling")
    icon: ClassVar[str] = "label"
    searches: ClassVar[bool] = True

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._project: Project | None = None
        self._counts: ImageCounts | None = None
        self._changed_since_shown = False
        self._is_telling = False
        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(_SAVE_SETTINGS_MS)
        self._save_timer.timeout.connect(context.store.save)
        self._tasks = BackgroundTasks(self)
        self._loader = ThumbnailLoader(self)
        self.editor = Editor(self)
        self.session = LabellingSession(self.editor, self)
        self.view = LabellingView(self.editor, self._loader)
        self._inspector = LabellingInspector(self.editor)
        self.actions_ = Actions(self, self._inspector)
        self.tools = LabellingTools(self)
        self.images = LabellingImages(self)
        self.classes = LabellingClasses(self)
        self.look = LabellingLook(self)
        self.selection = LabellingSelection(self)
        self.draft = LabellingDraft(self)
        self.view.build(
            self.tools.bar_actions(), self.images.header_actions(), self.look.header_actions()
        )
        self.actions_.restore(context.settings.panel_values.get("labelling/shortcuts"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view.canvas)
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(_WAITING_MS)
        self._waiting.timeout.connect(self._on_waited)
        self._connect()

    @property
    def inspector_parts(self) -> LabellingInspector:
        """The inspector's widgets."""
        return self._inspector

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self._project

    @property
    def tasks(self) -> BackgroundTasks:
        """Work of the panel in the background."""
        return self._tasks

    @property
    def busy(self) -> bool:
        """Whether something is being read or changed in the background."""
        return self._tasks.busy or self.session.busy or self.editor.tasks.busy or self.draft.busy

    def set_project(self, project: Project | None) -> None:
        """Label the images of ``project``."""
        self._tasks.cancel_and_wait()
        self.session.set_project(project)
        self._project = project
        self._counts = None
        self._changed_since_shown = False
        self._loader.set_project(project)
        self.view.notice.clear()
        self.images.set_project(project)
        self.classes.set_project(project)
        self.tools.restore_paint_over()
        self.draft.set_project(project)
        if project is not None:
            self.refresh()

    def status(self) -> StepStatus:
        """Where the step stands."""
        if self._project is None:
            return super().status()
        counts = self._counts
        if counts is None or not counts.total:
            return StepStatus(StepState.BLOCKED, message("Import images first."))
        left = counts.by_state["unlabelled"] + counts.by_state["draft"]
        if left:
            return StepStatus(
                StepState.NEXT,
                message(
                    "{left} of {total} images to label",
                    left=f"{left:,}",
                    total=f"{counts.total:,}",
                ),
            )
        return StepStatus(
            StepState.DONE, message("{total} images labelled", total=f"{counts.total:,}")
        )

    def inspector(self) -> QWidget | None:
        """Classes, the tool's options, the look of masks, the state of the image."""
        return self._inspector if self._counts is not None and self._counts.total else None

    def activated(self) -> None:
        """Show the first image to label when nothing is open yet."""
        self.images.open_first()
        self.view.canvas.setFocus()

    def navigate(self, target: Target) -> None:
        """Open the image of ``LabelImage``."""
        if self._project is None or not isinstance(target, LabelImage):
            return
        image = target.image
        image_id = self._project.find_image(image) if isinstance(image, Path) else image
        if image_id is not None:
            self.images.open(image_id)

    def search(self, text: str) -> None:
        """Leave the images whose name, comment or group has this text."""
        self.images.search(text)

    def search_done(self) -> None:
        """Show the first of them and go on labelling."""
        self.images.search_done()

    def keep(self) -> _Kept:
        """Save everything; what was open, in hand and filtered is the same in the new window."""
        palette = self._inspector.classes
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
        self._inspector.classes.set_marks(hidden=kept.hidden, locked=kept.locked)
        self.tools.take(kept.tool)
        self.view.strip.show_kept_filter(kept.filter)
        if kept.image is not None:
            self.view.canvas.show_kept_view(kept.view)
            self.images.open(kept.image)

    def save_settings_soon(self) -> None:
        """Write the settings once the user has stopped changing them."""
        self._save_timer.start()

    def theme_changed(self) -> None:
        """Renew icons and what is drawn by hand."""
        if hasattr(self, "look"):
            self.view.canvas.update()
            self.view.empty.renew_colors()
            self._inspector.classes.renew_colors()
            self._inspector.review.renew_colors()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Finish the stroke, and tell the others what was painted."""
        super().hideEvent(event)
        if self.editor.document is not None:
            self.editor.document.finish_stroke()
        self.tell_changes()

    def shut_down(self) -> None:
        """Save everything and wait."""
        self._project = None
        if self._save_timer.isActive():
            self._save_timer.stop()
            self.context.store.save()
        self.draft.shut_down()
        self.images.shut_down()
        self._tasks.shut_down()
        self.editor.shut_down()
        self.session.shut_down()
        self._loader.shut_down()

    @Slot()
    def refresh(self) -> None:
        """Read counts and classes again, and the image where it was changed elsewhere."""
        project = self._project
        if project is None or self._is_telling:
            return
        self.classes.refresh()
        self.session.reload()
        self.images.refresh()

    def show_counts(self, counts: ImageCounts) -> None:
        """The project's images by state are known."""
        first = self._counts is None or not self._counts.total
        self._counts = counts
        self.view.show_empty(not counts.total)
        self.status_changed.emit()
        if first:
            self.inspector_changed.emit()

    def mark_changed(self) -> None:
        """Masks, states or classes changed; other panels hear of it when this one is left."""
        self._changed_since_shown = True

    def tell_changes(self) -> None:
        """Let other panels know now."""
        if self._changed_since_shown and self._project is not None:
            self._changed_since_shown = False
            self._is_telling = True  # nothing here is news to this panel
            try:
                self.context.dataset_changed.emit()
            finally:
                self._is_telling = False

    def _connect(self) -> None:
        self.context.dataset_changed.connect(self.refresh)
        self.view.empty.action_requested.connect(self.context.import_requested)
        self.session.opened.connect(self._waiting.start)
        self.session.failed.connect(self.context.error_occurred)
        self.session.saved.connect(self._on_saved)
        self.session.saving.connect(self._on_saving)
        self.session.save_failed.connect(self._on_save_failed)
        self.session.recovered.connect(self._on_recovered)
        self.editor.failed.connect(self.context.error_occurred)
        self._inspector.left.connect(self.view.canvas.setFocus)

    @Slot()
    def _on_waited(self) -> None:
        """Most images are there by now, and a text would only flash."""
        self.view.canvas.set_waiting(self.session.wanted is not None and self.session.row is None)

    @Slot(int)
    def _on_saved(self, image_id: int) -> None:
        self.mark_changed()
        self.images.image_saved(image_id)
        self.view.status.show_saved(self.session.pending)

    @Slot()
    def _on_saving(self) -> None:
        self.view.status.show_saved(True)

    @Slot(object)
    def _on_save_failed(self, error: Exception) -> None:
        self.view.status.show_saved(True, failed=True)
        self.view.notice.tell(
            tr("The mask is not saved: {reason}", reason=error_text(error)[0]), role="danger"
        )

    @Slot(object)
    def _on_recovered(self, names: object) -> None:
        found = cast("list[str]", names)
        self.view.notice.tell(
            trn(
                "The last strokes on {count} image were brought back after the window ended"
                " unexpectedly.",
                "The last strokes on {count} images were brought back after the window ended"
                " unexpectedly.",
                len(found),
            )
        )
        self.mark_changed()
        self.refresh()
