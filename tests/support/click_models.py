"""Tiny ONNX files that follow the interfaces of click models and answer by plain arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def _save(path: Path, nodes, inputs, outputs, constants) -> Path:
    graph = helper.make_graph(
        nodes,
        "clicks",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
        [helper.make_tensor_value_info(name, FLOAT, _free_shape(name)) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def _free_shape(name: str) -> list[str]:
    return [f"{name}_{axis}" for axis in range(2 if name == "iou_predictions" else 4)]


def sam_encoder(path: Path, *, side: int | None = 32, kind: int = FLOAT) -> Path:
    """Red at a 16×16 grid, (1, 1, 16, 16): of (1, 3, side, side), or of (H, W, 3) without."""
    if side is not None:
        nodes = [
            helper.make_node("Slice", ["x", "zero", "one", "axis"], ["red"]),
            helper.make_node("Resize", ["red", "", "", "grid"], ["image_embeddings"]),
        ]
        constants = {"zero": np.array([0]), "one": np.array([1]), "axis": np.array([1])}
        inputs = [("x", kind, [1, 3, side, side])]
    else:
        nodes = [
            helper.make_node("Cast", ["x"], ["xf"], to=FLOAT),
            helper.make_node("Transpose", ["xf"], ["planes"], perm=[2, 0, 1]),
            helper.make_node("Slice", ["planes", "zero", "one", "zero"], ["red"]),
            helper.make_node("Unsqueeze", ["red", "zero"], ["red4"]),
            helper.make_node("Resize", ["red4", "", "", "grid"], ["image_embeddings"]),
        ]
        constants = {"zero": np.array([0]), "one": np.array([1])}
        inputs = [("x", kind, ["height", "width", 3])]
    constants["grid"] = np.array([1, 1, 16, 16])
    return _save(path, nodes, inputs, ["image_embeddings"], constants)


def sam_decoder(path: Path, *, without: str = "", extra: str = "") -> Path:
    """Two masks over the image; the better one is where the embedding exceeds 0.

    ``low_res_masks`` gives ``mask_input`` + number of points in the first mask and the sum of
    labels in the second, so that a test can see what arrived.
    """
    inputs = [
        ("image_embeddings", FLOAT, [1, 1, 16, 16]),
        ("point_coords", FLOAT, [1, "n", 2]),
        ("point_labels", FLOAT, [1, "n"]),
        ("mask_input", FLOAT, [1, 1, 8, 8]),
        ("has_mask_input", FLOAT, [1]),
        ("orig_im_size", FLOAT, [2]),
    ]
    inputs = [one for one in inputs if one[0] != without]
    if extra:
        inputs.append((extra, FLOAT, [1]))
    nodes = [
        helper.make_node("Cast", ["orig_im_size"], ["size"], to=TensorProto.INT64),
        helper.make_node("Concat", ["ones", "size"], ["shape"], axis=0),
        helper.make_node("Resize", ["image_embeddings", "", "", "shape"], ["good"]),
        helper.make_node("Neg", ["good"], ["bad"]),
        helper.make_node("Concat", ["bad", "good"], ["masks"], axis=1),
        helper.make_node("Identity", ["scores"], ["iou_predictions"]),
        helper.make_node("ReduceSum", ["point_coords", "axes"], ["xy"], keepdims=0),
        helper.make_node("ReduceSum", ["point_labels", "label_axes"], ["sum"], keepdims=0),
        helper.make_node("Add", ["mask_input", "xy"], ["first"]),
        helper.make_node("Add", ["mask_input", "sum"], ["second0"]),
        helper.make_node("Add", ["second0", "has_mask_input"], ["second"]),
        helper.make_node("Concat", ["first", "second"], ["low_res_masks"], axis=1),
    ]
    constants = {
        "ones": np.array([1, 1]),
        "axes": np.array([0, 1, 2]),
        "label_axes": np.array([0, 1]),
        "scores": np.array([[0.25, 0.75]], np.float32),
    }
    outputs = ["masks", "iou_predictions", "low_res_masks"]
    if without:  # a graph that may lack the input
        nodes = [helper.make_node("Identity", ["scores"], [name]) for name in outputs]
        constants = {"scores": constants["scores"]}
    return _save(path, nodes, inputs, outputs, constants)


def ritm(path: Path, *, planes: int = 3, columns: int = 3, places: int | None = None) -> Path:
    """Inside is where red is as bright as at the first click, ± 0.1.

    With four planes, what was found before stays inside.
    """
    nodes = [
        helper.make_node("Slice", ["image", "zero", "one", "one"], ["red"]),
        helper.make_node("Slice", ["points", "zero", "one", "one"], ["first"]),
        helper.make_node("Slice", ["first", "zero", "two", "axis2"], ["place"]),
        helper.make_node("Cast", ["place"], ["index"], to=TensorProto.INT64),
        helper.make_node("Squeeze", ["red", "both"], ["flat"]),
        helper.make_node("Squeeze", ["index", "zero"], ["index2"]),
        helper.make_node("GatherND", ["flat", "index2"], ["value"]),
        helper.make_node("Sub", ["red", "value"], ["difference"]),
        helper.make_node("Abs", ["difference"], ["distance"]),
        helper.make_node("Sub", ["tolerance", "distance"], ["logits"]),
    ]
    constants = {
        "zero": np.array([0]),
        "one": np.array([1]),
        "two": np.array([2]),
        "axis2": np.array([2]),
        "both": np.array([0, 1]),
        "tolerance": np.array(0.1, np.float32),
    }
    if planes == 4:
        nodes[-1] = helper.make_node("Sub", ["tolerance", "distance"], ["plain"])
        nodes += [
            helper.make_node("Slice", ["image", "three", "four", "one"], ["memory"]),
            helper.make_node("Sub", ["memory", "half"], ["kept"]),
            helper.make_node("Max", ["plain", "kept"], ["logits"]),
        ]
        constants |= {
            "three": np.array([3]),
            "four": np.array([4]),
            "half": np.array(0.52, np.float32),
        }
    shape = [1, "2n" if places is None else 2 * places, columns]
    inputs = [("image", FLOAT, [1, planes, "h", "w"]), ("points", FLOAT, shape)]
    return _save(path, nodes, inputs, ["logits"], constants)
