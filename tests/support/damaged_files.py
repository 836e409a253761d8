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


_NASTY = (b"-1", b"NaN", b"1e999", b"999999999999", b'"x"', b"null", b"{}", b"../../x")


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut a text file short, overwrite or repeat a part, or put an odd value for a digit."""
    place = int(rng.integers(0, len(data) + 1))
    kind = int(rng.integers(0, 4))
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes(rng.integers(0, 256, 3).astype(np.uint8)) + data[place + 3 :]
    if kind == 2:
        return data[:place] + data[place : place + 200] * 3 + data[place + 200 :]
    digits = [n for n, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return data[place:]
    place = int(rng.choice(digits))
    nasty = _NASTY[int(rng.integers(0, len(_NASTY)))]
    return data[:place] + nasty + data[place + 1 :]
