"""Saving masks while they are painted: in a thread, the last state wins, nothing is lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.annotation.edits import Box, Mask
from core.annotation.shape_text import (
    ShapeTexts,
    joined_texts,
    shape_text,
    shapes_from_text,
    texts_of,
)
from core.annotation.shapes import NO_CHANGES, ShapeChanges, Shapes, changed, changes_between
from core.project.journal import DEFAULT_STATUS, FOLDER, Journal, LabelStatus, Patch, read_journal
from core.project.project import Project
from core.project.rows import ImageRow

_log = logging.getLogger(__name__)
_AT_ONCE_PIXELS = 2**19
_PAUSE_S = 0.25
_RETRY_S = 5.0


class Autosave:
    """Saves the masks of a project.

    ``commit`` copies only the boxes that changed and writes them to the image's journal, so its
    cost does not depend on the mask's size; the thread applies them to a copy of its own and saves
    that. Callbacks are called from the thread and must be quick.

    Args:
        project: open for writing; must stay open until ``close`` has returned.
        on_saved: (image id, hash) after each save; None where the image has no mask again.
        on_failed: (image id, error): what is on the screen is not saved; it is tried again.
        pause_s: strokes that follow each other faster become one save.
    """

    def __init__(
        self,
        project: Project,
        *,
        on_saved: Callable[[int, str | None], None],
        on_failed: Callable[[int, Exception], None],
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._project = project
        self._on_saved = on_saved
        self._on_failed = on_failed
        self._pause_s = pause_s
        self._masks: dict[int, _Saving] = {}
        self._changed = threading.Condition()
        self._hurried = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._journal_thread: threading.Thread | None = None

    def open(self, image_id: int, saved: Mask, shapes: Shapes = ()) -> None:
        """Follow an image.

        Args:
            image_id: which one.
            saved: a copy of its mask as the document starts with it; the thread will own it.
            shapes: its shapes as the document starts with them.
        """
        height, width = saved.shape
        path = self._project.folder / FOLDER / f"{image_id}.journal"
        with self._changed:
            self._masks[image_id] = _Saving(saved, shapes, Journal(path, (width, height)))

    def commit(
        self,
        image_id: int,
        mask: Mask,
        boxes: Sequence[Box],
        *,
        status: LabelStatus = DEFAULT_STATUS,
        shapes: ShapeChanges = NO_CHANGES,
    ) -> None:
        """Save what changed in ``boxes``; small changes survive ``kill -9`` once this returns.

        Args:
            image_id: which image.
            mask: as it is now.
            boxes: where it changed.
            status: the image's with this change, which counts until the next.
            shapes: what it did to the shapes.
        """
        patches = [Patch.of(mask, box) for box in boxes]
        texts = texts_of(shapes)
        with self._changed:
            saving = self._masks[image_id]
            saving.patches += patches
            saving.texts |= texts
            saving.status = status
            saving.dirty = True
            saving.failed = False
            area = sum(patch.pixels.size for patch in patches)
            if area > _AT_ONCE_PIXELS or not saving.is_journalled:
                saving.unwritten += patches
                saving.unwritten_texts |= texts
            else:
                saving.write(patches, status, texts)
            self._start()
            self._changed.notify_all()

    def release(self, image_id: int) -> None:
        """The image is not shown any more; forget it once it is saved."""
        with self._changed:
            saving = self._masks.get(image_id)
            if saving is not None:
                saving.released = True
                self._forget_if_done(image_id, saving)

    def pending(self, image_id: int | None = None) -> bool:
        """Whether something of an image (or of any) is not in the project yet."""
        with self._changed:
            return self._is_pending(image_id)

    def flush(self, image_id: int | None = None, *, timeout_s: float = 60.0) -> bool:
        """Wait until everything of an image (or of all) is saved; return whether it is."""
        with self._changed:
            for saving in self._chosen(image_id):
                saving.failed = False
            self._hurried += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(
                    lambda: all(
                        item.failed or not item.is_pending for item in self._chosen(image_id)
                    ),
                    timeout_s,
                )
                return not self._is_pending(image_id)
            finally:
                self._hurried -= 1

    def close(self, *, timeout_s: float = 60.0) -> bool:
        """Save everything and end the thread; what could not be saved stays in the journals."""
        saved = self.flush(timeout_s=timeout_s)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in (self._thread, self._journal_thread):
            if thread is not None:
                thread.join()
        return saved

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._run, name="autosave", daemon=True)
            self._thread.start()
            # Saving a large mask takes seconds; strokes made meanwhile must not wait for it.
            self._journal_thread = threading.Thread(
                target=self._write_journals, name="autosave-journal", daemon=True
            )
            self._journal_thread.start()

    def _chosen(self, image_id: int | None) -> list[_Saving]:
        return [
            saving for key, saving in self._masks.items() if image_id is None or key == image_id
        ]

    def _is_pending(self, image_id: int | None) -> bool:
        return any(saving.is_pending for saving in self._chosen(image_id))

    def _forget_if_done(self, image_id: int, saving: _Saving) -> None:
        if saving.released and not saving.is_pending and self._masks.get(image_id) is saving:
            del self._masks[image_id]

    def _run(self) -> None:
        while (chosen := self._wait()) is not None:
            image_id, saving = chosen
            with self._changed:
                while not saving.is_journalled:
                    self._changed.wait()
                patches, saving.patches = saving.patches, []
                texts, saving.texts = saving.texts, {}
                status = saving.status
                saving.dirty = False
                saving.busy = True
            for patch in patches:
                patch.apply(saving.mask)
            saving.shapes.change(texts)
            outcome = self._save(image_id, saving, status)
            with self._changed:
                saving.busy = False
                if isinstance(outcome, Exception):
                    saving.dirty = saving.failed = True
                    self._on_failed(image_id, outcome)
                else:
                    if not saving.dirty:
                        saving.clear_journal()
                        self._forget_if_done(image_id, saving)
                    self._on_saved(image_id, outcome)
                self._changed.notify_all()

    def _wait(self) -> tuple[int, _Saving] | None:
        """Return what is to be saved next, None once the thread should end."""
        with self._changed:
            while not self._closed:
                if self._next() is None:
                    has_failed = any(saving.failed for saving in self._masks.values())
                    self._changed.wait(_RETRY_S if has_failed else None)
                    if has_failed and self._next() is None:
                        for saving in self._masks.values():
                            saving.failed = False
                    continue
                if not self._hurried:
                    self._changed.wait_for(lambda: self._closed or self._hurried, self._pause_s)
                if (chosen := self._next()) is not None and not self._closed:
                    return chosen
        return None

    def _next(self) -> tuple[int, _Saving] | None:
        for image_id, saving in self._masks.items():
            if saving.dirty and not saving.failed:
                return image_id, saving
        return None

    def _write_journals(self) -> None:
        """Write what was too large for ``commit``, in its order."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._unwritten() is not None)
                saving = self._unwritten()
                if saving is None:
                    return
                patches, saving.unwritten = saving.unwritten, []
                texts, saving.unwritten_texts = saving.unwritten_texts, {}
                status = saving.status
                saving.writing = True
            try:
                saving.write(patches, status, texts)
            finally:
                with self._changed:
                    saving.writing = False
                    self._changed.notify_all()

    def _unwritten(self) -> _Saving | None:
        return next((saving for saving in self._masks.values() if saving.is_unwritten), None)

    def _save(self, image_id: int, saving: _Saving, status: LabelStatus) -> str | Exception | None:
        try:
            text = saving.shapes.text()
            return _store(self._project, image_id, saving.mask, status, text)
        except Exception as error:
            return error


