"""Exported models of a few nodes: complete graphs that need no training and no paddle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from core.portable.manifest import Manifest, file_record, write_manifest

LABELS = ("background", "Crack", "Dark")


def complete_graph(*, kernel: int = 1, order: str = "BGR", seed: int | None = None) -> Any:
    """A graph of three classes: reddish pixels are 1, dark ones 2, all others 0.

    Args:
        kernel: side of the one convolution; above 1 it averages, with zeros around the image.
        order: of the colours that it takes.
        seed: random weights of the convolution instead.
    """
    weights = np.zeros((3, 3, kernel, kernel), np.float32)
    red, green = (2, 1) if order == "BGR" else (0, 1)
    weights[1, red], weights[1, green] = 0.06, -0.06
    weights[2] = -0.03
    biases = np.array([0, -4, 4], np.float32)
    weights /= kernel**2
    if seed is not None:
        rng = np.random.default_rng(seed)
        weights = rng.normal(0, 0.02 / kernel, weights.shape).astype(np.float32)
    pads = [kernel // 2] * 4
    nodes = [
        helper.make_node("Cast", ["image"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "weights", "biases"], ["logits"], pads=pads),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
        helper.make_node("ArgMax", ["logits"], ["classes"], axis=1, keepdims=0),
        helper.make_node("Cast", ["classes"], ["label_map"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(
        nodes,
        "three classes",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3])],
        [
            helper.make_tensor_value_info("label_map", TensorProto.UINT8, ["N", "H", "W"]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3, "H", "W"]),
        ],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(biases, "biases"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write_line_model(folder: Path, *, model: Any = None, **changes: Any) -> Manifest:
    """Write an export folder of a complete graph; ``changes`` are of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(complete_graph() if model is None else model, str(folder / "model.onnx"))
    (folder / "model.yml").write_text("model: Nodes\n", encoding="utf-8")
    manifest = Manifest(
        format="onnx",
        model="Nodes",
        labels=LABELS,
        colors=((0, 0, 0), (220, 40, 40), (40, 40, 220)),
        background=0,
    )
    files = {name: file_record(folder / name) for name in ("model.onnx", "model.yml")}
    manifest = replace(manifest, **{"files": files, **changes})
    write_manifest(folder, manifest)
    return manifest


def parts_picture(height: int = 60, width: int = 80, *, seed: int = 0) -> np.ndarray:
    """A light picture (H, W, 3) BGR with a reddish bar and a dark square, and some noise."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(170, 200, (height, width, 3)).astype(np.uint8)
    picture[height // 6 : height // 6 + 4, width // 8 : width // 2] = (60, 60, 230)
    picture[height // 2 : height // 2 + 12, width // 2 : width // 2 + 15] = (15, 15, 15)
    return picture


def write_pictures(folder: Path, count: int = 2, *, size: tuple[int, int] = (60, 80)) -> list[Path]:
    """Write pictures with defects; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"零件 {number}.png" for number in range(count)]
    for number, file in enumerate(files):
        data = cv2.imencode(".png", parts_picture(*size, seed=number))[1]
        file.write_bytes(data.tobytes())
    return files
