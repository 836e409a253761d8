"""Convolutions, with the biases behind them, and normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.deploy.onnx_writer.constants import Constant
from core.deploy.onnx_writer.graph import GraphWriter, cannot
from core.deploy.onnx_writer.program import Operator, Value


def conv2d(graph: GraphWriter, operator: Operator) -> None:
    """Write a convolution, its bias included."""
    image = operator.operand("input")
    _convolve(graph, operator, "Conv", image, {"dilations": _dilations(operator)})


def conv2d_transpose(graph: GraphWriter, operator: Operator) -> None:
    """Write a transposed convolution, its bias included."""
    if (output_size := operator.find("output_size")) is not None:
        constant = graph.constant_of(output_size)
        # Paddle hands over a zero where no size is asked for.
        if constant is None or constant.array.any():
            raise cannot(operator, "output_size")
    if operator.attributes["padding_algorithm"] == "SAME":
        raise cannot(operator, "padding_algorithm=SAME")
    settings = {"dilations": _dilations(operator)}
    if any(operator.attributes["output_padding"]):
        settings["output_padding"] = list(operator.attributes["output_padding"])
    _convolve(graph, operator, "ConvTranspose", operator.operand("x"), settings)


def batch_norm(graph: GraphWriter, operator: Operator) -> None:
    """Write a normalisation by statistics that are kept."""
    settings = operator.attributes
    is_kept = settings["is_test"] and not settings["trainable_statistics"]
    if not (is_kept or settings["use_global_stats"]):
        raise cannot(operator, "trainable_statistics=True")
    _require_channels_first(operator)
    names = ("x", "scale", "bias", "mean", "variance")
    if None in map(operator.find, names):
        raise cannot(operator, "scale=None")
    inputs = [graph.tensor(operator.operand(name)) for name in names]
    graph.write(
        operator.results[0], "BatchNormalization", *inputs, epsilon=float(settings["epsilon"])
    )


def _convolve(
    graph: GraphWriter, operator: Operator, op: str, image: Value, settings: dict[str, Any]
) -> None:
    _require_channels_first(operator)
    weight = operator.operand("filter")
    kernel = graph.shape(weight)[2:]
    inputs = [graph.tensor(image), graph.tensor(weight)]
    result = operator.results[0]
    if (found := _bias_behind(graph, result)) is not None:
        result, bias = found
        inputs.append(graph.keep(bias))
    graph.write(
        result,
        op,
        *inputs,
        kernel_shape=list(kernel),
        strides=list(operator.attributes["strides"]),
        group=operator.attributes["groups"],
        **padding(graph, operator, image, kernel),
        **settings,
    )


def _bias_behind(graph: GraphWriter, value: Value) -> tuple[Value, Constant] | None:
    """Return a number for each channel that is added to a convolution's result, and the sum."""
    user = graph.program.only_user(value)
    if user is None or user.name != "pd_op.add":
        return None
    x, y = user.operand("x"), user.operand("y")
    constant = graph.constant_of(y if x == value else x)
    channels = graph.shape(value)[1]
    if constant is None or constant.array.shape != (1, channels, 1, 1):
        return None
    return user.results[0], replace(constant, array=constant.array.reshape(-1))


def _dilations(operator: Operator) -> list[int]:
    # Paddle takes "same" as a wish for dense kernels.
    is_same = operator.attributes["padding_algorithm"] == "SAME"
    return [1, 1] if is_same else list(operator.attributes["dilations"])


def padding(
    graph: GraphWriter, operator: Operator, value: Value, kernel: Sequence[int | None]
) -> dict[str, Any]:
    """Return the attributes that say how ``value`` (N, C, H, W) is continued.

    Args:
        graph: what is written.
        operator: a convolution or a pooling.
        value: what it takes.
        kernel: its height and width.
    """
    settings = operator.attributes
    if settings["padding_algorithm"] == "VALID":
        return {"pads": [0, 0, 0, 0]}
    if settings["padding_algorithm"] == "SAME":
        sides = zip(graph.shape(value)[2:], kernel, settings["strides"], strict=True)
        ends = [_same(*side) for side in sides]
        known = [one for one in ends if one is not None]
        if len(known) < len(ends):
            return {"auto_pad": "SAME_UPPER"}
        return {"pads": [one[0] for one in known] + [one[1] for one in known]}
    given = list(settings["paddings"])
    if len(given) == 2:
        return {"pads": given * 2}
    top, bottom, left, right = given
    return {"pads": [top, left, bottom, right]}


def _same(length: int | None, kernel: int | None, stride: int) -> tuple[int, int] | None:
    """Return what is added at both ends of an axis; None where that depends on the image."""
    if kernel is None:
        return None
    if length is None:
        # With a stride of 1 every length is continued alike.
        total = kernel - 1 if stride == 1 else None
    else:
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
    return None if total is None else (total // 2, total - total // 2)


def _require_channels_first(operator: Operator) -> None:
    layout = operator.attributes["data_format"]
    if layout != "NCHW":
        raise cannot(operator, f"data_format={layout}")
