"""Which images are labelled, in which order, and how far each one is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QAction

from app.look.translation import tr
from app.panels.label import key_actions as keys
from app.services.background import Progress
from core.project import ImageCounts, ImageQuery, Project, State
from core.project.rows import STATES

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel

_STATE_KEYS = dict(
    zip(
        STATES,
        (keys.STATE_UNLABELLED, keys.STATE_DRAFT, keys.STATE_LABELLED, keys.STATE_REVIEWED),
        strict=True,
    )
)
_REFRESH_MS = 400


class LabellingImages(QObject):
    """The strip of images, steps to the next one, states and comments."""

    def __init__(self, panel: LabellingPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._session = panel.session
        self._strip = panel.view.strip
        self._review = panel.inspector_parts.review
        self._project: Project | None = None
        self._ids: Sequence[int] = ()
        self.arranger: Callable[[], Callable[[Sequence[int]], list[int]]] = lambda: list
        self._open_first = False
        self._place = 0
        self._text = ""
        self._open_found = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._make_actions()
        self._strip.image_chosen.connect(self.open)
        self._strip.filter_changed.connect(self.refresh)
        self._session.opened.connect(self._on_opened)
        self._review.state_chosen.connect(self.set_state)
        self._review.comment_edited.connect(self._on_comment_edited)

    def header_actions(self) -> list[QAction]:
        """Actions left of the image's name."""
        specs = (keys.PREVIOUS, keys.NEXT, keys.NEXT_UNLABELLED, keys.ACCEPT)
        return [self._panel.actions_[spec.key] for spec in specs]

    def set_project(self, project: Project | None) -> None:
        """Label other images."""
        self._timer.stop()
        self._project = project
        self._ids = ()
        self._place = 0
        self._open_first = False
        self._strip.reset()
        self._strip.set_images(project, (), 0)
        self._review.show_row(None)
        editable = project is not None and not project.read_only
        for spec in (*_STATE_KEYS.values(), keys.ACCEPT, keys.REVIEWED):
            self._panel.actions_[spec.key].setEnabled(editable)

    @property
    def ids(self) -> Sequence[int]:
        """The images that the filter leaves, in order."""
        return self._ids

    @Slot()
    def refresh(self) -> None:
        """Ask the database which images there are."""
        project = self._project
        if project is None:
            return
        query, files, arrange = self._strip.query, self._strip.files, self.arranger()
        query = replace(query, text=self._text)

        def read(_progress: Progress) -> tuple[list[int], ImageCounts]:
            ids = project.image_ids(query)
            if files is not None:
                ids = [id_ for id_ in ids if id_ in files]
            ids = arrange(ids)
            return ids, project.counts()

        self._panel.tasks.start(
            read,
            on_done=self._on_ids,
            on_failed=self._panel.context.error_occurred.emit,
            key="ids",
        )

    @Slot(int)
    def open(self, image_id: int) -> None:
        """Show an image."""
        if image_id != self._session.wanted:
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
        self._panel.view.canvas.setFocus()

    def open_first(self) -> None:
        """Show the first image without labels as soon as the images are known."""
        if self._session.wanted is None:
            self._open_first = True
            self.refresh()

    def show_finding(self, files: Iterable[Path], text: str) -> None:
        """Show only these images."""
        project = self._project
        if project is not None:
            found = (project.find_image(path) for path in files)
            self._strip.reset()
            self._strip.set_finding(frozenset(id_ for id_ in found if id_ is not None), text)
            self._open_first = self._session.wanted is None
            self.refresh()

    def step(self, by: int) -> None:
        """Show the next (+1) or previous (-1) image of the strip."""
        if not self._ids:
            return
        current = self._strip.images.place(self._session.wanted or -1)
        # Where the filter left the image behind, its place is another's now.
        gone = self._place - (by < 0)
        place = gone if current is None else current + by
        if 0 <= place < len(self._ids):
            self.open(self._ids[place])

    def open_next_unlabelled(self) -> None:
        """Show the next image without labels, from the start again after the last."""
        project = self._project
        if project is None:
            return
        wanted = set(project.image_ids(ImageQuery(state="unlabelled")))
        start = self._place + 1
        for id_ in (*self._ids[start:], *self._ids[:start]):
            if id_ in wanted and id_ != self._session.wanted:
                self.open(id_)
                return
        self._panel.view.notice.tell(tr("Every image shown here has labels."), passing=True)

    @Slot(str)
    def set_state(self, state: str) -> None:
        """Take the user's word on how far the labelling of the open image is."""
        if self._session.pending:  # a first save would call the image labelled afterwards
            self._session.flush()
        self._store_state(state)
        self._session.state_chosen()
        if state in ("labelled", "reviewed"):
            self._panel.draft.finish()

    def mark_draft(self) -> None:
        """A model's proposal was taken over: undoing that takes the state back, too."""
        self._store_state("draft")

    def _store_state(self, state: str) -> None:
        project, row = self._project, self._session.row
        if project is None or row is None or project.read_only:
            return
        try:
            project.set_state([row.id], cast("State", state))
        except Exception as error:
            self._panel.context.error_occurred.emit(error)
            return
        self._panel.mark_changed()
        self.image_saved(row.id)

    def set_state_and_step(self, state: State) -> None:
        """Say that the image is done and show the next one."""
        row = self._session.row
        if row is None:
            return
        self._session.flush()
        self.save_empty_mask()
        self.set_state(state)
        self.step(1)

    def save_empty_mask(self) -> None:
        """Give an image that shows nothing a mask that says so."""
        project, row, document = self._project, self._session.row, self._panel.editor.document
        if project is None or row is None or document is None or project.read_only:
            return
        if project.image(row.id).mask_hash is None:
            try:
                mask_hash = project.save_label_map(row.id, document.mask)
                self._session.mask_stored(row.id, mask_hash)
            except Exception as error:
                self._panel.context.error_occurred.emit(error)

    def image_saved(self, image_id: int) -> None:
        """The mask or the state of an image changed in the project."""
        self._session.reload()
        self._strip.images.refresh()
        row = self._session.row
        if row is not None and row.id == image_id:
            self._review.show_row(row)
        if self._project is not None:
            self._timer.start()

    def shut_down(self) -> None:
        """Save the comment that is being typed, and stop waiting."""
        self._review.finish()
        self._project = None
        self._timer.stop()

    def _make_actions(self) -> None:
        actions = self._panel.actions_
        actions.add(keys.PREVIOUS, lambda: self.step(-1))
        actions.add(keys.NEXT, lambda: self.step(1))
        actions.add(keys.NEXT_UNLABELLED, self.open_next_unlabelled)
        actions.add(keys.ACCEPT, lambda: self.set_state_and_step("labelled"))
        actions.add(keys.REVIEWED, lambda: self.set_state_and_step("reviewed"))
        for state, spec in _STATE_KEYS.items():
            actions.add(spec, partial(self.set_state, state))
        actions.add(keys.COMMENT, self._review.comment.setFocus)

    def _on_ids(self, found: tuple[list[int], ImageCounts]) -> None:
        ids, counts = found
        if list(self._ids) != ids:
            self._ids = ids
            self._strip.set_images(self._project, ids, counts.total)
        else:
            self._strip.images.refresh()
        self._panel.show_counts(counts)
        if self._open_first and ids and self._panel.isVisible():
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
        assert self._project is not None
        unlabelled = set(self._project.image_ids(ImageQuery(state="unlabelled")))
        return next((id_ for id_ in ids if id_ in unlabelled), ids[0])

    @Slot()
    def _on_opened(self) -> None:
        row = self._session.row
        self._review.show_row(row)
        self._panel.view.name.setText("" if row is None else row.name)
        self._show_place()
        if row is not None:
            place = self._strip.images.place(row.id)
            if place is not None and place + 1 < len(self._ids):
                self._session.prefetch(self._ids[place + 1])

    def _show_place(self) -> None:
        wanted = self._session.wanted
        place = None if wanted is None else self._strip.images.place(wanted)
        if place is not None:
            self._place = place
        self._strip.set_current(wanted)
        text = "" if place is None else f"{place + 1:,} / {len(self._ids):,}"
        self._panel.view.place.setText(text)

    @Slot(int, str)
    def _on_comment_edited(self, image_id: int, comment: str) -> None:
        project = self._project
        if project is None:
            return
        try:
            project.set_comment(image_id, comment)
        except Exception as error:
            self._panel.context.error_occurred.emit(error)
            return
        self._panel.mark_changed()
        self.image_saved(image_id)
