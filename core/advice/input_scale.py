"""At which scale a network sees the images, and how large the parts are that it learns from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.advice.label_facts import LabelFacts
from core.data.dataset_statistics import DatasetStatistics
from core.system.messages import Message, message

SIZE_STEP: Final = 32  # the coarsest feature map of any network is 1/32 of the image
SMALLEST_SIDE: Final = 64
#: Sides of the smallest objects, network pixels, at which they are found well: four cells of the
#: finest features (magnetic tiles, 18 images: holes of 12 pixels came to IoU .39 as they are and to
#: .49 enlarged by 1.3).
OBJECT_SIDE: Final = 16.0
_MOST_ENLARGED: Final = 1.5
#: Parts that are larger than the whole image over this are the whole image.
_NEARLY_WHOLE: Final = 1.1
#: How many parts a whole image may have: with fewer pixels of it, a part lacks what is around.
_MOST_PARTS: Final = 2.5
#: Factor between the aspects of the widest and the narrowest tenth of the images above which one
#: size for all would distort them.
_SAME_ASPECT: Final = 1.15


@dataclass(frozen=True, slots=True)
class InputScale:
    """How images become network inputs.

    Attributes:
        size: (width, height) of the parts that are trained on.
        factor: network pixels for each pixel of an image; None: images are stretched to ``size``.
        pixels: network pixels of an image as evaluations see it, the mean.
        reasons: in words.
    """

    size: tuple[int, int]
    factor: float | None
    pixels: float
    reasons: tuple[Message, ...]


def choose_scale(
    statistics: DatasetStatistics,
    facts: LabelFacts | None,
    *,
    most_pixels: float,
    any_size: bool = True,
    enlarged: float = 1.0,
) -> InputScale:
    """Choose scale and size for parts of at most ``most_pixels``.

    What a network sees when it predicts costs less than what it is trained on, so parts of larger
    images are trained on. Images of one shape that fit as they are get one size. A network that
    sees its whole input at once (``any_size`` False) always gets one size. ``enlarged`` is a factor
    on top, for what matters more than usual: small things above 1, speed below.
    """
    width, height = statistics.median_size
    whole = max(1, width * height)
    if not any_size:
        return _fitted(statistics, min(1.0, math.sqrt(most_pixels / whole)) * enlarged, enlarged)
    smallest = 0.0 if facts is None else facts.smallest_side
    needed = min(_MOST_ENLARGED, OBJECT_SIDE / smallest) if smallest else 0.0
    usual = min(1.0, math.sqrt(_MOST_PARTS * most_pixels / whole))
    varied = _aspects_differ(statistics.sizes)
    if enlarged != 1.0:
        factor = round(max(usual, needed) * enlarged, 2)
        why = _why_wanted(factor, enlarged)
        return _scaled(statistics, factor, most_pixels, why)
    if not varied and needed <= usual == 1.0 and whole <= _NEARLY_WHOLE * most_pixels:
        return _fitted(statistics, 1.0)
    factor = round(max(usual, needed), 2)
    if needed > usual:
        why = _why_objects(smallest, factor, usual)
    else:
        why = _why_varied(factor) if varied else _why_share(factor)
    return _scaled(statistics, factor, most_pixels, why)


def _scaled(
    statistics: DatasetStatistics, factor: float, most_pixels: float, why: Message
) -> InputScale:
    width, height = statistics.median_size
    size = _part_size((width * factor, height * factor), most_pixels)
    mean = _mean_pixels(statistics.sizes) * factor**2
    return InputScale(size, factor, mean, (why, _why_parts(size)))


def _fitted(statistics: DatasetStatistics, fit: float, enlarged: float = 1.0) -> InputScale:
    width, height = statistics.median_size
    size = (_to_step(width * fit), _to_step(height * fit))
    original, chosen = f"{width}×{height}", f"{size[0]}×{size[1]}"
    if enlarged != 1.0:
        why = _why_wanted(fit, enlarged)
    elif fit < 1:
        why = message(
            "Image size {size}: half of your images are larger than {original}; this keeps the "
            "shape and the time within bounds.",
            size=chosen,
            original=original,
        )
    else:
        why = message(
            "Image size {size}: the median of your images ({original}) in steps of 32 pixels.",
            size=chosen,
            original=original,
        )
    return InputScale(size, None, float(size[0] * size[1]), (why,))


def _part_size(whole: tuple[float, float], most_pixels: float) -> tuple[int, int]:
    """Return the (width, height) of a part: the whole image, or its shape within the bound."""
    shrink = min(1.0, math.sqrt(most_pixels / (whole[0] * whole[1])))
    return _to_step(whole[0] * shrink), _to_step(whole[1] * shrink)


def _to_step(side: float) -> int:
    return max(SMALLEST_SIDE, round(side / SIZE_STEP) * SIZE_STEP)


def _aspects_differ(sizes: Sequence[tuple[tuple[int, int], int]]) -> bool:
    aspects = sorted(
        width / height for (width, height), count in sizes for _ in range(count) if height
    )
    if not aspects:
        return False
    tenth = len(aspects) // 10
    return aspects[-1 - tenth] / aspects[tenth] > _SAME_ASPECT


def _mean_pixels(sizes: Sequence[tuple[tuple[int, int], int]]) -> float:
    number = sum(count for _, count in sizes)
    return sum(width * height * count for (width, height), count in sizes) / max(1, number)


def _why_objects(smallest: float, factor: float, fit: float) -> Message:
    if factor > 1:
        return message(
            "Images enlarged {factor} times: the smallest objects are about {side} pixels wide, "
            "and the network tells them better at {wanted}.",
            factor=f"{factor:g}",
            side=round(smallest),
            wanted=round(smallest * factor),
        )
    return message(
        "Images at {share} of their size, not at {fit}: the smallest objects are about {side} "
        "pixels wide and would get lost otherwise.",
        share=f"{100 * factor:.0f} %",
        fit=f"{100 * fit:.0f} %",
        side=round(smallest),
    )


def _why_wanted(factor: float, enlarged: float) -> Message:
    share = f"{100 * factor:.0f} %"
    if enlarged > 1:
        return message(
            "Images at {share} of their size, larger than usual: small things matter.", share=share
        )
    return message(
        "Images at {share} of their size, smaller than usual: the line is fast.", share=share
    )


def _why_varied(factor: float) -> Message:
    return message(
        "All images at the same scale ({factor}): their shapes differ, and one size for all would "
        "make equal things look different.",
        factor=f"{factor:g}",
    )


def _why_share(factor: float) -> Message:
    return message(
        "Images at {share} of their size: learnt in parts, which leaves time for more steps.",
        share=f"{100 * factor:.0f} %",
    )


def _why_parts(size: tuple[int, int]) -> Message:
    return message(
        "Image size {size}: the parts of the images that are trained on; predictions see whole "
        "images.",
        size=f"{size[0]}×{size[1]}",
    )
