"""Which images are labelled, in which order, and how far each one is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.look.translation import tr
from app.panels.label import key_actions as keys
from app.panels.label.workspace import Workspace
from app.services.background import Progress
from app.widgets.dialogs import error_text
from core.annotation.draft import most_uncertain_first
from core.project import ImageCounts, ImageQuery, State
from core.project.rows import STATES

_STATE_KEYS = dict(
    zip(
        STATES,
        (keys.STATE_UNLABELLED, keys.STATE_DRAFT, keys.STATE_LABELLED, keys.STATE_REVIEWED),
        strict=True,
    )
)
_REFRESH_MS = 400


class ImageChoice(QObject):
    """The strip of images, steps to the next one, states and comments."""

    counted = Signal(object)
    """(ImageCounts): the project's images by state are known."""
    changed = Signal()
    """The project has another state, comment or mask."""
    finished = Signal()
    """The user said that the labelling of the open image is done."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._session = workspace.session
        self._unfinished = workspace.unfinished
        self._view = workspace.view
        self._strip = workspace.view.strip
        self._review = workspace.inspector.review
        self._open_first = False
        self._place = 0
        self._text = ""
        self._queue: tuple[int, ...] | None = None
        self._told = ""
        self._open_found = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._connect_actions()
        self._strip.image_chosen.connect(self.open)
        self._strip.filter_changed.connect(self.refresh)
        self._strip.queue_left.connect(self._on_queue_left)
        self._review.state_chosen.connect(self.set_state)
        self._review.comment_edited.connect(self._on_comment_edited)
        workspace.drafts.found.connect(self._on_drafts_found)

    def show_project(self) -> None:
        """Label the images of another project."""
        project = self._workspace.project
        self._timer.stop()
        self._place = 0
        self._open_first = False
        self._queue = None
        self._strip.show_queue(None)
        self._strip.reset()
        self._strip.set_images(project, (), 0)
        self._review.show_row(None)
        editable = project is not None and not project.read_only
        for action in self._workspace.actions.of(*_STATE_KEYS.values(), keys.ACCEPT, keys.REVIEWED):
            action.setEnabled(editable)

    @property
    def ids(self) -> Sequence[int]:
        """The images that the filter leaves, in order."""
        return self._strip.ids

    @Slot()
    def refresh(self) -> None:
        """Ask the database which images there are."""
        project = self._workspace.project
        if project is None:
            return
        query, arrange = self._strip.query, self._arranger()
        query, queue = replace(query, text=self._text), self._queue

        def read(_progress: Progress) -> tuple[list[int], ImageCounts]:
            ids = project.image_ids(query)
            if queue is not None:
                wanted = frozenset(ids)
                ids = [id_ for id_ in queue if id_ in wanted]
            ids = arrange(ids)
            return ids, project.counts()

        self._workspace.tasks.start(
            read,
            on_done=self._on_ids,
            on_failed=self._workspace.context.error_occurred.emit,
            key="ids",
        )

    def show_queue(self, ids: Sequence[int]) -> None:
        """Show these images alone, in this order, and open the first one."""
        self._queue = tuple(ids)
        self._strip.reset()
        self._strip.show_queue(len(ids))
        self.refresh()
        self.open(ids[0])

    def open_asked(self, image_id: int) -> None:
        """Show an image that another part of the window asks for, in the queue or not."""
        if self._queue is not None and image_id not in self._queue:
            self._on_queue_left()
        self.open(image_id)

    @Slot()
    def _on_queue_left(self) -> None:
        self._queue = None
        self._strip.show_queue(None)
        self.refresh()

    @Slot(int)
    def open(self, image_id: int) -> None:
        """Show an image."""
        if image_id == self._session.wanted and self._session.damage is None:
            return
        if self._unfinished.holds_back(lambda: self.open(image_id)):
            self._strip.set_current(self._session.wanted)
            return
        self._session.open(image_id)
        self._strip.set_current(image_id)

    def search(self, text: str) -> None:
        """Leave the images whose name, comment or group has this text, once the typing pauses."""
        if text != self._text:
            self._text = text
            self._timer.start()

    def search_done(self) -> None:
        """Show the first image that was found and give the keys back to the canvas."""
        self._open_found = bool(self._text)
        self._timer.stop()
        self.refresh()
        self._view.canvas.setFocus()

    def open_first(self) -> None:
        """Show the first image without labels as soon as the images are known."""
        if self._session.wanted is None:
            self._open_first = True
            self.refresh()

    @Slot(int)
    def step(self, by: int) -> None:
        """Show the next (+1) or previous (-1) image of the strip."""
        if self._unfinished.holds_back(lambda: self.step(by)):
            return
        if not self._strip.ids:
            return
        current = self._strip.images.place(self._session.wanted or -1)
        # Where the filter left the image behind, its place is another's now.
        gone = self._place - (by < 0)
        place = gone if current is None else current + by
        if 0 <= place < len(self._strip.ids):
            self.open(self._strip.ids[place])

    def open_next_unlabelled(self) -> None:
        """Show the next image without labels, from the start again after the last."""
        project = self._workspace.project
        if project is None or self._unfinished.holds_back(self.open_next_unlabelled):
            return
        wanted = set(project.image_ids(ImageQuery(state="unlabelled")))
        start = self._place + 1
        for id_ in (*self._strip.ids[start:], *self._strip.ids[:start]):
            if id_ in wanted and id_ != self._session.wanted:
                self.open(id_)
                return
        self._workspace.notices.tell(tr("Every image shown here has labels."), passing=True)

    @Slot(str)
    def set_state(self, state: str) -> None:
        """Take the user's word on how far the labelling of the open image is."""
        if self._unfinished.holds_back(lambda: self.set_state(state)):
            self._review.show_row(self._session.row)
            return
        if self._session.row is None:
            self._tell_damage()
            return
        if self._session.pending:  # a first save would call the image labelled afterwards
            self._session.flush()
        self._store_state(state)
        self._session.state_chosen()
        if state in ("labelled", "reviewed"):
            self.finished.emit()

    @Slot()
    def mark_draft(self) -> None:
        """A model's draft was taken over: undoing that takes the state back, too."""
        self._store_state("draft")

    def _store_state(self, state: str) -> None:
        project, row = self._workspace.project, self._session.row
        if project is None or row is None or project.read_only:
            return
        try:
            project.set_state([row.id], cast("State", state))
        except Exception as error:
            self._workspace.context.error_occurred.emit(error)
            return
        self.changed.emit()
        self.image_saved(row.id)

    def set_state_and_step(self, state: State) -> None:
        """Say that the image is done and show the next one."""
        row = self._session.row
        if row is None:
            self._tell_damage()
            return
        if self._unfinished.holds_back(lambda: self.set_state_and_step(state)):
            return
        self._session.flush()
        self.save_empty_mask()
        self.set_state(state)
        self.step(1)

    def save_empty_mask(self) -> None:
        """Give an image that shows nothing a mask that says so."""
        project, row = self._workspace.project, self._session.row
        document = self._workspace.editor.document
        if project is None or row is None or document is None or project.read_only:
            return
        if project.image(row.id).mask_hash is None:
            try:
                mask_hash = project.save_label_map(row.id, document.mask)
                self._session.mask_stored(row.id, mask_hash)
            except Exception as error:
                self._workspace.context.error_occurred.emit(error)

    def image_saved(self, image_id: int) -> None:
        """The mask or the state of an image changed in the project."""
        self._session.reload()
        self._strip.images.refresh()
        row = self._session.row
        if row is not None and row.id == image_id:
            self._review.show_row(row)
        if self._workspace.project is not None:
            self._timer.start()

    def shut_down(self) -> None:
        """Save the comment that is being typed, and stop waiting."""
        self._review.finish()
        self._timer.stop()

    def _connect_actions(self) -> None:
        actions = self._workspace.actions
        actions.connect(keys.PREVIOUS, lambda: self.step(-1))
        actions.connect(keys.NEXT, lambda: self.step(1))
        actions.connect(keys.NEXT_UNLABELLED, self.open_next_unlabelled)
        actions.connect(keys.ACCEPT, lambda: self.set_state_and_step("labelled"))
        actions.connect(keys.REVIEWED, lambda: self.set_state_and_step("reviewed"))
        for state, spec in _STATE_KEYS.items():
            actions.connect(spec, partial(self.set_state, state))
        actions.connect(keys.COMMENT, self._review.comment.setFocus)

    def _arranger(self) -> Callable[[Sequence[int]], list[int]]:
        """Return what sorts images as the strip wants now; any thread may call it."""
        order, uncertain = self._strip.uncertainty_order, self._workspace.drafts.uncertain
        if order is None:
            return list
        return lambda ids: most_uncertain_first(uncertain, ids, by=order)

    @Slot()
    def _on_drafts_found(self) -> None:
        if self._strip.uncertainty_order is not None:
            self.refresh()

    def _on_ids(self, found: tuple[list[int], ImageCounts]) -> None:
        ids, counts = found
        if list(self._strip.ids) != ids:
            self._strip.set_images(self._workspace.project, ids, counts.total)
        else:
            self._strip.images.refresh()
        self.counted.emit(counts)
        if self._open_first and ids and self._view.isVisible():
            self._open_first = False
            first = self._first_to_label(ids)
            if self._session.wanted is None:
                self.open(first)
        if self._open_found:
            self._open_found = False
            if ids and self._session.wanted not in ids:
                self.open(ids[0])
        self._show_place()

    def _first_to_label(self, ids: Sequence[int]) -> int:
        assert self._workspace.project is not None
        unlabelled = set(self._workspace.project.image_ids(ImageQuery(state="unlabelled")))
        return next((id_ for id_ in ids if id_ in unlabelled), ids[0])

    def show_opened(self) -> None:
        """Another image is open, or none."""
        row, wanted = self._session.row, self._session.wanted
        self._forget_damage()
        self._review.show_row(row)
        self._show_name()
        self._show_place()
        if wanted is not None and (row is not None or self._session.damage is not None):
            place = self._strip.images.place(wanted)
            if place is not None and place + 1 < len(self._strip.ids):
                self._session.prefetch(self._strip.ids[place + 1])

    def _show_name(self) -> None:
        """Show the image's name, and over the canvas why it cannot be shown."""
        row, damage = self._session.row, self._session.damage
        name = "" if row is None else row.name
        if damage is not None:
            place = self._strip.images.place(self._session.wanted or -1)
            shown = None if place is None else self._strip.images.row(place)
            name = "" if shown is None else shown.name
        self._view.name.setText(name)
        self._view.canvas.set_problem("" if damage is None else error_text(damage)[0])

    def _tell_damage(self) -> None:
        if self._session.damage is not None:
            self._told = tr("This image cannot be shown, so it cannot be called labelled.")
            self._workspace.notices.tell(self._told, role="warning", passing=True)

    def _forget_damage(self) -> None:
        """What was said of one image is not said over the next."""
        notices = self._workspace.notices
        if self._told and notices.text.text() == self._told:
            notices.clear()
        self._told = ""

    def _show_place(self) -> None:
        wanted = self._session.wanted
        place = None if wanted is None else self._strip.images.place(wanted)
        if place is not None:
            self._place = place
        self._strip.set_current(wanted)
        text = "" if place is None else f"{place + 1:,} / {len(self._strip.ids):,}"
        self._view.place.setText(text)

    @Slot(int, str)
    def _on_comment_edited(self, image_id: int, comment: str) -> None:
        project = self._workspace.project
        if project is None:
            return
        try:
            project.set_comment(image_id, comment)
        except Exception as error:
            self._workspace.context.error_occurred.emit(error)
            return
        self.changed.emit()
        self.image_saved(image_id)
