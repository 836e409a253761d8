"""Depthwise convolutions that are quick to train with on a CPU and plain everywhere else."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import openvino
import paddle
from openvino import opset13 as ops
from paddle import Tensor, nn
from paddle.autograd import PyLayer

from core.networks.tracing import trace_as_written

Values = npt.NDArray[np.float32]

_KERNELS: Final = (3, 5)
#: Narrower features than this give the gradient of large kernels by matrix products.
_NARROW: Final = 24
#: Bytes that places of Paddle's tensors are multiples of.
_ALIGNMENT: Final = 64
#: Numbers that OpenBLAS adds up in one thread, and that stay in the nearest cache.
_SUMMED: Final = 8192
#: Pixels of a channel up to which one call sums several channels.
_SHORT: Final = 2048
#: Compiled convolutions that are kept: more than any network has.
_MOST_COMPILED: Final = 512


class _Geometry(NamedTuple):
    """All but the image's size; ``top`` … ``right`` are rows and columns of zeros around it."""

    channels: int
    kernel: int
    stride: int
    top: int
    bottom: int
    left: int
    right: int

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """Sides of the image with its zeros."""
        return self.top + height + self.bottom, self.left + width + self.right

    def result(self, height: int, width: int) -> tuple[int, int]:
        """Sides of the output."""
        rows, columns = (
            (side - self.kernel) // self.stride + 1 for side in self.padded(height, width)
        )
        return rows, columns


def quick_depthwise(conv: nn.Conv2D, x: Tensor) -> Tensor | None:
    """Convolve ``x`` (N, C, H, W) without the bias; None where Paddle's kernel is to serve.

    Paddle computes depthwise convolutions on a CPU by unfolding the image and many small matrix
    products. OpenVINO compiles kernels for the processor at hand (oneDNN), which take a fraction of
    that, least on small features. It has no training, but the way back to a convolution's input is
    a convolution, too, and the kernel's gradient is a few sums. This serves where a gradient is
    wanted, for square kernels of 3 or 5 at a stride of 1 or 2.
    """
    if not (
        paddle.in_dynamic_mode()
        # Wrapped layers (quantisation) keep the plain way.
        and type(conv) is nn.Conv2D
        and conv.training
        and paddle.is_grad_enabled()
        and not x.stop_gradient
        and x.dtype == conv.weight.dtype == paddle.float32
        and x.place.is_cpu_place()
    ):
        return None
    geometry = _geometry(conv)
    if geometry is None or x.size == 0 or min(geometry.result(*x.shape[2:])) < 1:
        return None
    convolved: Tensor = _Depthwise.apply(x, conv.weight, geometry)
    return convolved


def _geometry(conv: nn.Conv2D) -> _Geometry | None:
    channels, per_group, height, width = conv.weight.shape
    if conv._groups != channels or per_group != 1 or height != width or height not in _KERNELS:
        return None
    strides, dilations = _pair(conv._stride), _pair(conv._dilation)
    if strides not in ((1, 1), (2, 2)) or dilations != (1, 1):
        return None
    padding: Any = conv._padding
    if padding == "same" and strides == (1, 1):
        padding = height // 2
    if isinstance(padding, int):
        padding = [padding] * 4
    if not isinstance(padding, (list, tuple)) or len(padding) != 4:
        return None
    if not all(isinstance(side, int) and 0 <= side < height for side in padding):
        return None
    return _Geometry(channels, height, strides[0], *padding)


