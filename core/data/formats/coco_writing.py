"""Writes COCO's instances: run lengths, or outlines for tools that know no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.data.class_names import IGNORE_NAME
from core.data.formats import rle
from core.data.formats.contours import Region, keyhole_ring, regions
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.import_result import ImportResult
from core.data.formats.writing import (
    LabelledImage,
    copy_image,
    first_class,
    labelled_images,
    new_folder,
)
from core.datasets import SUBSETS, Subset
from core.images.io import IGNORE_INDEX
from core.system.files import write_json_atomic
from core.system.messages import message


def write(result: ImportResult, folder: Path | str, *, polygons: bool = False) -> ConversionReport:
    """Write ``images/`` and ``annotations/instances_<subset>.json``; run lengths are exact.

    Category ids are class indices; the background (class 0, if it is called so) is no category.
    Ignored pixels are a crowd of the category ``__ignore__``.

    Args:
        result: images with masks.
        folder: new or empty.
        polygons: write outlines instead, for tools that know no run lengths; they run through the
            centres of the outermost pixels, so a region loses half a pixel around.

    Returns:
        A sentence for each image that could not be written, and about what outlines lose.

    Raises:
        InputError: ``folder`` exists and is not empty.
    """
    report = ConversionReport()
    annotations: dict[Subset, _Annotations] = {}
    with new_folder(folder) as partial:
        for item in labelled_images(result, report):
            copy_image(item, partial / "images")
            subset = annotations.setdefault(item.subset, _Annotations(result, polygons=polygons))
            subset.add(item)
        (partial / "annotations").mkdir()
        for name in SUBSETS:
            if name in annotations:
                target = partial / "annotations" / f"instances_{name}.json"
                write_json_atomic(target, annotations[name].data())
    if polygons and annotations:
        report.changed(
            message("The outlines are within a pixel of the masks; run lengths are exact.")
        )
    return report


class _Annotations:
    def __init__(self, result: ImportResult, *, polygons: bool) -> None:
        self._result = result
        self._polygons = polygons
        self._first = first_class(result.labels)
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, item: LabelledImage) -> None:
        height, width = item.mask.shape
        entry = {"id": len(self._images) + 1, "width": width, "height": height}
        self._images.append({**entry, "file_name": item.file_name})
        for region in regions(item.mask, skip=range(self._first)):
            self._annotations.append(self._annotation(region, (width, height)))

    def _annotation(self, region: Region, size: tuple[int, int]) -> dict[str, Any]:
        ignored = region.value == IGNORE_INDEX
        height, width = region.stencil.shape
        return {
            "id": len(self._annotations) + 1,
            "image_id": len(self._images),
            "category_id": self._ignore_id if ignored else region.value,
            "segmentation": self._segmentation(region, size, ignored=ignored),
            "area": int(region.stencil.sum()),
            "bbox": [region.x, region.y, width, height],
            "iscrowd": int(ignored),
        }

    def _segmentation(self, region: Region, size: tuple[int, int], *, ignored: bool) -> Any:
        if self._polygons and not ignored and min(region.stencil.shape) > 1:
            ring = keyhole_ring(region) + 0.5
            if len(ring) >= 3:
                return [np.asarray(ring, np.float64).ravel().tolist()]
        counts = rle.coco_counts(region.stencil, region.x, region.y, size)
        return {"size": [size[1], size[0]], "counts": rle.compress(counts, size)}

    @property
    def _ignore_id(self) -> int:
        return len(self._result.labels)

    def data(self) -> dict[str, Any]:
        labels, colors = self._result.labels, self._result.colors
        categories: list[dict[str, Any]] = [
            {"id": index, "name": labels[index], "supercategory": "", "color": list(colors[index])}
            for index in range(self._first, len(labels))
        ]
        if any(entry["iscrowd"] for entry in self._annotations):
            categories.append({"id": self._ignore_id, "name": IGNORE_NAME, "supercategory": ""})
        return {
            "info": {},
            "licenses": [],
            "images": self._images,
            "annotations": self._annotations,
            "categories": categories,
        }
