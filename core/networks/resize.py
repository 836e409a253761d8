"""Bilinear resizing that is quick to train with on a CPU and plain everywhere else."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor

from core.networks.tracing import trace_as_written


def spatial_size(x: Tensor) -> Any:
    """Height and width of ``x`` (N, C, H, W): two ints, or a tensor while exporting free sizes."""
    height, width = x.shape[2], x.shape[3]
    if height > 0 and width > 0:
        return [height, width]
    return paddle.shape(x)[2:]


def resize_bilinear(x: Tensor, size: Any, *, align_corners: bool) -> Tensor:
    """Resize ``x`` (N, C, h, w) to ``size`` = (H, W); equals ``F.interpolate`` to float rounding.

    Bilinear interpolation is linear and separable: ``rows @ x @ columns``. On a CPU the two
    matrix products and their gradients are several times quicker than the interpolation
    kernel's backward pass, so they serve where a gradient is wanted.
    """
    if isinstance(size, list) and size == list(x.shape[2:]):
        return x
    if _products_are_quicker(x, size):
        rows = _interpolation_tensor(x.shape[2], size[0], align_corners)
        columns = _interpolation_tensor(x.shape[3], size[1], align_corners)
        return paddle.matmul(rows, paddle.matmul(x, columns, transpose_y=True))
    return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)


def _products_are_quicker(x: Tensor, size: Any) -> bool:
    return (
        isinstance(size, list)
        and paddle.in_dynamic_mode()
        and not x.stop_gradient
        and x.dtype == paddle.float32
        and x.place.is_cpu_place()
    )


@lru_cache(maxsize=64)
def _interpolation_tensor(source: int, target: int, align_corners: bool) -> Tensor:
    with paddle.no_grad():
        matrix = interpolation_matrix(source, target, align_corners=align_corners)
        return paddle.to_tensor(matrix, place=paddle.CPUPlace(), stop_gradient=True)


def interpolation_matrix(
    source: int, target: int, *, align_corners: bool
) -> npt.NDArray[np.float32]:
    """Matrix (target, source) of linear interpolation along one axis; rows sum to 1.

    Pixel centres lie at half-integers, or, with ``align_corners``, the two end pixels of source
    and target coincide.
    """
    # Paddle's kernel computes the places in float32 too, and takes pixel 0 for a single target.
    places = np.arange(target, dtype=np.float32)
    if align_corners:
        places *= np.float32((source - 1) / max(target - 1, 1))
    elif target == 1:
        places *= 0
    else:
        places = np.maximum(np.float32(source / target) * (places + 0.5) - 0.5, 0)
    lower = np.minimum(places.astype(np.int64), source - 1)
    upper = np.minimum(lower + 1, source - 1)
    share = places - lower
    matrix = np.zeros((target, source), dtype=np.float32)
    np.add.at(matrix, (np.arange(target), lower), 1.0 - share)
    np.add.at(matrix, (np.arange(target), upper), share)
    return matrix


# Tracing would turn sizes that are free into tensors before spatial_size can tell them apart.
trace_as_written(__name__)
