"""How long an exported model takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.prediction.onnx_predictor import OnnxModel
from core.system.errors import InputError


@dataclass(frozen=True, slots=True)
class Latency:
    """Times of one image, milliseconds.

    Attributes:
        median_ms: half of the runs took no longer.
        p90_ms: nine of ten took no longer.
        runs: how many were timed.
        threads: that computed; 0 for all cores.
    """

    median_ms: float
    p90_ms: float
    runs: int
    threads: int


def latency(
    file: str | Path,
    *,
    size: tuple[int, int] | None = None,
    runs: int = 30,
    warm_up: int = 3,
    threads: int | None = None,
    seconds: float = 10.0,
    least_seconds: float = 0.0,
) -> Latency:
    """Time an exported model on one image of noise at a time.

    Args:
        file: ONNX file.
        size: (width, height) of the image; needed where the file takes any.
        runs: so many are timed.
        warm_up: runs before, which are not.
        threads: that compute; None for all cores.
        seconds: no further run starts after this time; one is always timed.
        least_seconds: more runs are timed until this time is over, so that a short burst of other
            work does not decide.

    Raises:
        InputError: the file is no model, takes another size, or takes any and none is given.
    """
    model = OnnxModel(file, threads=threads)
    width, height = _size(file, model.size, size)
    image = np.random.default_rng(0).standard_normal((1, 3, height, width)).astype(np.float32)
    for _ in range(warm_up):
        model.logits(image)
    times: list[float] = []
    begin = time.perf_counter()
    end = begin
    while len(times) < max(runs, 1) or end - begin < least_seconds:
        start = time.perf_counter()
        model.logits(image)
        end = time.perf_counter()
        times.append((end - start) * 1e3)
        if end - begin > seconds:
            break
    median, p90 = np.percentile(times, [50, 90])
    return Latency(float(median), float(p90), len(times), threads or 0)


def _size(
    file: str | Path, own: tuple[int, int] | None, wanted: tuple[int, int] | None
) -> tuple[int, int]:
    if own is not None:
        if wanted not in (None, own):
            raise InputError(
                "{file} takes images of {width}×{height} pixels only.",
                file=file,
                width=own[0],
                height=own[1],
            )
        return own
    if wanted is None:
        raise InputError("{file} takes images of any size: give the size to measure at.", file=file)
    return wanted
