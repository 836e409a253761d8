"""COCO's panoptic segmentation: a JSON file, and PNGs whose colours are numbers of segments.

A segment's number is red + 256 · green + 65 536 · blue; 0 belongs to none.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.data.formats.areas import report_unlabelled
from core.data.formats.class_numbers import number_classes
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import AnnotationFile, Crowd, Evidence, FileHead, Format
from core.data.formats.image_index import (
    ImageIndex,
    checked_size,
    find_files,
    find_images,
)
from core.data.formats.import_result import ImportedImage, ImportResult
from core.data.formats.parsing import (
    load_json,
    parse_color,
    said_size,
    subset_of,
    subset_of_path,
)
from core.datasets import Subset
from core.images.io import IGNORE_INDEX, ImageArray, image_size, read_image
from core.images.palette import Color
from core.system.errors import InputError
from core.system.messages import message

_ROWS = 256
_CROWD = ""
"""What a segment is called whose pixels are ignored; no category has an empty name."""


def read(path: Path | str, *, crowd: Crowd = "ignore") -> ImportResult:
    """Read one JSON file, or all of a folder; PNGs lie in a folder beside it that is called so.

    Class 0 is the background. Pixels of no segment are ignored where the files have classes of
    stuff, which covers whatever is no thing; else they are background.

    Args:
        path: JSON file or folder.
        crowd: whether pixels of a crowd are ignored or of its class.

    Raises:
        InputError: no such file, or none that can be used (the first one's reason).
    """
    source = Path(path).absolute()
    report = ConversionReport()
    if source.is_dir():
        root, files = source, find_files(source, (".json",))
    else:
        root = source.parent.parent if source.parent.name == "annotations" else source.parent
        files = [source]
    reader = _Reader(root, crowd, report)
    for file in files:
        with report.leaving_out():
            reader.read_file(file)
    report.require(
        reader.images,
        InputError("{folder} holds no panoptic file of COCO's with images.", folder=source),
    )
    return reader.result()


class _Reader:
    def __init__(self, root: Path, crowd: Crowd, report: ConversionReport) -> None:
        self._root = root
        self._index = ImageIndex(root)
        self._crowd = crowd
        self._report = report
        self._colors: dict[str, Color | None] = {}
        self._has_stuff = False
        self._crowds = 0
        self.images: dict[Path, tuple[Path | None, dict[int, str], Subset | None]] = {}

    def read_file(self, file: Path) -> None:
        data = load_json(file)
        entries = data.get("annotations") if isinstance(data, dict) else None
        images = data.get("images") if isinstance(data, dict) else None
        if not isinstance(entries, list) or not isinstance(images, list):
            raise InputError("{file} is no panoptic file of COCO's.", file=file)
        if not any(isinstance(one, dict) and "segments_info" in one for one in entries):
            raise InputError("{file} is no panoptic file of COCO's.", file=file)
        categories = self._categories(data.get("categories"))
        by_image: dict[Any, Any] = {}
        for entry in entries:
            id_ = entry.get("image_id") if isinstance(entry, dict) else None
            if isinstance(id_, (int, str)):
                by_image.setdefault(id_, entry)
        damaged: list[Path] = []
        for entry in images:
            with self._report.leaving_out():
                self._add_image(file, entry, by_image, categories, damaged)
        if damaged:
            self._report.left_out(
                message(
                    "{count} {count:image|images} of {file} {count:has|have} segments that are "
                    "damaged or of an unknown category; these are ignored (the first image is "
                    "{image}).",
                    count=len(damaged),
                    file=file,
                    image=damaged[0].name,
                )
            )

    def _categories(self, entries: Any) -> dict[Any, str]:
        found: dict[Any, str] = {}
        for entry in entries if isinstance(entries, list) else []:
            id_ = entry.get("id") if isinstance(entry, dict) else None
            name = entry.get("name") if isinstance(entry, dict) else None
            if isinstance(id_, (int, str)) and isinstance(name, str) and name.strip():
                found.setdefault(id_, name.strip())
                self._colors.setdefault(name.strip(), parse_color(entry.get("color")))
                self._has_stuff |= entry.get("isthing") == 0
        return found

    def _add_image(
        self,
        file: Path,
        entry: Any,
        by_image: Mapping[Any, Any],
        categories: Mapping[Any, str],
        damaged: list[Path],
    ) -> None:
        name = entry.get("file_name") if isinstance(entry, dict) else None
        id_ = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(id_, (int, str)):
            raise InputError("{file} lists an image without a name or an id.", file=file)
        annotation = by_image.get(id_)
        mask_name = annotation.get("file_name") if annotation is not None else None
        mask = None
        if isinstance(mask_name, str):
            with self._report.leaving_out():
                mask = self._mask(file, mask_name)
        image = self._image(file, name, mask)
        checked_size(image, said_size(entry.get("width"), entry.get("height")), file=file)
        if image in self.images:
            raise InputError(
                "{file} has the image {image} more than once; the first is used.",
                file=file,
                image=name,
            )
        segments: dict[int, str] = {}
        listed = annotation.get("segments_info") if annotation is not None else None
        for segment in listed if isinstance(listed, list) else []:
            number = segment.get("id") if isinstance(segment, dict) else None
            category = segment.get("category_id") if isinstance(segment, dict) else None
            if type(number) is not int:
                damaged.append(image)
                continue
            if not isinstance(category, (int, str)) or category not in categories:
                damaged.append(image)
                segments[number] = _CROWD
                continue
            is_crowd = bool(segment.get("iscrowd"))
            self._crowds += is_crowd
            ignored = is_crowd and self._crowd == "ignore"
            segments[number] = _CROWD if ignored else categories[category]
        subset = subset_of(file.stem) or subset_of_path(image, self._root)
        self.images[image] = (mask, segments, subset)

    def _mask(self, file: Path, name: str) -> Path:
        for place in (f"{file.stem}/{name}", name):
            if (mask := self._index.at(place, file=file)) is not None:
                return mask
        found = [path for path in self._pngs.get(Path(name).name, []) if "panoptic" in str(path)]
        if len(found) == 1:
            return found[0]
        raise InputError("The mask {file} of {list} does not exist.", file=name, list=file)

    @functools.cached_property
    def _pngs(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in find_files(self._root, (".png",)):
            found.setdefault(path.name, []).append(path)
        return found

    def _image(self, file: Path, name: str, mask: Path | None) -> Path:
        """Return the image, which may be called as its mask is."""
        try:
            image = self._index.find(name, file=file)
            if image != mask:
                return image
        except InputError:
            if mask is None:
                raise
        others = [
            path
            for path in find_images(self._root)
            if path.name == Path(name).name and path != mask
        ]
        if len(others) == 1:
            return others[0]
        raise InputError("The image {image} of {file} does not exist.", image=name, file=file)

    def result(self) -> ImportResult:
        classes = number_classes(self._colors, tool="COCO")
        values = classes.values | {_CROWD: IGNORE_INDEX}
        nothing = IGNORE_INDEX if self._has_stuff else 0
        items = [
            ImportedImage(
                image,
                None
                if mask is None
                else functools.partial(
                    _read_segments,
                    image,
                    mask,
                    {n: values[name] for n, name in segments.items()} | {0: nothing},
                ),
                subset,
            )
            for image, (mask, segments, subset) in self.images.items()
        ]
        report_unlabelled(self._report, [item.image_path for item in items if item.mask is None])
        self._report.assumed(
            message("Pixels of no segment are ignored (255).")
            if self._has_stuff
            else message("Pixels of no segment are background.")
        )
        return ImportResult(items, classes.names, classes.colors, self._report, self._crowds)


def _read_segments(image: Path, path: Path, values: Mapping[int, int]) -> ImageArray:
    size = image_size(image)
    checked_size(image, image_size(path), file=path)
    bgr = read_image(path, full_range=True)
    mask = np.empty((size[1], size[0]), np.uint8)
    if bgr.shape[:2] != mask.shape:
        raise InputError("{file} has another size than its image.", file=path)
    for start in range(0, len(bgr), _ROWS):
        part = bgr[start : start + _ROWS].astype(np.uint32)
        codes = part[..., 2] | part[..., 1] << 8 | part[..., 0] << 16
        found, inverse = np.unique(codes, return_inverse=True)
        unknown = [code for code in found.tolist() if code not in values]
        if unknown:
            raise InputError(
                "{file} has the segment {number}, which its JSON file does not list.",
                file=path,
                number=unknown[0],
            )
        lut = np.array([values[code] for code in found.tolist()], np.uint8)
        mask[start : start + _ROWS] = lut[inverse].reshape(codes.shape)
    return mask


def _is_panoptic(head: FileHead) -> bool:
    if not head.data.lstrip().startswith(b"{"):
        return False
    try:
        return b'"segments_info"' in head.data or b'"segments_info"' in head.tail()
    except OSError:
        return False


FORMAT = Format(
    key="coco-panoptic",
    title=message("COCO panoptic (JSON and PNGs)"),
    read=lambda path, options: read(path, crowd=options.crowd),
    options=frozenset({"crowd"}),
    file=AnnotationFile(suffixes=(".json",), is_one=_is_panoptic, evidence=Evidence.FILE_OF_MANY),
)
