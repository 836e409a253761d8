"""All formats by the names that the command line and the window use."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.formats import (
    cityscapes,
    coco,
    cvat,
    eiseg,
    index_masks,
    labelme,
    paddlex_seg,
    voc,
    yolo,
)
from core.data.formats.result import ImportResult
from core.system.errors import InputError
from core.system.messages import Message, message

Reader = Callable[[Path], ImportResult]
Writer = Callable[[ImportResult, Path], list[Message]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: ``key`` is its name on the command line, ``title`` what people read."""

    key: str
    title: Message
    read: Reader | None = None
    write: Writer | None = None


_ALL = (
    Format(
        "seg",
        message("PaddleX SEG folder (labels.txt and lists)"),
        paddlex_seg.read,
        paddlex_seg.write,
    ),
    Format("labelme", message("labelme folder (JSON files)"), labelme.read, labelme.write),
    Format("coco", message("COCO (run lengths and polygons)"), coco.read, coco.write),
    Format(
        "coco-polygons",
        message("COCO with polygons only"),
        None,
        functools.partial(coco.write, polygons=True),
    ),
    Format("voc", message("Pascal VOC (SegmentationClass)"), voc.read, voc.write),
    Format("masks", message("Images with index masks"), index_masks.read, index_masks.write),
    Format("cityscapes", message("Cityscapes (gtFine)"), cityscapes.read, cityscapes.write),
    Format(
        "cityscapes-train-ids",
        message("Cityscapes, the 19 trained classes"),
        functools.partial(cityscapes.read, train_ids=True),
    ),
    Format("yolo", message("YOLO segmentation (data.yaml)"), yolo.read, yolo.write),
    Format("cvat", message("CVAT for images 1.1 (XML)"), cvat.read, cvat.write),
    Format("eiseg", message("EISeg (label folder)"), eiseg.read, eiseg.write),
)
FORMATS = {one.key: one for one in _ALL}
READABLE = tuple(one for one in _ALL if one.read is not None)
WRITABLE = tuple(one for one in _ALL if one.write is not None)


def read(
    key: str,
    path: Path | str,
    *,
    extract_to: Path | None = None,
    crowd: coco.Crowd = "ignore",
) -> ImportResult:
    """Read a folder or file in the format ``key``.

    Args:
        key: of a readable format.
        path: folder, or a file where the format has one for many images.
        extract_to: where images go that exist only inside annotation files (labelme).
        crowd: whether pixels of COCO's crowds are ignored or of their class.

    Raises:
        InputError: an unknown format, or nothing of it can be used.
    """
    chosen = FORMATS.get(key)
    if chosen is None or chosen.read is None:
        raise unknown_format(key, READABLE)
    if key == "labelme":
        return labelme.read(path, extract_to=extract_to)
    if key == "coco":
        return coco.read(path, crowd=crowd)
    return chosen.read(Path(path))


def write(key: str, result: ImportResult, folder: Path | str) -> list[Message]:
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
