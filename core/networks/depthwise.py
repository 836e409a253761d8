"""Depthwise convolutions that are quick to train with on a CPU and plain everywhere else."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import paddle
from paddle import Tensor, nn
from paddle.autograd import PyLayer

from core.networks.tracing import trace_as_written

Values = npt.NDArray[np.float32]

_KERNELS: Final = (3, 5)
#: Narrower features than this give the kernel's gradient by matrix products, wider ones by sums.
_NARROW: Final = 24
#: Bytes that places of Paddle's tensors are multiples of.
_ALIGNMENT: Final = 64
#: Numbers that OpenBLAS adds up in one thread, and that stay in the nearest cache.
_SUMMED: Final = 8192


class _Geometry(NamedTuple):
    """Kernel side, stride, and the rows and columns of zeros around the image."""

    kernel: int
    stride: int
    top: int
    bottom: int
    left: int
    right: int


def quick_depthwise(conv: nn.Conv2D, x: Tensor) -> Tensor | None:
    """Convolve ``x`` (N, C, H, W) without the bias; None where Paddle's kernel is to serve.

    Paddle computes depthwise convolutions on a CPU by unfolding the image and many small matrix
    products, and takes three times as long as OpenCV's filters, channel by channel. These serve
    where a gradient is wanted, for square kernels of 3 or 5 at a stride of 1 or 2.
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
    if geometry is None or x.size == 0:
        return None
    filtered: Tensor = _Filter.apply(x, conv.weight, geometry)
    return filtered


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
    if not all(isinstance(side, int) and side >= 0 for side in padding):
        return None
    return _Geometry(height, strides[0], *padding)


def _pair(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


class _Filter(PyLayer):
    """The convolution by OpenCV.

    All images of a channel lie below each other with their zeros, so that one call filters them:
    what reaches from one image into the next falls on rows that are left out.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, geometry: _Geometry) -> Tensor:
        """(N, C, H, W), (C, 1, k, k) → (N, C, H', W')."""
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        tall = _tall(_values(x), geometry)
        kernels = _values(weight)[:, 0]
        rows, columns = _places(tall, geometry)
        filtered = _filtered(tall, kernels)[:, :, rows, columns]
        return _tensor(filtered.transpose(1, 0, 2, 3))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of the image and of the kernels."""
        x, weight = ctx.saved_tensor()
        geometry: _Geometry = ctx.geometry
        tall = _tall(_values(x), geometry)
        kernels = _values(weight)[:, 0]
        rows, columns = _places(tall, geometry)
        spread = np.zeros_like(tall)
        spread[:, :, rows, columns] = _values(gradients[0]).transpose(1, 0, 2, 3)
        turned = np.ascontiguousarray(kernels[:, ::-1, ::-1])
        height, width = x.shape[2:]
        inside = _filtered(spread, turned)[
            :, :, geometry.top : geometry.top + height, geometry.left : geometry.left + width
        ]
        narrow = tall.shape[3] < _NARROW
        of_kernels = (_by_products if narrow else _by_sums)(tall, spread, geometry.kernel)
        return _tensor(inside.transpose(1, 0, 2, 3)), _tensor(of_kernels[:, None])


def _values(tensor: Tensor) -> Values:
    values: Values = np.from_dlpack(tensor.detach().contiguous()).astype(np.float32, copy=False)
    return values


def _tensor(values: Values) -> Tensor:
    """Copy ``values`` to where Paddle would put them.

    The order in which its kernels add numbers up depends on the place in memory: with NumPy's
    places, two trainings of the same seed differ by their rounding.
    """
    memory = np.empty(values.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    aligned = memory[start : start + values.nbytes].view(np.float32).reshape(values.shape)
    aligned[...] = values
    tensor: Tensor = paddle.from_dlpack(aligned)
    return tensor


def _tall(images: Values, geometry: _Geometry) -> Values:
    """(N, C, H, W) → (C, N, H + zeros, W + zeros)."""
    count, channels, height, width = images.shape
    _, _, top, bottom, left, right = geometry
    tall = np.zeros((channels, count, top + height + bottom, left + width + right), np.float32)
    tall[:, :, top : top + height, left : left + width] = images.transpose(1, 0, 2, 3)
    return tall


def _places(tall: Values, geometry: _Geometry) -> tuple[slice, slice]:
    """Rows and columns at which the kernel's middle lies."""
    middle = geometry.kernel // 2
    height, width = tall.shape[2:]
    return (
        slice(middle, height - middle, geometry.stride),
        slice(middle, width - middle, geometry.stride),
    )


def _filtered(tall: Values, kernels: Values) -> Values:
    """Correlate each channel with its kernel; (C, N, H, W) as it came."""
    filtered = np.empty_like(tall)
    channels, count, height, width = tall.shape
    shape = (channels, count * height, width)
    for image, kernel, target in zip(
        tall.reshape(shape), kernels, filtered.reshape(shape), strict=True
    ):
        cv2.filter2D(image, -1, kernel, target, borderType=cv2.BORDER_CONSTANT)
    return filtered


def _by_sums(tall: Values, spread: Values, kernel: int) -> Values:
    """Gradient (C, k, k) of the kernels: for each of their places a sum over all pixels."""
    channels, width = tall.shape[0], tall.shape[3]
    middle = (kernel // 2) * (width + 1)
    images = tall.reshape(channels, -1)
    # Each channel as one line: a place of the kernel is a shift along it.
    factors = spread.reshape(channels, -1)[:, middle : images.shape[1] - middle]
    shifts = [row * width + column for row in range(kernel) for column in range(kernel)]
    sums: Values = np.zeros((channels, len(shifts)), np.float32)
    length = factors.shape[1]
    dot = np.dot
    for image, line, total in zip(images, factors, sums, strict=True):
        for start in range(0, length, _SUMMED):
            part = line[start : start + _SUMMED]
            end = start + len(part)
            total += [dot(part, image[start + shift : end + shift]) for shift in shifts]
    return sums.reshape(channels, kernel, kernel)


def _by_products(tall: Values, spread: Values, kernel: int) -> Values:
    """The same as diagonals of the products of all columns with all columns."""
    channels, count, height, width = tall.shape
    middle = kernel // 2
    lines = tall.reshape(channels, count * height, width)
    rows = count * height - 2 * middle
    inner = width - 2 * middle
    flat = spread.reshape(lines.shape)[:, middle : middle + rows, middle : middle + inner]
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
