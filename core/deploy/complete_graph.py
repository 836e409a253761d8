"""From the graph of a network to one that takes images as they are and returns label maps.

What a program would do around the network, with the chance to do it otherwise (another resize,
swapped colours, a mask that is not scaled back), becomes part of the file, in standard operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

from core.deploy.image_nodes import Pair, nearest_by_centres, resize_image
from core.deploy.node_writer import NodeWriter, Tensor
from core.deploy.onnx_graph import drop_unused_initializers, rename_tensors, set_dimensions
from core.images.io import IGNORE_INDEX
from core.prediction.onnx_predictor import NETWORK_INPUT, NETWORK_OUTPUT
from core.system.errors import InputError
from core.transforms import (
    CenterCrop,
    Compose,
    Decode,
    Normalize,
    Padding,
    Rescale,
    Resize,
    ResizeByLong,
    ResizeByShort,
    Transform,
)
from core.transforms.resizing import height_width

ColorOrder = Literal["bgr", "rgb"]
#: Height and width in pixels.
Sides: TypeAlias = tuple[int, int]

#: Names of the complete graph's input and outputs.
IMAGE: Final = "image"
LABEL_MAP: Final = "label_map"
SCORES: Final = "scores"


def complete_graph(
    plain: onnx.ModelProto,
    transforms: Compose,
    *,
    size_multiple: int = 1,
    color_order: ColorOrder = "bgr",
    offsets: npt.NDArray[np.float32] | None = None,
) -> onnx.ModelProto:
    """Put preprocessing before a network, and what makes label maps of its logits after it.

    Where the network takes one size and images come in others, smaller ones are continued with
    zeros as ``core.prediction`` does, and larger ones shrunk until they fit: windows are for the
    program that runs the file.

    Args:
        plain: input (N, 3, H, W) float32 → output logits (N, num_classes, H, W) float32.
        transforms: what makes the network's input of an image.
        size_multiple: what sides are continued to multiples of, where the network takes any.
        color_order: of the images that the graph is to take.
        offsets: (num_classes,) added to the logits before the class is chosen, so that it obeys
            thresholds; None for the highest logit. The scores stay what they are.

    Returns:
        Input ``image`` (N, H, W, 3) uint8; outputs ``label_map`` (N, H, W) uint8, 255 where the
        preprocessing cuts the image off, and ``scores`` (N, num_classes, H, W) float32, 0 … 1.

    Raises:
        InputError: a transform cannot be expressed.
    """
    model = onnx.ModelProto()
    model.CopyFrom(plain)
    graph = model.graph
    names = {graph.input[0].name: NETWORK_INPUT, graph.output[0].name: NETWORK_OUTPUT}
    rename_tensors(model, names)
    inner = [graph.input[0], graph.output[0]]
    sides = [dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim[2:]]
    num_classes = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    steps = list(transforms.transforms)
    wanted: ColorOrder = "rgb"
    if isinstance(steps[0], Decode):
        wanted = "rgb" if steps[0].to_rgb else "bgr"
        del steps[0]
    preparation = _Preparation(
        NodeWriter("prepare."),
        IMAGE,
        window=(sides[0], sides[1]) if all(sides) else None,
        is_reversed=color_order != wanted,
    )
    preparation.apply(steps)
    preparation.finish(size_multiple)
    before, after = preparation.nodes, NodeWriter("restore.")
    _restore(after, preparation.steps, num_classes, offsets)

    network = list(graph.node)
    # By these the network can be found again, and run without what is around it.
    graph.value_info.extend(inner)
    for value in graph.value_info[-len(inner) :]:
        for dim in value.type.tensor_type.shape.dim:
            # Of one name with the image's, a runtime would take both for equally large.
            if dim.dim_param:
                dim.dim_param = f"network_{dim.dim_param}"
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend([*before.nodes, *network, *after.nodes])
    graph.initializer.extend([*before.constants, *after.constants])
    free = ("batch", "height", "width")
    graph.input.append(_value(IMAGE, np.uint8, *free, 3))
    graph.output.append(_value(LABEL_MAP, np.uint8, *free))
    graph.output.append(_value(SCORES, np.float32, "batch", num_classes, "height", "width"))
    drop_unused_initializers(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def _value(name: str, dtype: Any, *shape: int | str) -> onnx.ValueInfoProto:
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    value = onnx.helper.make_tensor_value_info(name, kind, [None] * len(shape))
    set_dimensions(value, *shape)
    return value


@dataclass(frozen=True, slots=True)
class _Resized:
    """The image had ``size`` before."""

    size: Pair


@dataclass(frozen=True, slots=True)
class _Padded:
    """The image of ``size`` lies at ``offset`` (row, column) of a larger one."""

    offset: Pair
    size: Pair


@dataclass(frozen=True, slots=True)
class _Cropped:
    """Of an image of ``size`` only ``part``, from ``offset`` (row, column) on, was kept."""

    offset: Pair
    size: Pair
    part: Pair


_Step = _Resized | _Padded | _Cropped


class _Preparation:
    """An image on its way to the network.

    Args:
        nodes: where to write.
        image: (N, H, W, 3) uint8.
        window: (height, width) that the network takes, None for any.
        is_reversed: whether the channels come in the other order than the network takes them.

    Attributes:
        nodes: what was written.
        steps: what was done to the image's grid.
    """

    def __init__(
        self, nodes: NodeWriter, image: Tensor, *, window: Sides | None, is_reversed: bool
    ) -> None:
        self.nodes = nodes
        self.steps: list[_Step] = []
        self._image = image
        self._window = window
        self._is_reversed = is_reversed
        self._size: Pair = (nodes.side(image, 1), nodes.side(image, 2))
        #: Height and width, and the largest ones, where they do not depend on the image.
        self._known: Sides | None = None
        self._most: Sides | None = None
        self._dtype: type[np.generic] = np.uint8
        self._levels = True  # grey levels 0 … 255, though perhaps as floats

    def apply(self, steps: Sequence[Transform]) -> None:
        """Do what transforms do.

        Raises:
            InputError: one cannot be expressed.
        """
        last = max((i for i, one in enumerate(steps) if not isinstance(one, Normalize)), default=0)
        for index, step in enumerate(steps):
            # The last one that changes the size leaves it such that the network takes it.
            limit = self._window if index == last else None
            match step:
                case Resize(interp="RANDOM") | ResizeByShort(interp="RANDOM"):
                    raise _cannot(step)
                case Normalize():
                    self._normalize(step)
                case Resize():
                    self._stretch(step, limit)
                case ResizeByShort():
                    self._scale(self._by_short(step), step.interp, limit)
                case ResizeByLong(interp=interp) if interp != "RANDOM":
                    factor = self._divided(step.long_size, "Max")
                    self._scale(factor, interp, limit)
                    self._most = self._most or (step.long_size, step.long_size)
                case Rescale():
                    interp = "SMALLER" if step.scale < 1 else "LINEAR"
                    self._scale(self._real(step.scale), interp, limit)
                case Padding():
                    self._pad(step)
                case CenterCrop():
                    self._crop(step.crop_size)
                case _:
                    raise _cannot(step)

    def finish(self, multiple: int) -> None:
        """Make the network's input (N, 3, H, W) float32."""
        nodes, window = self.nodes, self._window
        if window is not None and not _fits(self._most, window):
            self._scale(self._real(1), "LINEAR", window)
        image = nodes.add("Transpose", self._as_floats(), perm=[0, 3, 1, 2])
        if self._is_reversed:
            image = nodes.add("Gather", image, nodes.whole(2, 1, 0), axis=1)
        known = self._known
        if window is not None and known != window:
            image = self._continued(image, self._whole(window), "constant")
        elif (
            window is None and multiple > 1 and (known is None or any(s % multiple for s in known))
        ):
            target = self._multiples(multiple)
            image = self._continued(image, target, "edge")
        nodes.add("Identity", image, name=NETWORK_INPUT)

    def _continued(self, image: Tensor, target: Pair, mode: str) -> Tensor:
        """Continue (N, 3, H, W) to the right and below."""
        nodes, zero = self.nodes, self.nodes.whole(0)
        below, right = (nodes.add("Sub", *pair) for pair in zip(target, self._size, strict=True))
        pads = nodes.add("Concat", nodes.whole(0, 0, 0, 0, 0, 0), below, right, axis=0)
        self.steps.append(_Padded((zero, zero), self._size))
        return nodes.add("Pad", image, pads, mode=mode)

    def _normalize(self, transform: Normalize) -> None:
        nodes, image = self.nodes, self._as_floats()
        # One number for each column's channels: runtimes are slow at repeating three.
        row = nodes.add("Concat", self._size[1], nodes.whole(3), axis=0)
        for op, values in zip(("Mul", "Add"), transform.affine(), strict=True):
            each = nodes.add("Expand", nodes.real(*self._channels(values)), row)
            image = nodes.add(op, image, each)
        self._image = image
        self._dtype, self._levels = np.float32, False

    def _stretch(self, transform: Resize, limit: Sides | None) -> None:
        target = height_width(transform, "target_size", transform.target_size)
        if transform.keep_ratio:
            self._scale(self._to_fit(target), transform.interp, limit)
            self._most = self._most or target
            return
        self._resize(self._whole(target), transform.interp)
        self._known = self._most = target

    def _by_short(self, transform: ResizeByShort) -> Tensor:
        nodes = self.nodes
        factor = self._divided(transform.short_size, "Min")
        if transform.max_size <= 0:
            return factor
        long = nodes.cast(nodes.add("Max", *self._size), np.float64)
        most = self._real(transform.max_size)
        is_long = nodes.add("Less", most, nodes.add("Round", nodes.add("Mul", factor, long)))
        return nodes.add("Where", is_long, nodes.add("Div", most, long), factor)

    def _divided(self, length: int, which: str) -> Tensor:
        """The factor that makes the shorter (``"Min"``) or longer side so long."""
        side = self.nodes.cast(self.nodes.add(which, *self._size), np.float64)
        return self.nodes.add("Div", self._real(length), side)

    def _to_fit(self, target: Sides) -> Tensor:
        """The factor that makes the image just fit."""
        nodes = self.nodes
        sides = zip(target, self._size, strict=True)
        factors = [
            nodes.add("Div", self._real(most), nodes.cast(side, np.float64)) for most, side in sides
        ]
        return nodes.add("Min", *factors)

    def _scale(self, factor: Tensor, interp: str, limit: Sides | None) -> None:
        """Resize both sides by a factor, or by less so that they stay within a limit."""
        nodes = self.nodes
        if limit is not None:
            factor = nodes.add("Min", factor, self._to_fit(limit))
        sides = []
        for side in self._size:
            scaled = nodes.add("Round", nodes.add("Mul", nodes.cast(side, np.float64), factor))
            sides.append(nodes.add("Max", nodes.cast(scaled, np.int64), nodes.whole(1)))
        self._resize((sides[0], sides[1]), interp)
        self._known, self._most = None, limit

    def _resize(self, target: Pair, interp: str) -> None:
        self._image = resize_image(
            self.nodes, self._image, self._size, target, interp=interp, levels=self._levels
        )
        if interp != "NEAREST":
            self._dtype = np.float32
        self.steps.append(_Resized(self._size))
        self._size = target

    def _pad(self, transform: Padding) -> None:
        nodes, before = self.nodes, self._size
        if transform.target_size is None:
            known, target = None, self._multiples(transform.size_divisor)
        else:
            known = height_width(transform, "target_size", transform.target_size)
            # What is larger, and refused where images are prepared by a program, stays so.
            larger = [
                nodes.add("Max", *pair) for pair in zip(before, self._whole(known), strict=True)
            ]
            target = (larger[0], larger[1])
        spare = [nodes.add("Sub", *pair) for pair in zip(target, before, strict=True)]
        if transform.pad_mode == -1:
            x, y = transform.offsets or (0, 0)
            offset = (nodes.whole(y), nodes.whole(x))
        elif transform.pad_mode == 0:
            offset = (nodes.whole(0), nodes.whole(0))
        else:
            part = nodes.whole(2 if transform.pad_mode == 1 else 1)
            offset = (nodes.add("Div", spare[0], part), nodes.add("Div", spare[1], part))
        fill = np.ravel(np.asarray(transform.im_padding_value, np.float64)).tolist()
        self._put_into(offset, spare, fill)
        self.steps.append(_Padded(offset, before))
        fits = known is not None and _fits(self._most, known)
        self._size, self._known = target, known if fits else None
        self._most = self._known

    def _put_into(self, offset: Pair, spare: Sequence[Tensor], fill: Sequence[float]) -> None:
        """Put the image at ``offset`` into a larger one."""
        nodes = self.nodes
        if any(value != int(value) for value in fill):
            self._image, self._dtype, self._levels = self._as_floats(), np.float32, False
        if self._dtype is np.uint8:
            fill = [min(max(value, 0), 255) for value in fill]
        rest = [nodes.add("Sub", *pair) for pair in zip(spare, offset, strict=True)]
        zero = nodes.whole(0)
        pads = nodes.add("Concat", zero, *offset, zero, zero, *rest, zero, axis=0)
        channels = [self._image]
        if len(set(fill)) > 1:
            names = [None] * len(fill)
            channels = nodes.add_split("Split", self._image, names=names, axis=3)
        values = [nodes.constant(value, self._dtype) for value in self._channels(fill)]
        padded = [nodes.add("Pad", one, pads, v) for one, v in zip(channels, values, strict=False)]
        self._image = padded[0] if len(padded) == 1 else nodes.add("Concat", *padded, axis=3)

    def _crop(self, side: int) -> None:
        nodes, before = self.nodes, self._size
        parts = [nodes.add("Min", nodes.whole(side), length) for length in before]
        part = (parts[0], parts[1])
        start = [
            nodes.add("Div", nodes.add("Sub", *pair), nodes.whole(2))
            for pair in zip(before, part, strict=True)
        ]
        self._image = _cut(nodes, self._image, (start[0], start[1]), part, axis=1)
        self.steps.append(_Cropped((start[0], start[1]), before, part))
        self._size = part
        known, most = self._known, self._most
        self._known = None if known is None else (min(side, known[0]), min(side, known[1]))
        self._most = (side, side) if most is None else (min(side, most[0]), min(side, most[1]))

    def _as_floats(self) -> Tensor:
        is_float = self._dtype is np.float32
        return self._image if is_float else self.nodes.cast(self._image, np.float32)

    def _channels(self, values: Any) -> list[float]:
        """Values for R, G, B in the order of the image's channels."""
        listed = [float(value) for value in values]
        return listed[::-1] if self._is_reversed else listed

    def _whole(self, sides: Sides) -> Pair:
        return self.nodes.whole(sides[0]), self.nodes.whole(sides[1])

    def _real(self, value: float) -> Tensor:
        """A number, (1,) float64: sizes are rounded as Python rounds them."""
        return self.nodes.constant([value], np.float64)

    def _multiples(self, multiple: int) -> Pair:
        """Height and width, rounded up to multiples."""
        nodes, step = self.nodes, self.nodes.whole(multiple)
        ups = [nodes.add("Add", side, nodes.whole(multiple - 1)) for side in self._size]
        sides = [nodes.add("Mul", nodes.add("Div", up, step), step) for up in ups]
        return sides[0], sides[1]