class _Saving:
    """One image: the thread's copy of mask and shapes, and what is still to be put into it."""

    def __init__(self, mask: Mask, shapes: Shapes, journal: Journal) -> None:
        self.mask = mask
        self.shapes = _SavedShapes(shapes)
        self.journal = journal
        self.patches: list[Patch] = []
        self.texts: dict[int, str | None] = {}
        self.unwritten: list[Patch] = []
        self.unwritten_texts: dict[int, str | None] = {}
        self.status = DEFAULT_STATUS
        self.dirty = False
        self.busy = False
        self.writing = False
        self.failed = False
        self.released = False

    @property
    def is_pending(self) -> bool:
        """Whether the project does not have everything yet."""
        return self.busy or self.dirty

    @property
    def is_journalled(self) -> bool:
        """Whether the journal has every change."""
        return not self.is_unwritten and not self.writing

    @property
    def is_unwritten(self) -> bool:
        """Whether a change waits for the journal."""
        return bool(self.unwritten or self.unwritten_texts)

    def clear_journal(self) -> None:
        """Remove the journal; one that stays is replayed without effect."""
        try:
            self.journal.clear()
        except OSError as error:
            _log.warning("the journal %s cannot be removed: %s", self.journal.path, error)

    def write(self, patches: list[Patch], status: LabelStatus, texts: ShapeTexts) -> None:
        """Add to the journal; without one, the save itself may still succeed."""
        try:
            self.journal.append(patches, status, texts)
        except OSError as error:
            _log.warning("the journal %s cannot be written: %s", self.journal.path, error)


