"""Taking over images and masks: everything is read first, then written in one transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.data.formats import ImportedShape
from core.images.headers import count_pages
from core.images.io import image_size
from core.images.palette import Color
from core.project import image_table, shape_table
from core.project.class_matching import ClassMap, ClassPlan, add_planned, plan_classes
from core.project.class_table import free_ids, palette, read_labels
from core.project.image_copies import copy_into
from core.project.image_masks import check_size, set_mask
from core.project.image_table import NewImage
from core.project.mask_store import LabelMap, MaskBatch, check_values, register
from core.project.paths import StoredPath
from core.project.rows import ImageSubset, ImportReport, MaskInfo
from core.project.storage import Storage
from core.system.errors import InputError
from core.system.folders import is_utf8
from core.system.messages import Message, message

ProgressCallback = Callable[[int, int], object]
"""Called with (done, total); what it raises ends the import without a trace in the project."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An image to take over; ``read_mask`` may raise ``InputError`` or give None.

    ``read_shapes`` gives what the mask was filled from.
    """

    image: Path
    subset: ImageSubset
    read_mask: Callable[[], LabelMap | None]
    read_shapes: Callable[[], Sequence[ImportedShape]] | None = None


@dataclass(frozen=True, slots=True)
class _Existing:
    id: int
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An image that was read: ``existing`` or, if new, what its row will be."""

    path: Path
    existing: _Existing | None
    new: NewImage | None
    subset: ImageSubset
    mask: MaskInfo | None
    shapes_text: str


@dataclass(slots=True)
class _Tally:
    """What happened so far; becomes the report."""

    added: int = 0
    masks: int = 0
    unchanged: int = 0
    replaced: int = 0
    conflicts: list[Path] = field(default_factory=list)
    nameless: list[Path] = field(default_factory=list)
    lost: list[Message] = field(default_factory=list)


def take_over(
    storage: Storage,
    incoming: Sequence[Incoming],
    *,
    source: str,
    class_names: Sequence[str] = (),
    colors: Sequence[Color] = (),
    class_map: ClassMap | None = None,
    copy: bool = False,
    replace: bool = False,
    progress: ProgressCallback | None = None,
) -> ImportReport:
    """Import images and masks; see ``Project.import_result``."""
    storage.database.require_writable()
    existing = read_labels(storage.database)
    plan = plan_classes(
        existing,
        class_names,
        free=free_ids(storage.database.connection()),
        colors=colors,
        class_map=class_map,
    )
    tally = _Tally()
    with storage.masks.batch() as batch:
        reader = _Reader(storage, plan, batch, tally, copy=copy)
        prepared: list[_Prepared] = []
        for number, item in enumerate(incoming, 1):
            prepared.extend(reader.prepare(item))
            if progress is not None:
                progress(number, len(incoming))
        with storage.database.transaction() as connection:
            add_planned(connection, plan)
            batch_id = _open_batch(connection, source, plan)
            for ready in prepared:
                _write(connection, batch_id, ready, tally, replace=replace)
            if not (tally.added or tally.masks or plan.new):  # nothing to undo
                connection.execute("DELETE FROM import_batch WHERE id = ?", (batch_id,))
    if tally.nameless:
        tally.lost.append(
            message(
                "{count} {count:image is|images are} left out, as names must be UTF-8; rename the "
                "files (the first is {file}).",
                count=len(tally.nameless),
                file=tally.nameless[0],
            )
        )
    return ImportReport(
        added=tally.added,
        masks=tally.masks,
        unchanged=tally.unchanged,
        conflicts=tuple(tally.conflicts),
        replaced=tally.replaced,
        classes=tuple(label.name for label in plan.new),
        lost=tuple(tally.lost),
    )


