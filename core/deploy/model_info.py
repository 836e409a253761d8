"""What an export says of itself in the words of OpenVINO Model API.

Its users' tools look for these keys: in the section ``model_info`` of ``rt_info`` of an
intermediate representation, as ``"model_info <key>"`` in the metadata of an ONNX file. They say
less than the manifest, which is what counts here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.portable.manifest import Manifest
from core.transforms import transforms_from_list
from core.transforms.color import Normalize

METADATA_SECTION: Final = "model_info"


def model_info(manifest: Manifest) -> dict[str, str]:
    """Return the keys of OpenVINO Model API with their values, all texts.

    A complete graph prepares images itself: nothing is left to subtract, divide or swap.
    """
    complete = manifest.graph == "complete"
    image = manifest.input
    info = {
        "model_type": "Segmentation",
        "task_type": "segmentation",
        "model_name": manifest.model,
        "labels": " ".join(label.replace(" ", "_") for label in manifest.labels),
        "layout": f"{image.name}:{image.layout}",
        "input_dtype": "u8",  # of the images, before they are prepared
        "intensity_mode": "none",
        "embedded_processing": str(complete),
        "reverse_input_channels": str(image.color_order == "RGB"),
        "resize_type": "standard",
        "pad_value": "0",
        "mean_values": "",
        "scale_values": "",
        # Scores of plain graphs are no probabilities: the highest one wins, whatever it is.
        "blur_strength": "-1",
        "soft_threshold": "-inf",
        "return_soft_prediction": str(complete),
    }
    if image.height is not None and image.width is not None:
        info |= {"orig_height": str(image.height), "orig_width": str(image.width)}
    if manifest.tiling is not None and manifest.tiling.width == manifest.tiling.height:
        share = manifest.tiling.overlap / manifest.tiling.width
        info |= {"tile_size": str(manifest.tiling.width), "tiles_overlap": f"{share:.6g}"}
    if not complete and manifest.preprocessing:
        info |= _preprocessing(manifest.preprocessing)
    return info


def onnx_metadata(manifest: Manifest) -> dict[str, str]:
    """Return ``model_info`` under the names that it has in an ONNX file."""
    return {f"{METADATA_SECTION} {key}": value for key, value in model_info(manifest).items()}


def _preprocessing(items: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Say how images are prepared, as far as there are words for it."""
    info: dict[str, str] = {}
    parameters = {name: dict(values) for item in items for name, values in item.items()}
    if parameters.get("Resize", {}).get("keep_ratio") or "Padding" in parameters:
        info["resize_type"] = "fit_to_window_letterbox"
        fill = parameters.get("Padding", {}).get("im_padding_value", [0])
        info["pad_value"] = str(round(float(np.mean(fill))))
    normalizers = [
        step
        for step in transforms_from_list([dict(item) for item in items]).transforms
        if isinstance(step, Normalize)
    ]
    if len(normalizers) == 1:
        scale, shift = normalizers[0].affine()
        info |= {"mean_values": _texts(-shift / scale), "scale_values": _texts(1 / scale)}
    return info


def _texts(values: npt.NDArray[np.float64]) -> str:
    return " ".join(f"{value:.9g}" for value in values)
