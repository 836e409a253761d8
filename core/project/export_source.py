"""A project's labelled images as the writers of ``core.data.formats`` take them."""

from __future__ import annotations

import functools
from pathlib import Path

from core.data.formats import ImportedImage, ImportedShape, ImportResult
from core.project import image_rows as images
from core.project import shape_store as shapes
from core.project.labels import contiguous_ids, read_labels
from core.project.masks import LabelMap
from core.project.rows import ImageQuery
from core.project.store import Store
from core.system.errors import InputError


def contents(store: Store) -> ImportResult:
    """Return all images that have a mask; masks are read when asked for.

    Class indices are the places of the classes ordered by id.
    """
    table = contiguous_ids(read_labels(store.database))
    classes = sorted(read_labels(store.database), key=lambda label: label.id)
    items = [
        ImportedImage(
            row.path,
            functools.partial(_mask, store, table, row.path, row.mask_hash),
            None if row.subset == "none" else row.subset,
            functools.partial(_shapes, store, table, row.id),
        )
        for row in images.select(store.database, store.resolver, ImageQuery())
        if row.mask_hash is not None
    ]
    return ImportResult(
        items, [label.name for label in classes], [label.color for label in classes]
    )


def _mask(store: Store, table: LabelMap, image: Path, mask_hash: str) -> LabelMap:
    if not image.is_file():
        raise InputError(
            "The image {file} is not there any more; bring it back or remove it from the project.",
            file=image,
        )
    return table[store.masks.read(mask_hash)]


def _shapes(store: Store, table: LabelMap, image_id: int) -> list[ImportedShape]:
    """Return the shapes without holes; damaged ones are none, as the mask says everything."""
    text = shapes.read(store.database, image_id)
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
