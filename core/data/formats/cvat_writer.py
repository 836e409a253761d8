"""Writing CVAT for images 1.1: masks as run lengths, which are exact."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from core.data.formats import rle
from core.data.formats.outlines import regions
from core.data.formats.result import ImportResult
from core.data.formats.untrusted import IGNORE_NAME
from core.data.formats.writing import Labelled, copy_image, first_class, labelled, new_folder
from core.images.io import IGNORE_INDEX
from core.system.files import write_bytes_atomic
from core.system.messages import Message

FILE_NAME = "annotations.xml"


def write(result: ImportResult, folder: Path | str) -> list[Message]:
    """Write ``images/`` and ``annotations.xml`` with one mask for each connected region.

    The background is no label; ignored pixels are masks of a label ``__ignore__``.

    Returns:
        A sentence for each image that could not be written.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    lost: list[Message] = []
    first = first_class(result.labels)
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    labels = SubElement(SubElement(SubElement(root, "meta"), "task"), "labels")
    for name, (red, green, blue) in [*zip(result.labels, result.colors, strict=True)][first:]:
        _add_label(labels, name, f"#{red:02x}{green:02x}{blue:02x}")
    ignored = False
    with new_folder(folder) as partial:
        for number, item in enumerate(labelled(result, lost)):
            copy_image(item, partial / "images")
            _add_image(root, number, item, result.labels, first)
            ignored = ignored or bool((item.mask == IGNORE_INDEX).any())
        if ignored:
            _add_label(labels, IGNORE_NAME, "#ffffff")
        indent(root)
        stream = io.BytesIO()
        ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
        write_bytes_atomic(partial / FILE_NAME, stream.getbuffer())
    return lost


def _add_label(labels: Element, name: str, color: str) -> None:
    label = SubElement(labels, "label")
    SubElement(label, "name").text = _printable(name)
    SubElement(label, "color").text = color
    SubElement(label, "attributes")


def _add_image(root: Element, number: int, item: Labelled, names: list[str], first: int) -> None:
    height, width = item.mask.shape
    image = SubElement(
        root,
        "image",
        id=str(number),
        name=f"images/{item.file_name}",
        subset=item.subset,
        width=str(width),
        height=str(height),
    )
    for region in regions(item.mask, skip=range(first)):
        rows, columns = region.stencil.shape
        name = IGNORE_NAME if region.value == IGNORE_INDEX else names[region.value]
        SubElement(
            image,
            "mask",
            label=_printable(name),
            source="manual",
            occluded="0",
            rle=", ".join(map(str, rle.counts_of(region.stencil).tolist())),
            left=str(region.x),
            top=str(region.y),
            width=str(columns),
            height=str(rows),
            z_order="0",
        )


def _printable(name: str) -> str:
    """Return a name without characters that XML cannot hold."""
    return "".join(char if char.isprintable() else "?" for char in name)
