"""The store of masks: ``masks/ab/<sha256>.png``, written once and never changed."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX, read_mask, write_mask
from core.images.palette import Color
from core.project.rows import GarbageReport, MaskInfo
from core.system.errors import InputError
from core.system.files import fsync_folder

LabelMap = npt.NDArray[np.uint8]
_USERS = (
    ("image", "mask_id"),
    ("mask_history", "mask_id"),
    ("revision_item", "mask_id"),
    ("import_image", "mask_id"),
    ("import_image", "previous_mask_id"),
)
_COUNTED_AT_ONCE = 2**23  # float32 counts exactly up to 2**24


def mask_hash(mask: LabelMap) -> str:
    """Return the sha256 over the size and the class ids of a mask (H, W) uint8.

    It names content, not a file: the same mask written with other colours is the same mask.
    """
    digest = hashlib.sha256(f"{mask.shape[1]}x{mask.shape[0]}\n".encode())
    digest.update(np.ascontiguousarray(mask).data)
    return digest.hexdigest()


def count_values(mask: LabelMap) -> npt.NDArray[np.int64]:
    """Return how many pixels of a mask (H, W) uint8 have each value, (256,) int64.

    In blocks, because OpenCV counts in float32; NumPy's own counting widens every pixel to eight
    bytes and keeps the interpreter to itself meanwhile.
    """
    counts = np.zeros(256, np.int64)
    rows = max(1, _COUNTED_AT_ONCE // max(1, mask.shape[1]))
    for top in range(0, mask.shape[0], rows):
        block = np.ascontiguousarray(mask[top : top + rows])
        counts += cv2.calcHist([block], [0], None, [256], [0, 256]).reshape(-1).astype(np.int64)
    return counts


def describe(mask: LabelMap) -> MaskInfo:
    """Return hash, size and pixels of each class of a mask (H, W) uint8."""
    counts = count_values(mask)
    return MaskInfo(
        hash=mask_hash(mask),
        width=mask.shape[1],
        height=mask.shape[0],
        pixels={int(value): int(counts[value]) for value in np.flatnonzero(counts)},
    )


def check_values(mask: LabelMap, class_ids: Collection[int], *, name: str) -> None:
    """Refuse class ids that the project does not have.

    Raises:
        InputError: names the value and its number of pixels.
    """
    counts = count_values(mask)
    for value in np.flatnonzero(counts):
        if value != IGNORE_INDEX and int(value) not in class_ids:
            raise InputError(
                "The mask of {file} has the value {value} in {count} {count:pixel|pixels}, which "
                "is no class; add a class or change the mask.",
                file=name,
                value=int(value),
                count=int(counts[value]),
            )


class MaskStore:
    """Mask files of one project.

    A file is written before the row that refers to it, so a row never names a missing or torn
    file. ``batch`` keeps the garbage collector away from files whose row is still to come.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()

    def path(self, hash_: str) -> Path:
        """Return where the mask with this hash is."""
        return self.folder / hash_[:2] / f"{hash_}.png"

    def read(self, hash_: str) -> LabelMap:
        """Return the mask (H, W) uint8.

        Raises:
            InputError: the file was deleted or damaged from outside.
        """
        return read_mask(self.path(hash_))

    @contextmanager
    def batch(self) -> Iterator[MaskBatch]:
        """Yield a writer; its masks are safe from ``collect`` until the block ends."""
        batch = MaskBatch(self)
        try:
            yield batch
        finally:
            with self._lock:
                self._in_flight.subtract(batch.hashes)
                self._in_flight = +self._in_flight

    def put(self, mask: LabelMap, hash_: str, palette: Sequence[Color]) -> None:
        """Write a mask unless it is there; on the disk when this returns."""
        path = self.path(hash_)
        with self._lock:
            self._in_flight[hash_] += 1
            if path.exists():
                return
        try:
            if not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                fsync_folder(self.folder)
            write_mask(path, mask, palette=palette)
        except OSError as error:
            raise InputError(
                "The mask cannot be written to {folder}: {reason}.",
                folder=self.folder,
                reason=error.strerror or error,
            ) from error

    def in_flight(self) -> frozenset[str]:
        """Hashes written by batches that have not ended."""
        with self._lock:
            return frozenset(self._in_flight)

    def remove_unless(self, known: Collection[str]) -> GarbageReport:
        """Delete the files of masks that are neither ``known`` nor in flight."""
        files = size = 0
        for path in sorted(self.folder.glob("??/*")):
            with self._lock:
                if path.suffix == ".png" and (path.stem in known or path.stem in self._in_flight):
                    continue
                if path.name.startswith(".tmp-") and self._in_flight:
                    continue
                with suppress(FileNotFoundError):
                    size += path.stat().st_size
                    path.unlink()
                    files += 1
        return GarbageReport(files, size)


class MaskBatch:
    """Writes masks; see ``MaskStore.batch``."""

    def __init__(self, store: MaskStore) -> None:
        self._store = store
        self.hashes: list[str] = []

    def put(self, mask: LabelMap, palette: Sequence[Color]) -> MaskInfo:
        """Write a mask (H, W) uint8 and return what its row needs."""
        info = describe(mask)
        self.hashes.append(info.hash)
        self._store.put(mask, info.hash, palette)
        return info


def register(connection: sqlite3.Connection, info: MaskInfo) -> int:
    """Return the row id of a stored mask, adding its row and its class counts if new."""
    row = connection.execute("SELECT id FROM mask WHERE hash = ?", (info.hash,)).fetchone()
    if row is not None:
        return int(row[0])
    cursor = connection.execute(
        "INSERT INTO mask (hash, width, height, created) VALUES (?, ?, ?, ?)",
        (info.hash, info.width, info.height, time.time()),
    )
    mask_id = cursor.lastrowid
    if mask_id is None:
        raise RuntimeError("the database gave no row id")
    connection.executemany(
        "INSERT INTO mask_class (mask_id, class_id, pixels) VALUES (?, ?, ?)",
        [(mask_id, class_id, pixels) for class_id, pixels in info.pixels.items()],
    )
    return mask_id


def is_used(mask_id: str) -> str:
    """Return the SQL condition that something refers to the mask whose id is ``mask_id``."""
    parts = (
        f"EXISTS (SELECT 1 FROM {table} WHERE {table}.{column} = {mask_id})"  # noqa: S608
        for table, column in _USERS
    )
    return f"({' OR '.join(parts)})"


def forget_unused(connection: sqlite3.Connection, keep: Collection[str]) -> None:
    """Drop earlier versions of masks, then the rows of masks that nothing refers to.

    Args:
        connection: in a transaction.
        keep: hashes that stay in any case.
    """
    connection.execute("DELETE FROM mask_history")
    unused = connection.execute(
        f"SELECT id, hash FROM mask WHERE NOT {is_used('mask.id')}"  # noqa: S608
    ).fetchall()
    connection.executemany(
        "DELETE FROM mask WHERE id = ?", [(id_,) for id_, hash_ in unused if hash_ not in keep]
    )