def _pair(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


class _Depthwise(PyLayer):
    """The convolution by OpenVINO, its kernel's gradient by NumPy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, geometry: _Geometry) -> Tensor:
        """(N, C, H, W), (C, 1, k, k) → (N, C, H', W')."""
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        shape = (*x.shape[:2], *geometry.result(*x.shape[2:]))
        return _run(_compiled(geometry), _values(x), _values(weight), shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of the image and of the kernels."""
        x, weight = ctx.saved_tensor()
        geometry: _Geometry = ctx.geometry
        gradient, kernels = _values(gradients[0]), _values(weight)
        unseen = tuple(
            side - (steps - 1) * geometry.stride - geometry.kernel
            for side, steps in zip(geometry.padded(*x.shape[2:]), gradient.shape[2:], strict=True)
        )
        if geometry.stride == 1:
            kernels = np.ascontiguousarray(kernels[:, :, ::-1, ::-1])
        of_image = _run(_compiled(geometry, unseen), gradient, kernels, tuple(x.shape))
        of_kernels = _of_kernels(_values(x), gradient, geometry)
        return of_image, _tensor(of_kernels[:, None])


_requests: OrderedDict[tuple[Any, ...], Any] = OrderedDict()


def _compiled(geometry: _Geometry, unseen: tuple[int, ...] | None = None) -> Any:
    """Return what computes (image, kernels) → image, for any number and size of images.

    Args:
        geometry: of the convolution.
        unseen: for the way back from the output's gradient to the input's: rows and columns at
            the input's end that no output sees.
    """
    key = (geometry, unseen)
    if key in _requests:
        _requests.move_to_end(key)
        return _requests[key]
    options = {
        "INFERENCE_NUM_THREADS": int(os.environ.get("OMP_NUM_THREADS") or 1),
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        # By itself it ties its thread to the first core: that of every process that trains along.
        "ENABLE_CPU_PINNING": False,
    }
    compiled = openvino.Core().compile_model(_model(geometry, unseen), "CPU", options)
    _requests[key] = compiled.create_infer_request()
    if len(_requests) > _MOST_COMPILED:
        _requests.popitem(last=False)
    return _requests[key]


def _model(geometry: _Geometry, unseen: tuple[int, ...] | None) -> openvino.Model:
    channels, side, stride, top, bottom, left, right = geometry
    before, after = [top, left], [bottom, right]
    image = ops.parameter(openvino.PartialShape([-1, channels, -1, -1]), openvino.Type.f32)
    kernels = ops.parameter([channels, 1, 1, side, side], openvino.Type.f32)
    strides, dilations = [stride, stride], [1, 1]
    if unseen is not None and stride > 1:
        made = ops.group_convolution_backprop_data(
            image,
            kernels,
            strides,
            pads_begin=before,
            pads_end=after,
            dilations=dilations,
            output_padding=list(unseen),
        )
    else:
        if unseen is not None:
            before = [side - 1 - zeros for zeros in before]
            after = [side - 1 - zeros for zeros in after]
        made = ops.group_convolution(image, kernels, strides, before, after, dilations)
    return openvino.Model([made], [image, kernels])


def _run(request: Any, image: Values, kernels: Values, shape: tuple[int, ...]) -> Tensor:
    """Compute into memory that Paddle goes on with."""
    side = kernels.shape[-1]
    result = _aligned(shape)
    for index, values in enumerate((image, kernels.reshape(-1, 1, 1, side, side))):
        lent = np.asarray(_Lent(values))
        request.set_input_tensor(index, openvino.Tensor(lent, shared_memory=True))
    request.set_output_tensor(openvino.Tensor(result, shared_memory=True))
    request.infer()
    tensor: Tensor = paddle.from_dlpack(result)
    return tensor


class _Lent:
    """Memory of a Paddle tensor, which is read only, for OpenVINO, which takes no such arrays."""

    def __init__(self, values: Values) -> None:
        self._values = values
        interface = values.__array_interface__
        self.__array_interface__ = interface | {"data": (interface["data"][0], False)}


def _values(tensor: Tensor) -> Values:
    values: Values = np.from_dlpack(tensor.detach().contiguous()).astype(np.float32, copy=False)
    return values


def _aligned(shape: tuple[int, ...]) -> Values:
    """Memory where Paddle would put numbers.

    The order in which its kernels add numbers up depends on the place in memory: with NumPy's
    places, two trainings of the same seed differ by their rounding.
    """
    size = int(np.prod(shape)) * np.dtype(np.float32).itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(np.float32).reshape(shape)


def _tensor(values: Values) -> Tensor:
    aligned = _aligned(values.shape)
    aligned[...] = values
    tensor: Tensor = paddle.from_dlpack(aligned)
    return tensor


def _of_kernels(x: Values, gradient: Values, geometry: _Geometry) -> Values:
    """Gradient (C, k, k) of the kernels.

    All images of a channel lie below each other with their zeros, as one line: a place of the
    kernel is a shift along it, and what reaches from one image into the next meets zeros. With a
    stride the line holds every second row and column only, and there is one for each remainder.
    """
    stride, side = geometry.stride, geometry.kernel
    phases = _phases(x, geometry)
    _, channels, count, height, width = phases.shape
    spread = np.zeros((channels, count, height, width), np.float32)
    rows, columns = gradient.shape[2:]
    spread[:, :, :rows, :columns] = gradient.transpose(1, 0, 2, 3)
    if stride == 1 and side > _KERNELS[0] and width < _NARROW:
        return _by_products(phases[0], spread, side)
    places = [divmod(place, stride) for place in range(side)]
    shifts = [
        (row_phase * stride + column_phase, row * width + column)
        for row, row_phase in places
        for column, column_phase in places
    ]
    return _by_sums(phases, spread, shifts).reshape(channels, side, side)


def _phases(images: Values, geometry: _Geometry) -> Values:
    """(N, C, H, W) → (stride², C, N, ⌈H / stride⌉, ⌈W / stride⌉), zeros around it included."""
    count, channels, height, width = images.shape
    stride = geometry.stride
    sides = [-(-side // stride) * stride for side in geometry.padded(height, width)]
    tall = np.zeros((channels, count, *sides), np.float32)
    tall[:, :, geometry.top : geometry.top + height, geometry.left : geometry.left + width] = (
        images.transpose(1, 0, 2, 3)
    )
    if stride == 1:
        return tall[None]
    apart = tall.reshape(channels, count, sides[0] // stride, stride, sides[1] // stride, stride)
    ordered = np.ascontiguousarray(apart.transpose(3, 5, 0, 1, 2, 4))
    return ordered.reshape(stride * stride, *ordered.shape[2:])


def _by_sums(phases: Values, spread: Values, shifts: list[tuple[int, int]]) -> Values:
    """For each place of the kernel a sum over all pixels: (C, places)."""
    channels = len(spread)
    lines = phases.reshape(len(phases), channels, -1)
    factors = spread.reshape(channels, -1)
    length = factors.shape[1] - max(shift for _, shift in shifts)
    sums = np.zeros((channels, len(shifts)), np.float32)
    if length <= _SHORT:
        together = _SUMMED // length
        for start in range(0, channels, together):
            chosen = slice(start, start + together)
            part = factors[chosen, :length]
            for place, (phase, shift) in enumerate(shifts):
                sums[chosen, place] = np.vecdot(part, lines[phase, chosen, shift : shift + length])
        return sums
    dot = np.dot
    for line, total, channel in zip(factors, sums, lines.swapaxes(0, 1), strict=True):
        places = [(channel[phase], shift) for phase, shift in shifts]
        for begin in range(0, length, _SUMMED):
            part = line[begin : min(length, begin + _SUMMED)]
            size = len(part)
            total += [
                dot(part, image[begin + shift : begin + shift + size]) for image, shift in places
            ]
    return sums


def _by_products(tall: Values, spread: Values, kernel: int) -> Values:
    """The same as diagonals of the products of all columns with all columns."""
    channels, count, height, width = tall.shape
    lines = tall.reshape(channels, count * height, width)
    rows = count * height - (kernel - 1)
    inner = width - (kernel - 1)
    flat = spread.reshape(lines.shape)[:, :rows, :inner]
    factors = np.ascontiguousarray(flat.transpose(0, 2, 1))
    gradient: Values = np.empty((channels, kernel, kernel), np.float32)
    for row in range(kernel):
        products = np.matmul(factors, lines[:, row : row + rows])
        by_channel, by_line, by_column = products.strides
        diagonals = np.lib.stride_tricks.as_strided(
            products,
            (channels, kernel, inner),
            (by_channel, by_column, by_line + by_column),
            writeable=False,
        )
        gradient[:, row] = diagonals.sum(axis=2)
    return gradient


trace_as_written(__name__)
