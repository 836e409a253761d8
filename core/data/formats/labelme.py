"""labelme's JSON: one file of shapes beside each image, perhaps with the image inside.

Shapes are filled the way labelme fills them (Pillow's polygon with its outline; lines 10 pixels
wide, points of radius 5), in the order of the file, later ones on top.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.formats import labelme_writer
from core.data.formats.labelme_shapes import (
    BACKGROUND,
    IGNORE,
    Annotation,
    editable_shapes,
    parse_annotation,
    rasterize,
)
from core.data.formats.result import ImportedImage, ImportedShape, ImportResult
from core.data.formats.untrusted import MAX_FILE_BYTES, checked_size, is_file, path_inside
from core.datasets import LABELS_FILE
from core.images.io import IGNORE_INDEX, IMAGE_SUFFIXES, ImageArray, image_size, image_suffix
from core.images.palette import default_palette
from core.system.errors import InputError
from core.system.files import read_text, write_bytes_atomic
from core.system.messages import Message

write = labelme_writer.write


@dataclass(frozen=True, slots=True)
class _File:
    """A JSON file and the image it belongs to."""

    path: Path
    image: Path
    annotation: Annotation


def read(
    folder: Path | str,
    *,
    labels: Sequence[str] | None = None,
    mapping: Mapping[str, str] | None = None,
    extract_to: Path | str | None = None,
) -> ImportResult:
    """Read every labelme file of a folder (and below), or one file.

    ``_background_`` is class 0 and ``__ignore__`` is 255. The other classes come in the order of
    ``labels`` or of the folder's ``labels.txt``, then those that neither names, sorted: the same
    files always give the same numbers.

    Args:
        folder: folder, or a single ``.json`` file.
        labels: class names in their order.
        mapping: class for a label; ``__ignore__`` ignores its pixels, an empty text drops its
            shapes.
        extract_to: folder for images that exist only inside their JSON; None leaves them out.

    Returns:
        Images with masks that are drawn when asked for; ``lost`` has a sentence for every file or
        shape that could not be taken over.

    Raises:
        InputError: no such folder, or no file that can be used (the first one's reason).
    """
    source = Path(folder).absolute()
    root = source if source.is_dir() else source.parent
    paths = sorted(source.rglob("*.json")) if source.is_dir() else [source]
    lost: list[Message] = []
    files: list[_File] = []
    for path in paths:
        try:
            file = _read_file(path, root, None if extract_to is None else Path(extract_to))
        except InputError as error:
            lost.append(error.message)
            continue
        lost += file.annotation.lost
        files.append(file)
    if not files:
        if lost:
            raise InputError(lost[0].template, **lost[0].params)
        raise InputError("{folder} holds no labelme JSON files.", folder=source)
    classes = _classes(files, _known_labels(root, labels), mapping or {})
    values = {name: index for index, name in enumerate(classes)} | {IGNORE: IGNORE_INDEX}
    drawn = {
        label: values.get(target)
        for file in files
        for label in file.annotation.labels
        for target in [(mapping or {}).get(label, label)]
    }
    items = [
        ImportedImage(
            file.image,
            functools.partial(_draw, file.path, file.image, drawn),
            shapes=functools.partial(_editable, file.path, drawn),
        )
        for file in files
    ]
    return ImportResult(items, classes, default_palette(len(classes)), lost)


def _known_labels(root: Path, labels: Sequence[str] | None) -> list[str]:
    path = root / LABELS_FILE
    if labels is not None:
        return list(labels)
    return read_text(path).split("\n") if path.is_file() else []


def _classes(files: Sequence[_File], known: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    used = {mapping.get(label, label) for file in files for label in file.annotation.labels}
    named = dict.fromkeys(name.strip() for name in known)
    rest = [name for name in (*named, *sorted(used - named.keys())) if name]
    classes = [BACKGROUND, *(name for name in rest if name not in (BACKGROUND, IGNORE))]
    if len(classes) > IGNORE_INDEX:
        raise InputError(
            "The labelme files use {count} classes; there can be at most 255.", count=len(classes)
        )
    return classes


def _read_file(path: Path, root: Path, extract_to: Path | None) -> _File:
    annotation = parse_annotation(path, read_text(path, max_bytes=MAX_FILE_BYTES))
    image = _image_beside(path, root, annotation.image_path)
    if image is None:
        image = _embedded_image(path, annotation, extract_to)
    checked_size(image, annotation.size, file=path)
    return _File(path, image, annotation.without_image())


def _image_beside(path: Path, root: Path, name: str) -> Path | None:
    """Return the image that the file names, if it exists; never one outside ``root``."""
    image = path_inside(root, path.parent, name, file=path)
    return image if image.suffix.lower() in IMAGE_SUFFIXES and is_file(image) else None


def _embedded_image(path: Path, annotation: Annotation, extract_to: Path | None) -> Path:
    """Write the image inside the file to ``extract_to``; the same file gives the same name."""
    if annotation.image_data is None:
        raise InputError(
            "The image {image} of {file} does not exist.", image=annotation.image_path, file=path
        )
    if extract_to is None:
        raise InputError(
            "The image of {file} exists only inside it; name a folder to take it out to.",
            file=path,
        )
    suffix = image_suffix(annotation.image_data)
    if suffix is None:
        raise InputError("The image inside {file} is no image in a known format.", file=path)
    number, target = 1, extract_to / f"{path.stem}{suffix}"
    while target.exists() and target.read_bytes() != annotation.image_data:
        number += 1
        target = extract_to / f"{path.stem}_{number}{suffix}"
    if not target.exists():
        extract_to.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(target, annotation.image_data)
    return target.absolute()


def _draw(path: Path, image: Path, values: Mapping[str, int | None]) -> ImageArray:
    annotation = parse_annotation(path, read_text(path, max_bytes=MAX_FILE_BYTES))
    return rasterize(annotation.shapes, image_size(image), values, path)


def _editable(path: Path, values: Mapping[str, int | None]) -> list[ImportedShape]:
    annotation = parse_annotation(path, read_text(path, max_bytes=MAX_FILE_BYTES))
    return editable_shapes(annotation.shapes, values)
