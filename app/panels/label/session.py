"""Which image is labelled: reads it, keeps its undo steps, saves it while it is painted."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from PySide6.QtCore import QObject, Signal, Slot

from app.canvas.editor import Editor
from app.services.background import BackgroundTasks, Progress
from core.annotation.document import MaskDocument
from core.annotation.edits import Box, Mask
from core.annotation.image_pyramid import ImagePyramid, read_pyramid
from core.annotation.shape_text import shapes_from_text
from core.annotation.shapes import Shapes
from core.annotation.undo import MAX_BYTES, UndoStack
from core.project import ImageRow, Project
from core.project.autosave import Autosave, recover
from core.project.journal import DEFAULT_STATUS, LabelStatus
from core.system.errors import InputError

_log = logging.getLogger(__name__)
_KEPT_PICTURE_BYTES = 160 * 1024**2
_MOST_PREFETCHED_PIXELS = 80_000_000


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    row: ImageRow
    picture: ImagePyramid
    mask: Mask
    copy: Mask
    shapes: Shapes
    damage: InputError | None


@dataclass(slots=True, eq=False)
class Steps:
    """What can be undone on an image, and what the image is once all of it is undone.

    ``start`` is None where the user has said since how far the labelling is.
    """

    stack: UndoStack
    start: LabelStatus | None


@dataclass(frozen=True, slots=True, eq=False)
class KeptSteps:
    """Steps by image id, and the hashes of the masks they belong to."""

    steps: dict[int, Steps]
    hashes: dict[int, str | None]


class Session(QObject):
    """The open image of a project. Undo survives a switch to other images and back.

    Attributes:
        row: the image shown, as it was when it was opened; None where nothing is shown.
        wanted: id of the image that is being read or shown, or that cannot be read.
        damage: why it cannot be read, None where it can.
    """

    opened = Signal()
    """Another image is shown, or none."""
    saved = Signal(int)
    """(image id): its mask in the project is the one on the screen."""
    save_failed = Signal(object)
    """(Exception): the mask is not saved; it is tried again."""
    saving = Signal()
    """A change waits to be saved."""
    recovered = Signal(object)
    """(names): images completed from what an earlier window had painted when it was killed."""
    failed = Signal(object)
    """(Exception): the shapes of an image cannot be read, or what was painted before a crash."""
    _stored = Signal(int, object)
    _refused = Signal(int, object)

    def __init__(self, editor: Editor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._project: Project | None = None
        self._autosave: Autosave | None = None
        self._tasks = BackgroundTasks(self)
        self._undo: OrderedDict[int, Steps] = OrderedDict()
        self._start: LabelStatus | None = None
        self._hashes: dict[int, str | None] = {}
        self._pictures: LRUCache[int, ImagePyramid] = LRUCache(
            _KEPT_PICTURE_BYTES, getsizeof=lambda picture: picture.nbytes
        )
        self.row: ImageRow | None = None
        self.wanted: int | None = None
        self.damage: Exception | None = None
        editor.committed.connect(self._on_committed)
        self._stored.connect(self._on_stored)
        self._refused.connect(self._on_refused)

    @property
    def busy(self) -> bool:
        """Whether an image is being read."""
        return self._tasks.busy

    @property
    def project(self) -> Project | None:
        """Whose images are labelled."""
        return self._project

    def set_project(self, project: Project | None) -> None:
        """Save what is open and go on with another project."""
        self.close()
        self._project = project
        self._editor.editable = project is not None and not project.read_only
        if project is not None and not project.read_only:
            self._autosave = Autosave(
                project, on_saved=self._stored.emit, on_failed=self._refused.emit
            )
            self._tasks.start(
                lambda _progress: recover(project),
                on_done=self._on_recovered,
                on_failed=self.failed.emit,
            )

    def open(self, image_id: int) -> None:
        """Show an image as soon as it is read; the one before is saved meanwhile."""
        project = self._project
        if project is None:
            return
        self.leave()
        self.wanted = image_id
        kept = self._pictures.get(image_id)
        autosave = self._autosave

        def read(progress: Progress) -> _Opened:
            if autosave is not None:
                autosave.flush(image_id)
            progress.check()
            return _read(project, image_id, kept)

        self._tasks.start(read, on_done=self._on_read, on_failed=self._on_unreadable, key="image")

    def prefetch(self, image_id: int) -> None:
        """Read an image that will probably be wanted next."""
        project = self._project
        if project is None or image_id in self._pictures:
            return

        def read(_progress: Progress) -> tuple[int, ImagePyramid | None]:
            row = project.image(image_id)
            if row.width * row.height > _MOST_PREFETCHED_PIXELS:
                return image_id, None
            return image_id, read_pyramid(row.path)

        self._tasks.start(
            read,
            on_done=lambda found: self._keep_picture(*found),
            on_failed=lambda error: _log.info("no prefetch: %s", error),
            key="prefetch",
        )

    def leave(self) -> None:
        """Show nothing; saving goes on."""
        row, document = self.row, self._editor.document
        self._tasks.cancel("image")
        self._tasks.cancel("prefetch")
        self._tasks.cancel("mask")
        self.row = self.wanted = self.damage = None
        if document is not None:
            self._editor.show(None, None)
        if row is not None and document is not None:
            stack = document.undo_stack
            if stack.nbytes or not stack.is_at_start:  # an image only looked at keeps nothing
                self._undo[row.id] = Steps(stack, self._start)
                self._undo.move_to_end(row.id)
                self._limit_undo(keep=1)
            if self._autosave is not None:
                self._autosave.release(row.id)
        self.opened.emit()

    def reload(self) -> None:
        """Show the mask that was saved elsewhere; what a tool has begun on the image stays."""
        row, project = self.row, self._project
        if row is None or project is None or self.pending:
            return
        now = next(iter(project.images_by_id([row.id])), None)
        if now is None:
            self.leave()
        elif now.mask_hash != self._hashes.get(row.id):
            self._read_mask(project, now)
        else:
            self.row = now

    def _read_mask(self, project: Project, row: ImageRow) -> None:
        document, picture = self._editor.document, self._editor.picture
        if document is None or document.size != (row.width, row.height):
            self.open(row.id)
            return
        self._tasks.start(
            lambda _progress: _read(project, row.id, picture),
            on_done=self._on_mask_read,
            on_failed=self.failed.emit,
            key="mask",
        )

    def flush(self) -> bool:
        """Wait until everything is saved; return whether it is."""
        if self._editor.document is not None:
            self._editor.document.finish_stroke()
        return self._autosave is None or self._autosave.flush()

    @property
    def undo_bytes(self) -> int:
        """What the steps of all images take."""
        document = self._editor.document
        kept = sum(steps.stack.nbytes for steps in self._undo.values())
        return kept + (0 if document is None else document.undo_stack.nbytes)

    def _limit_undo(self, *, keep: int = 0) -> None:
        """Forget the steps of images left longest ago, but for the last ``keep``."""
        excess = self.undo_bytes - MAX_BYTES
        while excess > 0 and len(self._undo) > keep:
            _, oldest = self._undo.popitem(last=False)
            excess -= oldest.stack.nbytes

    @property
    def pending(self) -> bool:
        """Whether a change is not in the project yet."""
        return self._autosave is not None and self._autosave.pending()

    def state_chosen(self) -> None:
        """The user said how far the labelling of the open image is: undoing leaves it at that."""
        row, project, document = self.row, self._project, self._editor.document
        if row is None or project is None or document is None:
            return
        document.undo_stack.redo_note = None
        untouched = document.undo_stack.is_at_start
        self._start = _as_it_is(project.image(row.id)) if untouched else None

    def mask_stored(self, image_id: int, mask_hash: str) -> None:
        """The mask on the screen was saved by somebody else."""
        self._hashes[image_id] = mask_hash

    def hand_over(self) -> KeptSteps:
        """Save everything, show nothing, and return the steps for another session."""
        self.flush()
        self.leave()
        return KeptSteps(dict(self._undo), dict(self._hashes))

    def take_over(self, kept: KeptSteps) -> None:
        """Go on with the steps of another session of the same project."""
        self._undo.update(kept.steps)
        self._hashes.update(kept.hashes)

    def forget_undo(self) -> None:
        """Drop all steps: masks were changed behind them."""
        self._undo.clear()

    def close(self) -> None:
        """Save everything and let go of the project."""
        self.leave()
        self._tasks.cancel_and_wait()
        autosave, self._autosave = self._autosave, None
        if autosave is not None and not autosave.close():
            _log.error("a mask could not be saved; its changes wait in the project's journal")
        self._project = None
        self._undo.clear()
        self._hashes.clear()
        self._pictures.clear()

    def shut_down(self) -> None:
        """Save everything for good."""
        self.close()
        self._tasks.shut_down()

    def _keep_picture(self, image_id: int, picture: ImagePyramid | None) -> None:
        if picture is not None and picture.nbytes <= _KEPT_PICTURE_BYTES:
            self._pictures[image_id] = picture

    def _on_read(self, opened: _Opened) -> None:
        row = opened.row
        self.row = row
        self._keep_picture(row.id, opened.picture)
        steps = self._undo.pop(row.id, None)
        if steps is None or self._hashes.get(row.id) != row.mask_hash:
            steps = Steps(UndoStack(), _as_it_is(row))  # the others belong to another mask
        self._start = steps.start
        self._hashes[row.id] = row.mask_hash
        if self._autosave is not None:
            self._autosave.open(row.id, opened.copy, opened.shapes)
        document = MaskDocument(opened.mask, row.id, undo=steps.stack, shapes=opened.shapes)
        self._editor.show(document, opened.picture)
        self.opened.emit()
        if opened.damage is not None:
            self.failed.emit(opened.damage)

    def _on_mask_read(self, opened: _Opened) -> None:
        row, document = opened.row, self._editor.document
        is_known = self._hashes.get(row.id) == row.mask_hash  # ours, told meanwhile
        if document is None or document.in_stroke or self.pending or is_known:
            return  # what is being painted is newer
        self.row = row
        self._start = _as_it_is(row)
        self._hashes[row.id] = row.mask_hash
        if self._autosave is not None:
            self._autosave.open(row.id, opened.copy, opened.shapes)
        self._editor.replace_mask(opened.mask, opened.shapes)
        self.opened.emit()
        if opened.damage is not None:
            self.failed.emit(opened.damage)

    def _on_unreadable(self, error: Exception) -> None:
        _log.warning("image %s cannot be shown: %s", self.wanted, error)
        self.damage = error
        self.opened.emit()

    def _on_recovered(self, names: list[str]) -> None:
        if names:
            self.recovered.emit(names)

    @Slot(object)
    def _on_committed(self, boxes: Sequence[Box]) -> None:
        document = self._editor.document
        if self._autosave is not None and document is not None:
            self._autosave.commit(
                document.image_id,
                document.mask,
                boxes,
                status=self._becomes(document),
                shapes=document.shape_changes,
            )
            self.saving.emit()
        self._limit_undo()

    def _becomes(self, document: MaskDocument) -> LabelStatus:
        """Return what the image is now that a step was made, undone or done again."""
        stack, start = document.undo_stack, self._start
        if start is not None and stack.is_at_start:
            if stack.redo_note is None and self._project is not None:
                state = self._project.image(document.image_id).state
                stack.redo_note = None if state == start.state else LabelStatus(state)
            return start
        note = stack.redo_note
        return note if isinstance(note, LabelStatus) else DEFAULT_STATUS

    @Slot(int, object)
    def _on_stored(self, image_id: int, mask_hash: str | None) -> None:
        self._hashes[image_id] = mask_hash
        self.saved.emit(image_id)

    @Slot(int, object)
    def _on_refused(self, _image_id: int, error: Exception) -> None:
        self.save_failed.emit(error)


def _as_it_is(row: ImageRow) -> LabelStatus:
    return LabelStatus(row.state, has_mask=row.mask_hash is not None)


def _read(project: Project, image_id: int, picture: ImagePyramid | None) -> _Opened:
    row = project.image(image_id)
    mask = project.label_map(image_id)
    if picture is None:
        picture = read_pyramid(row.path)
    width, height = picture.size
    if (width, height) != (row.width, row.height):
        raise InputError(
            "{file} is {width}×{height} now and was {old_width}×{old_height} when it was imported;"
            " bring the old image back, or remove it from the project and import it again.",
            file=row.path,
            width=width,
            height=height,
            old_width=row.width,
            old_height=row.height,
        )
    if mask is None:
        mask = np.zeros((height, width), np.uint8)
    return _Opened(row, picture, mask, mask.copy(), *_read_shapes(project, row))


def _read_shapes(project: Project, row: ImageRow) -> tuple[Shapes, InputError | None]:
    """Return the shapes of an image, and what is wrong where they cannot be read."""
    try:
        return shapes_from_text(project.shapes_text(row.id) or "[]"), None
    except ValueError as error:
        _log.warning("the shapes of %s cannot be read: %s", row.name, error)
        return (), InputError(
            "The shapes of {image} are damaged in project.db; its mask is whole, and Ctrl+click "
            "makes shapes of its parts again.",
            image=row.name,
        )