def _cannot(step: Transform) -> InputError:
    return InputError(
        "The preprocessing step {name} cannot be made part of the exported file: export with "
        "--plain, and prepare images in your own program.",
        name=type(step).__name__,
    )


def _fits(most: Sides | None, window: Sides) -> bool:
    """Whether images of at most these sides fit into a window."""
    return most is not None and most[0] <= window[0] and most[1] <= window[1]


def _cut(nodes: NodeWriter, array: Tensor, start: Pair, size: Pair, *, axis: int) -> Tensor:
    """Keep a part along an axis and the next one."""
    ends = [nodes.add("Add", *pair) for pair in zip(start, size, strict=True)]
    starts, ends_ = nodes.add("Concat", *start, axis=0), nodes.add("Concat", *ends, axis=0)
    return nodes.add("Slice", array, starts, ends_, nodes.whole(axis, axis + 1))


def _restore(
    nodes: NodeWriter,
    steps: Sequence[_Step],
    num_classes: int,
    offsets: npt.NDArray[np.float32] | None,
) -> None:
    """Make label map and scores at the image's size of the network's output."""
    logits, zero = NETWORK_OUTPUT, nodes.whole(0)
    first = nodes.add("Shape", logits, start=0, end=2)
    for step in reversed(steps):
        match step:
            case _Padded(offset, size):
                logits = _cut(nodes, logits, offset, size, axis=2)
            case _Resized(size):
                sizes = nodes.add("Concat", first, *size, axis=0)
                logits = nodes.add("Resize", logits, "", "", sizes, mode="linear")
            case _Cropped(offset):
                after = _rest(nodes, step)
                pads = nodes.add("Concat", zero, zero, *offset, zero, zero, *after, axis=0)
                logits = nodes.add("Pad", logits, pads)
    shifted = logits
    if offsets is not None:
        shifted = nodes.add("Add", logits, nodes.constant(offsets.reshape(1, -1, 1, 1), np.float32))
    chosen, best = _highest(nodes, shifted, num_classes)
    if shifted is not logits:
        best = nodes.add("ReduceMax", logits, axes=[1], keepdims=1)
    # As Softmax, which runtimes are slow at along any axis but the last.
    powers = nodes.add("Exp", nodes.add("Sub", logits, best))
    total = nodes.add("ReduceSum", powers, nodes.whole(1), keepdims=1)
    nodes.add("Div", powers, total, name=SCORES)
    if not any(isinstance(step, _Cropped) for step in steps):
        nodes.add("Squeeze", chosen, nodes.whole(1), name=LABEL_MAP)
        return
    rows, columns = (_seen(nodes, steps, axis) for axis in (0, 1))
    seen = nodes.add("And", nodes.axes(rows, 1), columns)
    unknown = nodes.constant(IGNORE_INDEX, np.uint8)
    chosen = nodes.add("Squeeze", chosen, nodes.whole(1))
    nodes.add("Where", seen, chosen, unknown, name=LABEL_MAP)


