"""A small folder in each format that is read and not written, as its tool would write it."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from format_samples import save_image, save_mask
from PIL import Image
from pycocotools import mask as coco_mask

SIZE = (24, 32)
"""Height, width."""
MASK = np.zeros(SIZE, np.uint8)
MASK[4:12, 5:20] = 1
_COLORS = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
_OUTLINE = [5, 4, 20, 4, 20, 12, 5, 12]


def _json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def _colored(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_COLORS[MASK]).save(path)


def _rle() -> dict[str, Any]:
    encoded = coco_mask.encode(np.asfortranarray(MASK))
    return {"size": list(SIZE), "counts": encoded["counts"].decode()}


def _color_masks(root: Path) -> None:
    save_image(root / "images" / "a.png", SIZE)
    _colored(root / "masks" / "a.png")
    (root / "labelmap.txt").write_text("background:0,0,0::\ncrack:255,0,0::\n")


def _roboflow(root: Path) -> None:
    save_image(root / "train" / "a.jpg", SIZE)
    save_mask(root / "train" / "a_mask.png", MASK)
    (root / "train" / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, crack\n")


def _coco_panoptic(root: Path) -> None:
    save_image(root / "train" / "a.jpg", SIZE)
    (root / "panoptic").mkdir()
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[MASK > 0] = (7, 1, 0)
    Image.fromarray(pixels).save(root / "panoptic" / "a.png")
    segments = [{"id": 263, "category_id": 1, "iscrowd": 0}]
    _json(
        root / "panoptic.json",
        {
            "images": [{"id": 1, "file_name": "a.jpg", "width": SIZE[1], "height": SIZE[0]}],
            "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
            "categories": [{"id": 1, "name": "crack", "isthing": 1}],
        },
    )


def _label_studio(root: Path) -> None:
    save_image(root / "a.png", SIZE)
    points = np.array(_OUTLINE).reshape(-1, 2) * 100 / np.array(SIZE[::-1])
    value = {"points": points.tolist(), "polygonlabels": ["crack"]}
    size = {"original_width": SIZE[1], "original_height": SIZE[0]}
    result = {"type": "polygonlabels", "value": value, **size}
    task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [result]}]}
    _json(root / "export.json", [task])


def _supervisely(root: Path) -> None:
    save_image(root / "train" / "img" / "a.png", SIZE)
    stream = io.BytesIO()
    Image.fromarray(MASK[4:12, 5:20] * 255).save(stream, "PNG")
    data = base64.b64encode(zlib.compress(stream.getvalue())).decode()
    bitmap = {"data": data, "origin": [5, 4]}
    entry = {"classTitle": "crack", "geometryType": "bitmap", "bitmap": bitmap}
    size = {"height": SIZE[0], "width": SIZE[1]}
    _json(root / "meta.json", {"classes": [{"title": "crack", "color": "#FF0000"}]})
    _json(root / "train" / "ann" / "a.png.json", {"size": size, "objects": [entry], "tags": []})


def _datumaro(root: Path) -> None:
    save_image(root / "images" / "train" / "a.png", SIZE)
    entry = {"type": "polygon", "label_id": 0, "points": _OUTLINE, "z_order": 0}
    item = {"id": "a", "annotations": [entry], "image": {"path": "a.png", "size": list(SIZE)}}
    categories = {"label": {"labels": [{"name": "crack"}]}}
    _json(root / "annotations" / "train.json", {"categories": categories, "items": [item]})


def _sam(root: Path) -> None:
    save_image(root / "sa_1.png", SIZE)
    entry = {"file_name": "sa_1.png", "width": SIZE[1], "height": SIZE[0]}
    masks = [{"segmentation": _rle(), "stability_score": 0.9}]
    _json(root / "sa_1.json", {"image": entry, "annotations": masks})


def _camvid(root: Path) -> None:
    save_image(root / "train" / "a.png", SIZE)
    _colored(root / "trainannot" / "a.png")
    (root / "label_colors.txt").write_text("0 0 0 background\n255 0 0 crack\n")


def _kitti(root: Path) -> None:
    save_image(root / "training" / "image_2" / "a.png", SIZE)
    save_mask(root / "training" / "semantic" / "a.png", MASK)


def _mapillary(root: Path) -> None:
    save_image(root / "training" / "images" / "a.jpg", SIZE)
    save_mask(root / "training" / "labels" / "a.png", MASK)
    _json(root / "config.json", {"labels": [{"name": "background"}, {"name": "crack"}]})


SAMPLES: dict[str, Callable[[Path], None]] = {
    "color-masks": _color_masks,
    "roboflow": _roboflow,
    "coco-panoptic": _coco_panoptic,
    "label-studio": _label_studio,
    "supervisely": _supervisely,
    "datumaro": _datumaro,
    "sam": _sam,
    "camvid": _camvid,
    "kitti": _kitti,
    "mapillary": _mapillary,
}


def write_sample(key: str, root: Path) -> Path:
    """Write one image of which ``MASK`` is class 1; returns the folder."""
    root.mkdir(parents=True, exist_ok=True)
    SAMPLES[key](root)
    return root