class _Reader:
    """Reads images and masks and writes mask files (and copies), but no row."""

    def __init__(
        self, storage: Storage, plan: ClassPlan, batch: MaskBatch, tally: _Tally, *, copy: bool
    ) -> None:
        self._storage = storage
        self._plan = plan
        self._batch = batch
        self._tally = tally
        self._copy = copy
        self._palette = palette([*read_labels(storage.database), *plan.new])
        self._known, self._copies = _known_images(storage)
        self._seen: set[str] = set()

    def _count_pages(self, image: Path) -> None:
        pages = count_pages(image)
        if pages > 1:
            self._tally.lost.append(
                message(
                    "{file} has {count} {count:page|pages}; only the first one is used.",
                    file=image,
                    count=pages,
                )
            )

    def prepare(self, item: Incoming) -> Iterator[_Prepared]:
        """Yield the image unless it is unreadable or came before, or has no name to store."""
        if not is_utf8(item.image):
            self._tally.nameless.append(item.image)
            return
        stored = self._storage.resolver.store(item.image)
        if stored.path in self._seen:
            self._tally.lost.append(
                message("{file} is listed more than once; only the first is used.", file=item.image)
            )
            return
        self._seen.add(stored.path)
        existing = self._known.get(stored.path)
        new = None
        try:
            size = image_size(item.image) if existing is None else existing.size
            if existing is None:
                new = self._new_image(item, stored, size)
                self._count_pages(item.image)
        except InputError as error:
            self._tally.lost.append(error.message)
            return
        yield _Prepared(item.image, existing, new, item.subset, *self._mask(item, size))

    def _new_image(self, item: Incoming, stored: StoredPath, size: tuple[int, int]) -> NewImage:
        source = None
        if self._copy and not stored.inside:
            source = stored.path
            target = copy_into(self._storage.folder / "images", item.image, taken=self._copies)
            stored = self._storage.resolver.store(target)
        return NewImage(stored, item.image.name, *size, subset=item.subset, source=source)

    def _mask(self, item: Incoming, size: tuple[int, int]) -> tuple[MaskInfo | None, str]:
        try:
            mask = item.read_mask()
            if mask is None:
                return None, shape_table.NONE
            check_size(mask, size, name=str(item.image))
            check_values(mask, range(self._plan.count), name=str(item.image))
        except InputError as error:
            self._tally.lost.append(error.message)
            return None, shape_table.NONE
        mask = self._plan.lut[mask]
        return self._batch.put(mask, self._palette), self._shapes_text(item, mask)

    def _shapes_text(self, item: Incoming, mask: LabelMap) -> str:
        try:
            found = () if item.read_shapes is None else item.read_shapes()
        except InputError as error:
            self._tally.lost.append(error.message)
            return shape_table.NONE
        if not found:
            return shape_table.NONE
        # Most imports have no shapes, and importing shapely takes long.
        from core.annotation.imported_shapes import imported_text

        return imported_text(found, mask, self._plan.lut)


def _known_images(storage: Storage) -> tuple[dict[str, _Existing], set[Path]]:
    """Return the images by stored path and by the path they were copied from, and the copies."""
    known: dict[str, _Existing] = {}
    copies: set[Path] = set()
    rows = storage.database.all("SELECT id, path, inside, source, width, height FROM image")
    for id_, path, inside, source, width, height in rows:
        entry = _Existing(id_, (width, height))
        known[path] = entry
        if source is not None:
            known.setdefault(source, entry)
        if inside:
            copies.add(storage.folder / path)
    return known, copies


def _open_batch(connection: sqlite3.Connection, source: str, plan: ClassPlan) -> int:
    cursor = connection.execute(
        "INSERT INTO import_batch (created, source) VALUES (?, ?)", (time.time(), source)
    )
    if cursor.lastrowid is None:
        raise RuntimeError("the database gave no row id")
    connection.executemany(
        "INSERT INTO import_class (batch_id, class_id) VALUES (?, ?)",
        [(cursor.lastrowid, label.id) for label in plan.new],
    )
    return cursor.lastrowid


def _write(
    connection: sqlite3.Connection,
    batch_id: int,
    ready: _Prepared,
    tally: _Tally,
    *,
    replace: bool,
) -> None:
    mask_id = None if ready.mask is None else register(connection, ready.mask)
    if ready.new is not None:
        if _is_known(connection, ready.new.stored.path):  # added while the masks were read
            tally.unchanged += 1
            return
        image_id = image_table.insert(connection, ready.new)
        tally.added += 1
        previous: tuple[int | None, str, str] = (None, "unlabelled", "none")
    elif ready.existing is not None:
        image_id = ready.existing.id
        row = connection.execute(
            "SELECT mask_id, state, subset FROM image WHERE id = ?", (image_id,)
        ).fetchone()
        if row is None:  # removed while the masks were read
            return
        previous = row
        if mask_id is None or mask_id == previous[0]:
            tally.unchanged += 1
            return
        if previous[0] is not None:
            tally.conflicts.append(ready.path)
            if not replace:
                return
            tally.replaced += 1
    if mask_id is not None:
        set_mask(connection, image_id, mask_id, state="labelled")
        tally.masks += 1
    if ready.new is None and previous[2] == "none" and ready.subset != "none":
        image_table.update(connection, [image_id], "subset", ready.subset)
    connection.execute(
        "INSERT INTO import_image VALUES (?, ?, ?, ?, ?, ?, ?)",
        (batch_id, image_id, ready.new is not None, mask_id, *previous),
    )
    if mask_id is not None:  # only now, or the shapes of the mask before would be dropped
        shape_table.write(connection, image_id, mask_id, ready.shapes_text)


def _is_known(connection: sqlite3.Connection, path: str) -> bool:
    return connection.execute("SELECT 1 FROM image WHERE path = ?", (path,)).fetchone() is not None