def _highest(nodes: NodeWriter, logits: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """The class with the highest logit, the first of equal ones, and that logit: (N, 1, H, W).

    Class by class: runtimes are slow at ArgMax along any axis but the last.
    """

    def plane(k: int) -> Tensor:
        return nodes.add("Slice", logits, nodes.whole(k), nodes.whole(k + 1), nodes.whole(1))

    chosen, best = nodes.constant(0, np.uint8), plane(0)
    for k in range(1, num_classes):
        one = plane(k)
        chosen = nodes.add(
            "Where", nodes.add("Greater", one, best), nodes.constant(k, np.uint8), chosen
        )
        best = nodes.add("Max", one, best)
    return chosen, best


def _rest(nodes: NodeWriter, step: _Cropped) -> list[Tensor]:
    """How much was cut off below and to the right."""
    ends = [nodes.add("Add", *pair) for pair in zip(step.offset, step.part, strict=True)]
    return [nodes.add("Sub", *pair) for pair in zip(step.size, ends, strict=True)]


def _seen(nodes: NodeWriter, steps: Sequence[_Step], axis: int) -> Tensor:
    """Which rows (axis 0) or columns of the image the network has seen, bool."""
    last = max(index for index, step in enumerate(steps) if isinstance(step, _Cropped))
    seen = nodes.constant([1], np.uint8)
    for step in reversed(steps[: last + 1]):
        match step:
            case _Padded(offset, size):
                end = nodes.add("Add", offset[axis], size[axis])
                seen = nodes.add("Slice", seen, offset[axis], end)
            case _Resized(size):
                place = nearest_by_centres(nodes, nodes.side(seen, 0), size[axis])
                seen = nodes.add("Gather", seen, place)
            case _Cropped(offset, _, part):
                if step is steps[last]:
                    seen = nodes.add("Expand", seen, part[axis])
                pads = nodes.add("Concat", offset[axis], _rest(nodes, step)[axis], axis=0)
                seen = nodes.add("Pad", seen, pads)
    return nodes.cast(seen, np.bool_)
