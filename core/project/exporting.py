"""A project's labelled images as the writers of ``core.data.formats`` take them."""

from __future__ import annotations

import functools

from core.data.formats import ImportedImage, ImportedShape, ImportResult
from core.project import image_table, shape_table
from core.project.class_table import contiguous_ids, read_labels
from core.project.counted_areas import counted, read_counted
from core.project.mask_store import LabelMap
from core.project.rows import ImageQuery, ImageRow
from core.project.storage import Storage
from core.system.errors import InputError


def labelled_dataset(storage: Storage) -> ImportResult:
    """Return all images that have a mask; masks are read when asked for.

    Class indices are the places of the classes ordered by id.
    """
    table = contiguous_ids(read_labels(storage.database))
    classes = sorted(read_labels(storage.database), key=lambda label: label.id)
    items = [
        ImportedImage(
            row.path,
            functools.partial(_mask, storage, table, row),
            None if row.subset == "none" else row.subset,
            functools.partial(_shapes, storage, table, row.id),
        )
        for row in image_table.select(storage.database, storage.resolver, ImageQuery())
        if row.mask_hash is not None
    ]
    return ImportResult(
        items, [label.name for label in classes], [label.color for label in classes]
    )


def _mask(storage: Storage, table: LabelMap, row: ImageRow) -> LabelMap:
    if not row.path.is_file():
        raise InputError(
            "The image {file} is not there any more; bring it back or remove it from the project.",
            file=row.path,
        )
    assert row.mask_hash is not None
    mask = table[storage.masks.read(row.mask_hash)]
    return counted(mask, read_counted(storage.database, row.id))


def _shapes(storage: Storage, table: LabelMap, image_id: int) -> list[ImportedShape]:
    """Return the shapes without holes; damaged ones are none, as the mask says everything."""
    text = shape_table.read(storage.database, image_id)
    if text is None:
        return []
    # Most exports have no shapes, and importing shapely takes long.
    from core.annotation.shape_text import shapes_from_text

    try:
        found = shapes_from_text(text)
    except ValueError:
        return []
    return [
        ImportedShape(
            int(table[shape.class_id]),
            shape.outline.kind,
            tuple((x, y) for x, y in shape.outline.polygon.outer.tolist()),
        )
        for shape in found
        if not shape.outline.polygon.holes
    ]
