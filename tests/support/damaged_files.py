"""Files with a few bytes changed, and how many of them are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.system.errors import InputError


def count_refused(path: Path, readers: tuple[Callable[[Path], object], ...], *, head: int) -> int:
    """Read 60 damaged copies of a file; anything but an ``InputError`` comes through.

    Every other copy is damaged in its first ``head`` bytes, the rest anywhere.
    """
    rng = np.random.default_rng(0)
    whole, copy = path.read_bytes(), path.with_name("damaged")
    refused = 0
    for number in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, min(len(data), head if number % 2 else len(data)), 3):
            data[place] = rng.integers(256)
        copy.write_bytes(data)
        for read in readers:
            try:
                read(copy)
            except InputError:
                refused += 1
    return refused
