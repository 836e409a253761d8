"""Small pictures of images and masks, decoded in the background, newest wish first."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np
from cachetools import LRUCache
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot
from PySide6.QtGui import QImage

from app.services.timers import single_shot
from app.widgets.qt_images import image_from_bgr, image_from_label_map
from core.images.io import thumbnail
from core.project import ImageRow, Project
from core.system.errors import InputError

_log = logging.getLogger(__name__)
_THREADS = 2
_MAX_WISHES = 256  # more than fit on a screen; older ones were scrolled past
_REPAINT_MS = 30
_OBJECT_BYTES = 2048  # a picture's colour table and bookkeeping


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """``image`` is None where the file cannot be read; ``mask`` is indexed, None without one."""

    image: QImage | None
    mask: QImage | None
    error: str = ""


ThumbnailKey = tuple[int, str | None, int]
"""(image id, mask hash, longer side in pixels)."""


class ThumbnailLoader(QObject):
    """A cache of thumbnails, limited by bytes (none is larger), filled by two threads.

    Ask with ``get`` while painting: a missing one is queued, and ``updated`` says when to paint
    again. Wishes that were scrolled past are dropped before they cost anything.
    """

    updated = Signal()
    _loaded = Signal(int, object, object)

    def __init__(self, parent: QObject | None = None, *, max_bytes: int = 128 * 2**20) -> None:
        super().__init__(parent)
        self._cache: LRUCache[ThumbnailKey, Thumbnail] = LRUCache(max_bytes, _size_bytes)
        self._latest: dict[tuple[int, int], ThumbnailKey] = {}
        self._wishes: OrderedDict[ThumbnailKey, ImageRow] = OrderedDict()
        self._busy: set[ThumbnailKey] = set()
        self._lock = threading.Lock()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)
        self._project: Project | None = None
        self._generation = 0
        self._repaint = single_shot(self, _REPAINT_MS, self.updated)
        self._loaded.connect(self._on_loaded)

    def set_project(self, project: Project | None) -> None:
        """Forget everything and wait for what is being decoded; then load from ``project``."""
        self.shut_down()
        self._project = project

    def get(self, row: ImageRow, side: int) -> Thumbnail | None:
        """Return the thumbnail with ``side`` pixels at its longer side, or None and fetch it.

        Until one with a new mask is there, the one with the old mask stands in for it.
        """
        key: ThumbnailKey = (row.id, row.mask_hash, side)
        found = self._cache.get(key)
        if found is not None:
            return found
        before = self._cache.get(self._latest.get((row.id, side), key))
        with self._lock:
            if key in self._busy:
                return before
            known = key in self._wishes
            self._wishes[key] = row
            self._wishes.move_to_end(key)
            while len(self._wishes) > _MAX_WISHES:
                self._wishes.popitem(last=False)
        if not known and self._project is not None:
            self._pool.start(_Runnable(self, self._project, self._generation))
        return before

    def shut_down(self) -> None:
        """Drop wishes and cache and wait for the threads."""
        with self._lock:
            self._wishes.clear()
            self._generation += 1
        self._pool.clear()
        self._pool.waitForDone()
        self._repaint.stop()
        self._busy.clear()
        self._cache.clear()
        self._latest.clear()

    def work(self, project: Project, generation: int) -> None:
        """Fulfil the newest wish; runs in the pool's threads."""
        with self._lock:
            if not self._wishes or generation != self._generation:
                return
            key, row = self._wishes.popitem()
            self._busy.add(key)
        made = load_thumbnail(project, row, key[2])
        self._loaded.emit(generation, key, made)

    @Slot(int, object, object)
    def _on_loaded(self, generation: int, key: ThumbnailKey, made: Thumbnail) -> None:
        if generation != self._generation:
            return
        with self._lock:
            self._busy.discard(key)
        old = self._latest.get((key[0], key[2]), key)
        if old != key:  # a mask that was painted over is not seen again soon
            self._cache.pop(old, None)
        self._cache[key] = made
        self._latest[key[0], key[2]] = key
        if not self._repaint.isActive():
            self._repaint.start()


def load_thumbnail(project: Project, row: ImageRow, side: int) -> Thumbnail:
    """Decode one image and its mask at ``side`` pixels; errors become part of the result."""
    image: QImage | None = None
    mask: QImage | None = None
    error = ""
    try:
        bgr = thumbnail(row.path, max_side=side)
        image = image_from_bgr(bgr)
        if row.mask_hash is not None:
            label_map = project.mask(row.mask_hash)
            size = (bgr.shape[1], bgr.shape[0])
            small = cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST)
            mask = image_from_label_map(np.asarray(small, np.uint8))
    except InputError as problem:
        error = str(problem)
    except Exception as problem:  # one odd file must not take the whole grid down
        _log.exception("thumbnail of %s", row.path)
        error = str(problem)
    return Thumbnail(image, mask, error)


def _size_bytes(thumbnail: Thumbnail) -> int:
    """Return the memory that both pictures take."""
    parts = (thumbnail.image, thumbnail.mask)
    return _OBJECT_BYTES + sum(int(part.sizeInBytes()) for part in parts if part is not None)


class _Runnable(QRunnable):
    def __init__(self, loader: ThumbnailLoader, project: Project, generation: int) -> None:
        super().__init__()
        self._loader = loader
        self._project = project
        self._generation = generation

    def run(self) -> None:
        """Runs in the pool's threads."""
        self._loader.work(self._project, self._generation)
