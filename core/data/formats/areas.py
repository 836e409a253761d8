"""Areas of classes as files give them, polygons and run lengths, drawn in their order.

Polygons are filled as pycocotools does. An image of which a source says nothing has no mask.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.formats import rle
from core.data.formats.class_numbers import number_classes
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.import_result import ImportedImage, ImportResult
from core.datasets import Subset
from core.images.io import ImageArray
from core.images.palette import Color
from core.system.messages import message

Points = tuple[float, ...]
"""x, y, x, y … of the corners; 0, 0 is the outer corner of the first pixel."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Run lengths of a part of an image that begin with zeros, in a ``box`` x, y, width, height.

    ``by_columns`` as COCO's go, else row by row.
    """

    counts: rle.Counts
    box: tuple[int, int, int, int]
    by_columns: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """What belongs to a class: a polygon without its holes, or run lengths."""

    label: str
    polygon: Points = ()
    holes: tuple[Points, ...] = ()
    runs: Runs | None = None
    z_order: int = 0


def polygon_area(
    label: str, points: Sequence[float], holes: Sequence[Sequence[float]] = (), z_order: int = 0
) -> Area:
    """Return a polygon that can be drawn; raises ``ValueError`` as ``rle.polygon_corners``."""
    for ring in (points, *holes):
        rle.polygon_corners(ring)
    return Area(label, tuple(points), tuple(tuple(ring) for ring in holes), z_order=z_order)


def coco_area(label: str, segmentation: object, size: tuple[int, int], z_order: int = 0) -> Area:
    """Return run lengths as COCO has them, ``size`` (height, width) and ``counts``.

    Args:
        label: class name.
        segmentation: parsed JSON.
        size: (width, height) of the image.
        z_order: the highest is on top.

    Raises:
        ValueError: damaged, or of another size.
    """
    width, height = size
    if not isinstance(segmentation, dict) or segmentation.get("size") != [height, width]:
        raise ValueError("no run lengths of this image")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        found = rle.counts_from_string(counts, size)
    else:
        found = rle.counts_from_list(counts, size)
    return Area(label, runs=Runs(found, (0, 0, width, height), by_columns=True), z_order=z_order)


def stencil_area(label: str, stencil: ImageArray, x: int, y: int, size: tuple[int, int]) -> Area:
    """Return the part of a stencil (h, w), with its corner at x, y, that lies in the image.

    Raises:
        ValueError: nothing of it does.
    """
    height, width = stencil.shape
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, size[0]), min(y + height, size[1])
    if left >= right or top >= bottom:
        raise ValueError("outside of the image")
    part = stencil[top - y : bottom - y, left - x : right - x]
    box = (left, top, right - left, bottom - top)
    return Area(label, runs=Runs(rle.counts_of(part.ravel()), box))


def draw(size: tuple[int, int], areas: Sequence[Area], values: Mapping[str, int]) -> ImageArray:
    """Draw areas by ``z_order``, then in their order, later ones on top.

    Args:
        size: (width, height) of the image.
        areas: checked ones.
        values: class index of each label.

    Returns:
        (height, width) uint8, 0 where no area is.
    """
    columns = np.zeros(size, np.uint8)  # column by column, as COCO's runs go
    flat = columns.reshape(-1)
    for area in sorted(areas, key=lambda one: one.z_order):
        value = values[area.label]
        if area.runs is not None:
            _paint_runs(columns, area.runs, value)
        elif not area.holes:
            rle.paint(flat, rle.counts_from_polygon(area.polygon, size), value)
        else:
            stencil = np.zeros(flat.shape, np.uint8)
            rle.paint(stencil, rle.counts_from_polygon(area.polygon, size), 1)
            for hole in area.holes:
                rle.paint(stencil, rle.counts_from_polygon(hole, size), 0)
            flat[stencil > 0] = value
    return np.ascontiguousarray(columns.T)


def _paint_runs(columns: ImageArray, runs: Runs, value: int) -> None:
    x, y, width, height = runs.box
    stencil = np.zeros(width * height, np.uint8)
    rle.paint(stencil, runs.counts, 1)
    shape = (width, height) if runs.by_columns else (height, width)
    part = stencil.reshape(shape) if runs.by_columns else stencil.reshape(shape).T
    columns[x : x + width, y : y + height][part > 0] = value


class AreaImages:
    """Collects images with their areas; those without any knowledge stay unlabelled.

    Args:
        tool: whose files they are, for sentences.
        report: told how many images stay unlabelled.
    """

    def __init__(self, tool: str, report: ConversionReport) -> None:
        self._tool = tool
        self._report = report
        self._colors: dict[str, Color | None] = {}
        self._images: dict[Path, tuple[tuple[int, int], list[Area] | None, Subset | None]] = {}

    def __contains__(self, image: object) -> bool:
        return image in self._images

    def __iter__(self) -> Iterator[Path]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)

    def add_class(self, name: str, color: Color | None = None) -> None:
        """Note a class; classes are numbered in the order in which they are noted."""
        if self._colors.get(name) is None:
            self._colors[name] = color

    def add(
        self,
        image: Path,
        size: tuple[int, int],
        areas: Sequence[Area] | None,
        subset: Subset | None,
    ) -> None:
        """Note an image of ``size`` (width, height); no ``areas`` but None leaves it unlabelled."""
        for area in areas or ():
            self._colors.setdefault(area.label, None)
        self._images[image] = (size, None if areas is None else list(areas), subset)

    def result(self) -> ImportResult:
        """Return what was collected; class 0 is the background.

        Raises:
            InputError: more than 255 classes.
        """
        classes = number_classes(self._colors, tool=self._tool)
        unlabelled = [image for image, (_, areas, _) in self._images.items() if areas is None]
        report_unlabelled(self._report, unlabelled)
        empty = [image for image, (_, areas, _) in self._images.items() if areas == []]
        if empty:
            self._report.assumed(
                message(
                    "{count} {count:image is|images are} listed without any shape and "
                    "{count:counts|count} as background (the first is {file}).",
                    count=len(empty),
                    file=empty[0],
                )
            )
        items = [
            ImportedImage(
                image,
                None if areas is None else functools.partial(draw, size, areas, classes.values),
                subset,
            )
            for image, (size, areas, subset) in self._images.items()
        ]
        return ImportResult(items, classes.names, classes.colors, self._report)


def report_unlabelled(report: ConversionReport, images: Sequence[Path]) -> None:
    """Say how many images have no annotation."""
    if images:
        report.left_out(
            message(
                "{count} {count:image has|images have} no usable annotation and "
                "{count:stays|stay} unlabelled (the first is {file}).",
                count=len(images),
                file=images[0],
            )
        )


class LostShapes:
    """Counts shapes that are left out, by their kind, for one sentence about each."""

    def __init__(self, report: ConversionReport) -> None:
        self._report = report
        self._counts: dict[tuple[Path, str], int] = {}

    def add(self, file: Path, kind: str) -> None:
        """Count one shape of a file."""
        self._counts[file, kind] = self._counts.get((file, kind), 0) + 1

    def tell(self) -> None:
        """Put the sentences into the report."""
        for (file, kind), count in self._counts.items():
            self._report.left_out(
                message(
                    "{count} {count:shape|shapes} of the type {kind} in {file} {count:is|are} "
                    "damaged or {count:has|have} no area, and {count:is|are} left out.",
                    count=count,
                    kind=kind,
                    file=file,
                )
            )