class _SavedShapes:
    """The texts of an image's shapes: only what changes is written anew."""

    def __init__(self, shapes: Shapes) -> None:
        self._first = shapes
        self._texts: dict[int, str] | None = None

    def change(self, texts: ShapeTexts) -> None:
        """Put changes in."""
        if self._texts is None:  # not before, as opening an image must not wait for it
            self._texts = {shape.id: shape_text(shape) for shape in self._first}
            self._first = ()
        for id_, text in texts.items():
            if text is None:
                self._texts.pop(id_, None)
            else:
                self._texts[id_] = text

    def text(self) -> str:
        """Return all of them."""
        return joined_texts((self._texts or {}).values())


def recover(project: Project) -> list[str]:
    """Save what an earlier window painted and could not save before it was killed.

    Returns:
        Names of the images whose masks were completed.

    Raises:
        InputError: a mask cannot be read or saved; its journal stays.
    """
    names: list[str] = []
    for path in sorted((project.folder / FOLDER).glob("*.journal")):
        image_id = int(path.stem) if path.stem.isdecimal() else -1
        row = next(iter(project.images_by_id([image_id])), None)
        if row is not None and _replay(project, path, row):
            names.append(row.name)
        path.unlink(missing_ok=True)
    return names


def _replay(project: Project, path: Path, row: ImageRow) -> bool:
    size = (row.width, row.height)
    saved = project.label_map(row.id)
    before = np.zeros((row.height, row.width), np.uint8) if saved is None else saved
    after = before.copy()
    shapes = saved_shapes = _read_shapes(project, row)
    status: LabelStatus | None = None
    for change in read_journal(path, size):
        status = change.status
        shapes = changed(shapes, change.shapes)
        for patch in change.patches:
            patch.apply(after)
    if status is None:
        return False
    # An image without a mask whose strokes were erased has an empty mask, not none.
    is_same = (saved is not None) == status.has_mask and np.array_equal(before, after)
    is_same = is_same and not changes_between(saved_shapes, shapes)
    if is_same and status.state in (None, row.state):
        return False
    _store(project, row.id, after, status, joined_texts(map(shape_text, shapes)))
    return True


def _read_shapes(project: Project, row: ImageRow) -> Shapes:
    try:
        return shapes_from_text(project.shapes_text(row.id) or "[]")
    except ValueError as error:
        _log.warning("the shapes of %s are damaged: %s", row.name, error)
        return ()


def _store(
    project: Project, image_id: int, mask: Mask, status: LabelStatus, shapes_text: str
) -> str | None:
    if status.has_mask:
        return project.save_label_map(image_id, mask, state=status.state, shapes_text=shapes_text)
    project.clear_label_map(image_id, state=status.state or "unlabelled")
    return None
