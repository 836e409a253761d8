"""All formats by the names that the command line and the window use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.data.formats import (
    camvid,
    cityscapes,
    coco,
    coco_panoptic,
    color_masks,
    cvat,
    datumaro,
    eiseg,
    index_masks,
    kitti,
    label_studio,
    labelme,
    mapillary,
    paddlex_seg,
    roboflow,
    segment_anything,
    supervisely,
    voc,
    yolo,
)
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Format, ReadOptions
from core.data.formats.import_result import ImportResult
from core.data.formats.left_aside import note_encodings, note_left_aside
from core.system.errors import InputError
from core.system.files import noting_encodings

_ALL = (
    paddlex_seg.FORMAT,
    labelme.FORMAT,
    coco.FORMAT,
    coco.POLYGONS_FORMAT,
    coco_panoptic.FORMAT,
    label_studio.FORMAT,
    voc.FORMAT,
    index_masks.FORMAT,
    color_masks.FORMAT,
    roboflow.FORMAT,
    cityscapes.FORMAT,
    cityscapes.TRAIN_IDS_FORMAT,
    yolo.FORMAT,
    cvat.FORMAT,
    eiseg.FORMAT,
    supervisely.FORMAT,
    datumaro.FORMAT,
    camvid.FORMAT,
    kitti.FORMAT,
    mapillary.FORMAT,
    segment_anything.FORMAT,
)
FORMATS = {one.key: one for one in _ALL}
READABLE = tuple(one for one in _ALL if one.read is not None)
WRITABLE = tuple(one for one in _ALL if one.write is not None)


def read(key: str, path: Path | str, options: ReadOptions | None = None) -> ImportResult:
    """Read a folder or file in the format ``key``.

    Args:
        key: of a readable format.
        path: folder, or a file where the format has one for many images.
        options: what else the reader is told; it heeds those of ``Format.options``.

    Raises:
        InputError: an unknown format, or nothing of it can be used.
    """
    chosen = FORMATS.get(key)
    if chosen is None or chosen.read is None:
        raise unknown_format(key, READABLE)
    with noting_encodings() as encodings:
        try:
            result = chosen.read(Path(path), options or ReadOptions())
        except InputError as error:
            if not encodings:
                raise
            file, encoding = next(iter(encodings.items()))
            raise InputError(
                "{problem} ({file} is not in UTF-8 and was read as {encoding}; save it as UTF-8.)",
                problem=str(error),
                file=file,
                encoding=encoding,
            ) from error
    note_encodings(encodings, result.report)
    note_left_aside(Path(path), result.report)
    return result


def write(key: str, result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write images and masks to a new or empty folder in the format ``key``.

    Returns:
        A sentence for each thing that could not be carried over.

    Raises:
        InputError: an unknown format, or ``folder`` is not empty.
    """
    chosen = FORMATS.get(key)
    if chosen is None or chosen.write is None:
        raise unknown_format(key, WRITABLE)
    return chosen.write(result, Path(folder))


def unknown_format(key: str, known: Sequence[Format]) -> InputError:
    """Return the sentence that lists the formats there are."""
    return InputError(
        "There is no format {name} here; choose one of {known}.",
        name=key,
        known=", ".join(one.key for one in known),
    )
