"""What an export says of itself, in ``manifest.json`` and in the model file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.deploy.complete_graph import IMAGE, LABEL_MAP, SCORES, ColorOrder
from core.deploy.onnx_export import INPUT, OUTPUT
from core.portable.manifest import (
    MANIFEST,
    Manifest,
    ModelInput,
    Tiling,
    file_record,
    manifest_to_dict,
)
from core.prediction.image_windows import scaled_tiling
from core.prediction.predictor import OVERLAP, WINDOW
from core.transforms import Normalize, transforms_from_list

_LIBRARIES: Final = (
    "maskwright",
    "paddlepaddle",
    "paddlepaddle-gpu",
    "onnx",
    "onnxruntime",
    "openvino",
)

Items = Sequence[Mapping[str, Mapping[str, Any]]]


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that have a part in an export."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def complete_input(color_order: ColorOrder) -> ModelInput:
    """Return the input of a complete graph."""
    return ModelInput(name=IMAGE, color_order=color_order.upper())


def plain_input(items: Items | None, size: tuple[int, int] | None) -> ModelInput:
    """Return the input of a plain graph.

    Args:
        items: preprocessing, None where none is known.
        size: (width, height) that it takes, None for any.
    """
    width, height = size or (None, None)
    return ModelInput(
        name=INPUT,
        layout="NCHW",
        dtype="float32",
        color_order="RGB",
        height=height,
        width=width,
        range=_range(items),
    )


def _range(items: Items | None) -> tuple[float, float]:
    """Smallest and largest value that black and white become."""
    low, high = [0.0] * 3, [255.0] * 3
    steps = [] if not items else transforms_from_list(list(items)).transforms
    for step in steps:
        if isinstance(step, Normalize):
            scale, shift = step.affine()
            ends = [
                [v * s + t for v, s, t in zip(e, scale, shift, strict=True)] for e in (low, high)
            ]
            low, high = ([f(pair) for pair in zip(*ends, strict=True)] for f in (min, max))
    return round(float(min(low)), 6), round(float(max(high)), 6)


def outputs(*, plain: bool) -> dict[str, str]:
    """Return the names of the output tensors by what they are."""
    return {"logits": OUTPUT} if plain else {"label_map": LABEL_MAP, "scores": SCORES}


def tiling(items: Items | None, size: tuple[int, int] | None, *, plain: bool) -> Tiling | None:
    """Return the windows that larger images are computed in.

    Args:
        items: preprocessing, None where none is known.
        size: (width, height) that the network takes, None for any.
        plain: in pixels of the network's input, instead of the image's.

    Returns:
        None where the preprocessing makes a small image of any.
    """
    if makes_small(items or ()):
        return None
    scales = [
        (item["Rescale"] or {}).get("scale", 1.0) for item in items or () if "Rescale" in item
    ]
    scale = float(np.prod(scales))
    window = size or WINDOW
    overlap = min(OVERLAP, min(window) // 2)
    return scaled_tiling(window, overlap, scale=1.0 if plain else scale)


def makes_small(items: Items) -> bool:
    """Whether a preprocessing brings images of any size to about the same."""
    return any(_is_small(name, values or {}) for item in items for name, values in item.items())


def _is_small(name: str, parameters: Mapping[str, Any]) -> bool:
    to_one_size = name == "Padding" and parameters.get("target_size") is not None
    return name.startswith("Resize") or name == "CenterCrop" or to_one_size


def manifest_text(manifest: Manifest) -> str:
    """Return what lies in a model file itself: all but the hashes of files, its own among them."""
    content = manifest_to_dict(manifest)
    del content["files"]
    return json.dumps(content, ensure_ascii=False)


def with_files(manifest: Manifest, folder: Path) -> Manifest:
    """Return the manifest with what lies in the folder, and the time."""
    names = sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and file.name != MANIFEST
    )
    return replace(
        manifest,
        files={name: file_record(folder / name) for name in names},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
