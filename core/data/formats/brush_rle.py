"""Run lengths of Label Studio's brush: a stream of bits that gives the bytes of an RGBA image.

It begins with the number of bytes (32 bits), the bits of a word less one (5), and the bits in
which a length can be given, four times, each less one (4). Then come runs: one bit whether a word
is repeated, two bits for which of the four sizes its length has, the length less one, and the word,
or all the words where none is repeated. What the brush covers is in the fourth byte of each pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.images.io import ImageArray

_CHANNELS = 4
_ALPHA = 3
_HALF = 128
"""A pixel belongs to the stroke where at least half of it does."""


def decode_brush(values: Sequence[object], size: tuple[int, int]) -> ImageArray:
    """Return what a brush covers as (height, width) of zeros and ones.

    Args:
        values: the bytes as JSON has them.
        size: (width, height) of the image.

    Raises:
        ValueError: no bytes, cut short, or for another size.
    """
    if not all(type(value) is int and 0 <= value <= 255 for value in values):
        raise ValueError("no bytes")
    stream = _Bits(bytes(values))  # type: ignore[arg-type]
    total = stream.number(32)
    word = stream.number(5) + 1
    sizes = [stream.number(4) + 1 for _ in range(4)]
    width, height = size
    if total != width * height * _CHANNELS:
        raise ValueError("for another size")
    mask = np.zeros(width * height, np.uint8)
    place = 0
    while place < total:
        repeated = stream.number(1)
        end = place + stream.number(sizes[stream.number(2)]) + 1
        if end > total:
            raise ValueError("a run beyond the end")
        first = (place + _CHANNELS - 1 - _ALPHA) // _CHANNELS  # the first alpha in the run
        last = (end + _CHANNELS - 1 - _ALPHA) // _CHANNELS
        if repeated:
            if stream.number(word) >= _HALF:
                mask[first:last] = 1
        else:
            words = stream.numbers(end - place, word)
            alphas = words[first * _CHANNELS + _ALPHA - place :: _CHANNELS]
            mask[first:last] = alphas >= _HALF
        place = end
    return mask.reshape(height, width)


class _Bits:
    """Reads numbers of any width, the highest bit first; raises ``ValueError`` at the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def number(self, bits: int) -> int:
        start, end = self._place, self._advance(bits)
        part = int.from_bytes(self._data[start >> 3 : (end + 7) >> 3], "big")
        return part >> (-end & 7) & ((1 << bits) - 1)

    def numbers(self, count: int, bits: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        start, end = self._place, self._advance(count * bits)
        part = np.frombuffer(self._data[start >> 3 : (end + 7) >> 3], np.uint8)
        single = np.unpackbits(part)[start & 7 : (start & 7) + count * bits]
        weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.int64)
        return single.reshape(count, bits).astype(np.int64) @ weights

    def _advance(self, bits: int) -> int:
        self._place += bits
        if self._place > 8 * len(self._data):
            raise ValueError("cut short")
        return self._place
