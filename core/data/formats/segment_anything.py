"""Segment Anything's JSON, as in SA-1B: for each image the masks of objects without classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.data.formats.areas import Area, AreaImages, LostShapes, coco_area
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import AnnotationFile, Evidence, FileHead, Format
from core.data.formats.image_index import ImageIndex, checked_size, find_files, find_images
from core.data.formats.import_result import ImportResult
from core.data.formats.parsing import load_json, said_size, subset_of_path
from core.system.errors import InputError
from core.system.messages import message

CLASS_NAME = "object"


def read(path: Path | str) -> ImportResult:
    """Read one JSON file, or all of a folder; all objects become one class, ``object``.

    Raises:
        InputError: no such file, or none that can be used (the first one's reason).
    """
    source = Path(path).absolute()
    root = source if source.is_dir() else source.parent
    files = find_files(source, (".json",)) if source.is_dir() else [source]
    report = ConversionReport()
    images = AreaImages("Segment Anything", report)
    images.add_class(CLASS_NAME)
    index = ImageIndex(root)
    lost = LostShapes(report)
    count = 0
    for file in files:
        with report.leaving_out():
            count += _read_file(file, root, index, images, lost)
    lost.tell()
    report.require(
        images,
        InputError("{folder} holds no JSON file of Segment Anything's.", folder=source),
    )
    report.assumed(
        message(
            "Segment Anything knows no classes: its {count} {count:mask becomes|masks become} one "
            "class, {name}.",
            count=count,
            name=CLASS_NAME,
        )
    )
    if source.is_dir():
        for image in find_images(root):
            if image not in images:
                with report.leaving_out():
                    size = checked_size(image, None, file=image)
                    images.add(image, size, None, subset_of_path(image, root))
    return images.result()


def _read_file(
    file: Path, root: Path, index: ImageIndex, images: AreaImages, lost: LostShapes
) -> int:
    """Note one file's image; returns how many masks it has."""
    data = load_json(file)
    entry: Any = data.get("image") if isinstance(data, dict) else None
    listed = data.get("annotations") if isinstance(data, dict) else None
    name = entry.get("file_name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not isinstance(listed, list):
        raise InputError("{file} is no JSON file of Segment Anything's.", file=file)
    image = index.find(name, file=file)
    said = said_size(entry.get("width"), entry.get("height"))
    size = checked_size(image, said, file=file)
    if image in images:
        raise InputError(
            "{file} has the image {image} more than once; the first is used.",
            file=file,
            image=name,
        )
    areas: list[Area] = []
    for one in listed:
        try:
            segmentation = one.get("segmentation") if isinstance(one, dict) else None
            areas.append(coco_area(CLASS_NAME, segmentation, size))
        except ValueError:
            lost.add(file, "segmentation")
    known = bool(areas) or not listed
    images.add(image, size, areas if known else None, subset_of_path(image, root))
    return len(areas)


def _is_segment_anything(head: FileHead) -> bool:
    scores = (b'"stability_score"', b'"predicted_iou"')
    return b'"image"' in head.data and any(key in head.data for key in scores)


FORMAT = Format(
    key="sam",
    title=message("Segment Anything (JSON, SA-1B)"),
    read=lambda path, _: read(path),
    file=AnnotationFile(
        suffixes=(".json",), is_one=_is_segment_anything, evidence=Evidence.FILE_PER_IMAGE
    ),
)
