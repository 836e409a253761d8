"""Cityscapes: ``leftImg8bit/`` and ``gtFine/`` with label ids and polygons.

An image's ``_labelIds.png`` counts before its ``_polygons.json``, whose objects are drawn in the
order of the file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from core.data.class_names import IGNORE_NAME, check_names, read_names
from core.data.formats.color_tables import read_color_table
from core.data.formats.contours import outer_ring, regions, touches_border
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import Evidence, FolderOverview, Format
from core.data.formats.image_index import canvas_of, find_files, find_images, require_folder
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.mask_images import read_sized_mask
from core.data.formats.pairing import note_unlabelled
from core.data.formats.parsing import is_number, load_json, said_size, subset_of_path
from core.data.formats.writing import LabelledImage, copy_image, labelled_images, new_folder
from core.datasets import LABELS_FILE
from core.images.io import IGNORE_INDEX, ImageArray, write_mask
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.files import write_json_atomic, write_text_atomic
from core.system.messages import message

IMAGES = "leftImg8bit"
CVAT_IMAGES = "imgsFine"
"""The folder in which CVAT and datumaro put ``leftImg8bit``."""
CVAT_CLASSES = "label_colors.txt"
MASKS = ("gtFine", "gtCoarse")
_IDS_ENDING = "labelIds"
_TRAIN_IDS_ENDING = "labelTrainIds"
_POLYGONS_ENDING = "polygons"
_LONGEST = f"_{MASKS[0]}_{_POLYGONS_ENDING}.json"
_CITY = "images"  # the folder between the subset and the files


@dataclass(frozen=True, slots=True)
class CityscapesLabel:
    """A class as ``helpers/labels.py`` of cityscapesScripts lists it.

    Its id is its place in ``LABELS``; ``train_id`` is 255 where it is not trained on.
    """

    name: str
    train_id: int
    color: Color


_VOID = IGNORE_INDEX
LABELS = (
    CityscapesLabel("unlabeled", _VOID, (0, 0, 0)),
    CityscapesLabel("ego vehicle", _VOID, (0, 0, 0)),
    CityscapesLabel("rectification border", _VOID, (0, 0, 0)),
    CityscapesLabel("out of roi", _VOID, (0, 0, 0)),
    CityscapesLabel("static", _VOID, (0, 0, 0)),
    CityscapesLabel("dynamic", _VOID, (111, 74, 0)),
    CityscapesLabel("ground", _VOID, (81, 0, 81)),
    CityscapesLabel("road", 0, (128, 64, 128)),
    CityscapesLabel("sidewalk", 1, (244, 35, 232)),
    CityscapesLabel("parking", _VOID, (250, 170, 160)),
    CityscapesLabel("rail track", _VOID, (230, 150, 140)),
    CityscapesLabel("building", 2, (70, 70, 70)),
    CityscapesLabel("wall", 3, (102, 102, 156)),
    CityscapesLabel("fence", 4, (190, 153, 153)),
    CityscapesLabel("guard rail", _VOID, (180, 165, 180)),
    CityscapesLabel("bridge", _VOID, (150, 100, 100)),
    CityscapesLabel("tunnel", _VOID, (150, 120, 90)),
    CityscapesLabel("pole", 5, (153, 153, 153)),
    CityscapesLabel("polegroup", _VOID, (153, 153, 153)),
    CityscapesLabel("traffic light", 6, (250, 170, 30)),
    CityscapesLabel("traffic sign", 7, (220, 220, 0)),
    CityscapesLabel("vegetation", 8, (107, 142, 35)),
    CityscapesLabel("terrain", 9, (152, 251, 152)),
    CityscapesLabel("sky", 10, (70, 130, 180)),
    CityscapesLabel("person", 11, (220, 20, 60)),
    CityscapesLabel("rider", 12, (255, 0, 0)),
    CityscapesLabel("car", 13, (0, 0, 142)),
    CityscapesLabel("truck", 14, (0, 0, 70)),
    CityscapesLabel("bus", 15, (0, 60, 100)),
    CityscapesLabel("caravan", _VOID, (0, 0, 90)),
    CityscapesLabel("trailer", _VOID, (0, 0, 110)),
    CityscapesLabel("train", 16, (0, 80, 100)),
    CityscapesLabel("motorcycle", 17, (0, 0, 230)),
    CityscapesLabel("bicycle", 18, (119, 11, 32)),
)

IDS = {label.name: index for index, label in enumerate(LABELS)} | {"license plate": -1}
TRAINED = tuple(label for label in LABELS if label.train_id != IGNORE_INDEX)


def read(folder: Path | str, *, train_ids: bool = False) -> ImportResult:
    """Read the images with their label ids, or with what the polygons give.

    Class indices are Cityscapes' ids (a ``labels.txt`` in the folder names other classes, and so
    does CVAT's ``label_colors.txt``), or the 19 that are trained on, everything else being ignored.

    Args:
        folder: the one that holds ``leftImg8bit`` and ``gtFine``.
        train_ids: take the 19 classes.

    Raises:
        InputError: no such folder, or no images with annotations.
    """
    root = require_folder(folder)
    report = ConversionReport()
    own = root / LABELS_FILE
    names = read_names(own) if own.is_file() and not train_ids else [one.name for one in LABELS]
    colors = [one.color for one in LABELS]
    if own.is_file() and not train_ids:
        colors = default_palette(len(names))
    if (table := root / CVAT_CLASSES).is_file() and not own.is_file() and not train_ids:
        listed = read_color_table(table)
        names, colors = list(listed.values()), list(listed)
        check_names(table, names)
    values: dict[str, int] = {name: index for index, name in enumerate(names)}
    if train_ids:
        values = {one.name: one.train_id for one in LABELS}
        names, colors = [one.name for one in TRAINED], [one.color for one in TRAINED]
    annotations = _annotations(root)
    items = []
    for image in [*find_images(root / IMAGES), *find_images(root / CVAT_IMAGES / IMAGES)]:
        found = annotations.get(_key(image.stem, IMAGES), {})
        mask = _reader(image, found, values, report, train_ids=train_ids)
        if mask is None:
            note_unlabelled(image, report)
        items.append(ImportedImage(image, mask, subset_of_path(image, root)))
    if not items:
        raise InputError(
            "{folder} is no Cityscapes folder: it needs leftImg8bit and gtFine.", folder=root
        )
    return ImportResult(items, names, colors, report)


def _key(stem: str, ending: str) -> str:
    return stem.removesuffix(f"_{ending}")


def _annotations(root: Path) -> dict[str, dict[str, Path]]:
    """Return the files of each image by their ending."""
    found: dict[str, dict[str, Path]] = {}
    for folder in MASKS:
        for path in find_files(root / folder, frozenset({".png", ".json"})):
            name, _, ending = path.stem.rpartition("_")
            key = _key(name, folder)
            found.setdefault(key, {}).setdefault(ending, path)
    return found


def _reader(
    image: Path,
    found: Mapping[str, Path],
    values: Mapping[str, int],
    report: ConversionReport,
    *,
    train_ids: bool,
) -> Callable[[], ImageArray] | None:
    if train_ids and (path := found.get(_TRAIN_IDS_ENDING)) is not None:
        return functools.partial(read_sized_mask, image, path, report=report)
    if (path := found.get(_IDS_ENDING)) is not None:
        return functools.partial(_read_ids, image, path, report, train_ids=train_ids)
    if (path := found.get(_POLYGONS_ENDING)) is not None:
        return functools.partial(_draw, image, path, dict(values), report, train_ids=train_ids)
    return None


def _read_ids(image: Path, path: Path, report: ConversionReport, *, train_ids: bool) -> ImageArray:
    mask = read_sized_mask(image, path, report=report)
    if not train_ids:
        return mask
    lut = np.full(256, IGNORE_INDEX, np.uint8)
    for index, one in enumerate(LABELS):
        lut[index] = one.train_id
    return np.asarray(lut[mask], np.uint8)


def _draw(
    image: Path,
    path: Path,
    values: Mapping[str, int],
    report: ConversionReport,
    *,
    train_ids: bool,
) -> ImageArray:
    data = load_json(path)
    objects = data.get("objects") if isinstance(data, dict) else None
    if not isinstance(objects, list):
        raise InputError("{file} is no file of Cityscapes' polygons.", file=path)
    said = said_size(data.get("imgWidth"), data.get("imgHeight"))
    canvas = canvas_of(image, said, file=path, report=report)
    picture = Image.new("L", canvas.size, IGNORE_INDEX if train_ids else 0)
    draw = ImageDraw.Draw(picture)
    damaged: list[InputError] = []
    for number, entry in enumerate(objects, 1):
        try:
            label, points = _object(path, number, entry)
            if not entry.get("deleted"):
                value = _value(path, label, values)
                draw.polygon(points, fill=value, outline=value)
        except InputError as error:
            damaged.append(error)
    if damaged and len(damaged) == len(objects):
        raise damaged[0]
    if damaged:
        report.alike(
            "left out",
            message(
                "{count} {count:file has|files have} damaged or unknown objects; the others count "
                "({file})."
            ),
            path,
        )
    return canvas.upright(np.array(picture, np.uint8))


def _value(path: Path, label: str, values: Mapping[str, int]) -> int:
    if label not in values and label.endswith("group"):
        label = label.removesuffix("group")
    value = IGNORE_INDEX if label == IGNORE_NAME else values.get(label)
    if value is not None:
        return value
    if label in IDS:  # license plate, id -1: no value of a mask
        return IGNORE_INDEX
    raise InputError(
        "{file} uses the label {label}, which is no class of Cityscapes.", file=path, label=label
    )


def _object(path: Path, number: int, entry: Any) -> tuple[str, list[tuple[float, float]]]:
    label = entry.get("label") if isinstance(entry, dict) else None
    polygon = entry.get("polygon") if isinstance(entry, dict) else None
    usable = (
        isinstance(label, str)
        and isinstance(polygon, list)
        and len(polygon) >= 3
        and all(isinstance(point, list) and len(point) == 2 for point in polygon)
        and all(is_number(value) for point in polygon for value in point)
    )
    if not usable or not isinstance(label, str) or not isinstance(polygon, list):
        raise InputError(
            "Shape {number} of {file} lacks a label or points.", number=number, file=path
        )
    return label, [(point[0], point[1]) for point in polygon]


def write(result: ImportResult, folder: Path | str) -> ConversionReport:
    """Write ``leftImg8bit/`` and ``gtFine/`` with label ids and polygons.

    Where all classes have names of Cityscapes', its ids are used and ignored pixels become
    ``unlabeled``; otherwise ids are class indices, which ``labels.txt`` names.

    Returns:
        A sentence for each image that could not be written, and about what changed.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    official = all(name in IDS and IDS[name] >= 0 for name in result.labels)
    lut = np.arange(256, dtype=np.uint8)
    if official:
        lut[IGNORE_INDEX] = 0
        lut[: len(result.labels)] = [IDS[name] for name in result.labels]
        names, colors = [one.name for one in LABELS], [one.color for one in LABELS]
    else:
        names, colors = list(result.labels), list(result.colors)
    ignored = 0
    with new_folder(folder) as partial:
        for item in labelled_images(result, report, ending=_LONGEST):
            ignored += bool((item.mask == IGNORE_INDEX).any())
            image_name = f"{item.name}_{IMAGES}{item.image.suffix}"
            copy_image(item, partial / IMAGES / item.subset / _CITY, image_name)
            target = partial / MASKS[0] / item.subset / _CITY
            target.mkdir(parents=True, exist_ok=True)
            stem = f"{item.name}_{MASKS[0]}"
            mask = np.asarray(lut[item.mask], np.uint8)
            write_mask(target / f"{stem}_{_IDS_ENDING}.png", mask, palette=colors)
            polygons = _polygons(item, mask, names)
            write_json_atomic(target / f"{stem}_{_POLYGONS_ENDING}.json", polygons)
        if not official:
            write_text_atomic(partial / LABELS_FILE, "\n".join(names) + "\n")
    if official and ignored:
        report.changed(
            message(
                "{count} {count:mask has|masks have} ignored pixels, which become Cityscapes' "
                "class unlabeled.",
                count=ignored,
            )
        )
    return report


def _polygons(item: LabelledImage, mask: ImageArray, names: list[str]) -> dict[str, Any]:
    """Return polygons that give the mask when drawn in their order over class 0."""
    objects = []
    for region in regions(mask):
        if region.value == 0 and touches_border(region, mask):
            continue
        points = outer_ring(region).tolist()
        points += points[-1:] * (3 - len(points))
        label = IGNORE_NAME if region.value == IGNORE_INDEX else names[region.value]
        objects.append({"label": label, "polygon": points})
    return {"imgHeight": mask.shape[0], "imgWidth": mask.shape[1], "objects": objects}


def _has_layout(folder: FolderOverview) -> bool:
    has_images = IMAGES in folder.names or (folder.root / CVAT_IMAGES / IMAGES).is_dir()
    return has_images and not folder.names.isdisjoint(MASKS)


FORMAT = Format(
    key="cityscapes",
    title=message("Cityscapes (gtFine)"),
    read=lambda path, _: read(path),
    write=write,
    folder={Evidence.LAYOUT: _has_layout},
)
TRAIN_IDS_FORMAT = Format(
    key="cityscapes-train-ids",
    title=message("Cityscapes, the 19 trained classes"),
    read=lambda path, _: read(path, train_ids=True),
)
