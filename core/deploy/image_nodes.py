"""OpenCV's ``resize`` in standard ONNX operators.

Images are (N, H, W, channels). Places in the source image are computed with whole numbers, which
every runtime does alike, and grey levels are rounded as OpenCV rounds them, so that a network sees
what it saw when it was trained.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np

from core.deploy.node_writer import NodeWriter, Tensor

#: OpenCV computes grey levels with weights in steps of 1/2048.
_STEPS: Final = 2048
#: Quotients are computed so many steps at a time.
_DIGIT: Final = 4096
#: OpenCV takes no part of a pixel below 1/1000 into an area.
_PARTS: Final = 1000
_CUBIC: Final = -0.75

#: Height and width, or what there is for each, rows first.
Pair: TypeAlias = tuple[Tensor, Tensor]
#: Index of the left neighbour, of the right one, and how far it is to the right one, 0 … 1.
_Between: TypeAlias = tuple[Tensor, Tensor, Tensor]


def resize_image(
    nodes: NodeWriter, image: Tensor, source: Pair, target: Pair, *, interp: str, levels: bool
) -> Tensor:
    """Resize (N, H, W, channels).

    Args:
        nodes: where to write.
        image: uint8 or float32.
        source: height and width, each (1,) int64.
        target: those of the result.
        interp: as ``core.transforms.Resize`` has it; ``"SMALLER"`` is AREA for a target that is
            known not to be larger on either side.
        levels: whether ``image`` holds grey levels 0 … 255, so that the result is rounded to such.

    Returns:
        (N, h, w, channels): of the type of ``image`` for NEAREST, else float32.
    """
    sides = list(zip(source, target, strict=True))
    if interp == "NEAREST":
        for axis, side in enumerate(sides):
            image = nodes.add("Gather", image, _nearest(nodes, *side), axis=axis + 1)
        return image
    if interp == "LINEAR":
        rows, columns = _between_rows(nodes, *sides[0]), _between(nodes, *sides[1])
        return _blended(nodes, image, rows, columns, levels=levels)
    if interp in ("AREA", "SMALLER"):
        means = _means(nodes, image, source, target, levels=levels)
        if interp == "SMALLER":
            return means
        rows, columns = (_between_by_corners(nodes, *side) for side in sides)
        blended = _blended(nodes, image, rows, columns, levels=levels)
        larger = nodes.add("Or", *(nodes.add("Less", *side) for side in sides))
        return nodes.add("Where", larger, blended, means)
    weights = {"CUBIC": _cubic, "LANCZOS4": _lanczos}[interp]
    for axis in (1, 0):
        image = _weighted(nodes, image, *weights(nodes, *sides[axis], levels=levels), axis=axis + 1)
    if not levels:
        return image
    return nodes.clip(nodes.add("Round", image), nodes.real(0), nodes.real(255))


def nearest_by_centres(nodes: NodeWriter, source: Tensor, target: Tensor) -> Tensor:
    """Index of the pixel whose centre is nearest, (target,) int64 (``INTER_NEAREST_EXACT``).

    Of two that are equally near it is the second; OpenCV takes either.
    """
    place = nodes.add("Mul", _odd_numbers(nodes, target), source)
    return _divided(nodes, place, _double(nodes, target))[0]


def _nearest(nodes: NodeWriter, source: Tensor, target: Tensor) -> Tensor:
    """Index of the pixel at the same place, by corners."""
    return _divided(nodes, nodes.add("Mul", nodes.count(target), source), target)[0]


def _odd_numbers(nodes: NodeWriter, length: Tensor) -> Tensor:
    return nodes.add("Add", _double(nodes, nodes.count(length)), nodes.whole(1))


def _double(nodes: NodeWriter, tensor: Tensor) -> Tensor:
    return nodes.add("Mul", tensor, nodes.whole(2))


def _last(nodes: NodeWriter, length: Tensor) -> Tensor:
    return nodes.add("Sub", length, nodes.whole(1))


def _divided(nodes: NodeWriter, number: Tensor, divisor: Tensor) -> Pair:
    """Whole numbers, 0 or more, divided by positive ones: quotient and remainder.

    OpenVINO divides whole numbers as floats, and is one off where they have more than 24 bits.
    """
    zero, one = nodes.whole(0), nodes.whole(1)
    quotient = nodes.add("Div", number, divisor)
    rest = nodes.add("Sub", number, nodes.add("Mul", quotient, divisor))
    above = nodes.add("Where", nodes.add("Less", rest, divisor), zero, one)
    below = nodes.add("Where", nodes.add("Less", rest, zero), one, zero)
    quotient = nodes.add("Sub", nodes.add("Add", quotient, above), below)
    return quotient, nodes.add("Sub", number, nodes.add("Mul", quotient, divisor))


def _ratio(nodes: NodeWriter, part: Tensor, whole: Tensor) -> Tensor:
    """A part of a whole, 0 … 1, as float32, rounded correctly; both are below 500 000.

    OpenVINO multiplies by the reciprocal instead of dividing, and is a last place off. So the
    quotient is found twelve binary places at a time, with whole numbers for what is left over.
    """
    reciprocal = nodes.add("Div", nodes.real(1), nodes.cast(whole, np.float32))
    step = nodes.whole(_DIGIT)
    rest = part
    digits: list[Tensor] = []
    for _ in range(2):
        digit = nodes.add("Mul", nodes.cast(rest, np.float32), reciprocal)
        digit = nodes.add("Round", nodes.add("Mul", digit, nodes.real(_DIGIT)))
        taken = nodes.add("Mul", nodes.cast(digit, np.int64), whole)
        rest = nodes.add("Sub", nodes.add("Mul", rest, step), taken)
        digits.append(nodes.add("Mul", digit, nodes.real(_DIGIT ** -(len(digits) + 1))))
    last = nodes.add("Mul", nodes.cast(rest, np.float32), reciprocal)
    last = nodes.add("Mul", last, nodes.real(_DIGIT**-2))
    return nodes.add("Add", nodes.add("Add", *digits), last)


def _centres(nodes: NodeWriter, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Where the centres of the result's pixels lie in the source, as a fraction of whole numbers.

    0 is the first pixel's centre. The denominator is positive, the fraction above -1.
    """
    place = nodes.add("Mul", _odd_numbers(nodes, target), source)
    return nodes.add("Sub", place, target), _double(nodes, target)


def _between(nodes: NodeWriter, source: Tensor, target: Tensor) -> _Between:
    place, unit = _centres(nodes, source, target)
    last = _last(nodes, source)
    place = nodes.clip(place, nodes.whole(0), nodes.add("Mul", last, unit))
    left, rest = _divided(nodes, place, unit)
    right = nodes.add("Min", nodes.add("Add", left, nodes.whole(1)), last)
    return left, right, _share(nodes, left, rest, unit)


def _between_rows(nodes: NodeWriter, source: Tensor, target: Tensor) -> _Between:
    """The same for rows: beyond the first and the last, OpenCV blends that row with itself.

    It rounds both parts down, so that the sum may be a grey level less than the row.
    """
    place, unit = _centres(nodes, source, target)
    below, rest = _divided(nodes, nodes.add("Add", place, unit), unit)
    above = nodes.add("Sub", below, nodes.whole(1))
    first, last = nodes.whole(0), _last(nodes, source)
    return (
        nodes.clip(above, first, last),
        nodes.clip(below, first, last),
        _share(nodes, above, rest, unit),
    )


def _share(nodes: NodeWriter, first: Tensor, rest: Tensor, unit: Tensor) -> Tensor:
    """How far it is from the pixel ``first``, as OpenCV has it: a place in single precision."""
    pixel = nodes.cast(first, np.float32)
    return nodes.add("Sub", nodes.add("Add", pixel, _ratio(nodes, rest, unit)), pixel)


def _between_by_corners(nodes: NodeWriter, source: Tensor, target: Tensor) -> _Between:
    """What OpenCV blends for areas where a side does not shrink."""
    index, last = nodes.count(target), _last(nodes, source)
    left, _ = _divided(nodes, nodes.add("Mul", index, source), target)
    right = nodes.add("Add", left, nodes.whole(1))
    end = nodes.add("Mul", nodes.add("Add", index, nodes.whole(1)), source)
    rest = nodes.add("Sub", end, nodes.add("Mul", right, target))
    share = _ratio(nodes, nodes.add("Max", rest, nodes.whole(0)), source)
    share = nodes.add("Sub", share, nodes.add("Floor", share))
    return left, nodes.add("Min", right, last), share


def _blended(
    nodes: NodeWriter, image: Tensor, rows: _Between, columns: _Between, *, levels: bool
) -> Tensor:
    """Blend four neighbours.

    Grey levels: OpenCV keeps a row's sums in steps of 1/2048, drops four binary places of them and
    sixteen of their products with the rows' weights, and only then adds and rounds. Rounding the
    exact sum instead changes one pixel in eight by a grey level.
    """
    above, below, down = rows
    left, right, along = columns
    # Rows first: these are copied as they are, in a quarter of a float's memory.
    image = nodes.add("Gather", image, nodes.add("Concat", above, below, axis=0), axis=1)
    sides = [
        nodes.cast(nodes.add("Gather", image, place, axis=2), np.float32) for place in (left, right)
    ]
    if not levels:
        row = _mixed(nodes, sides[0], sides[1], _for_channels(nodes, along))
        upper, lower = nodes.add_split("Split", row, names=[None, None], axis=1)
        return _mixed(nodes, upper, lower, nodes.axes(down, 1, 2))
    of_columns, of_rows = _steps(nodes, along), _steps(nodes, down)
    unit = nodes.real(_STEPS / 16)
    weights = [_for_channels(nodes, nodes.add("Mul", weight, unit)) for weight in of_columns]
    sums = nodes.add("Add", *(nodes.add("Mul", *pair) for pair in zip(sides, weights, strict=True)))
    sums, shares = nodes.add("Floor", sums), nodes.add("Concat", *of_rows, axis=0)
    # A product has 26 binary places, two more than a float: 64ths of a share and its rest apart.
    coarse = nodes.add("Floor", nodes.add("Mul", shares, nodes.real(64)))
    fine = nodes.add("Sub", nodes.add("Mul", shares, nodes.real(64)), coarse)
    coarse, fine = nodes.axes(coarse, 1, 2), nodes.axes(fine, 1, 2)
    rest = nodes.add("Floor", nodes.add("Mul", sums, fine))
    parts = nodes.add("Add", nodes.add("Mul", sums, coarse), rest)
    parts = nodes.add("Floor", nodes.add("Mul", parts, nodes.real(1 / _STEPS)))
    upper, lower = nodes.add_split("Split", parts, names=[None, None], axis=1)
    quarters = nodes.add("Mul", nodes.add("Add", upper, lower), nodes.real(0.25))
    return nodes.add("Floor", nodes.add("Add", quarters, nodes.real(0.5)))


def _for_channels(nodes: NodeWriter, weights: Tensor) -> Tensor:
    """Weights (…) → (…, 3): runtimes are slow at repeating single numbers themselves."""
    ones = nodes.constant([1.0] * 3, np.float32)
    return nodes.add("Mul", nodes.add("Unsqueeze", weights, nodes.whole(-1)), ones)


def _mixed(nodes: NodeWriter, first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    return nodes.add("Add", first, nodes.add("Mul", nodes.add("Sub", second, first), share))


def _steps(nodes: NodeWriter, share: Tensor) -> Pair:
    """Weights of the first and the second of two pixels, in steps of 1/2048."""
    second = _in_steps(nodes, share)
    return nodes.add("Sub", nodes.real(1), second), second


def _in_steps(nodes: NodeWriter, weight: Tensor) -> Tensor:
    steps = nodes.add("Round", nodes.add("Mul", weight, nodes.real(_STEPS)))
    return nodes.add("Mul", steps, nodes.real(1 / _STEPS))


def _weighted(
    nodes: NodeWriter, image: Tensor, places: Tensor, weights: Tensor, *, axis: int
) -> Tensor:
    """Sum pixels (n, taps) along an axis, each with its weight."""
    if axis == 2:  # taps before columns: long rows are summed faster than threes
        places, weights = (nodes.add("Transpose", one, perm=[1, 0]) for one in (places, weights))
    found = nodes.cast(nodes.add("Gather", image, places, axis=axis), np.float32)
    weights = nodes.axes(weights, 2, 3) if axis == 1 else _for_channels(nodes, weights)
    return nodes.add("ReduceSum", nodes.add("Mul", found, weights), nodes.whole(2), keepdims=0)


def _means(nodes: NodeWriter, image: Tensor, source: Pair, target: Pair, *, levels: bool) -> Tensor:
    """Means of the areas that the pixels of a smaller image cover.

    Many are just between two grey levels, where what floats make of the sum decides. So all is
    done in OpenCV's order: columns first, and areas of whole pixels are summed before they are
    divided.
    """
    sides = list(zip(source, target, strict=True))
    (down, below), (along, beside) = (_divided(nodes, *side) for side in sides)
    whole = nodes.add("Equal", nodes.add("Add", below, beside), nodes.whole(0))
    for axis in (1, 0):
        large, small = sides[axis]
        unit = nodes.add("Where", whole, small, large)
        image = _weighted(nodes, image, *_covered(nodes, large, small, unit), axis=axis + 1)
    area = nodes.add("Max", nodes.add("Mul", down, along), nodes.whole(1))
    share = _ratio(nodes, nodes.whole(1), area)
    found = nodes.add("Mul", image, nodes.add("Where", whole, share, nodes.real(1)))
    if not levels:
        return found
    # Halves are rounded to even, but up in areas of 2×2 pixels.
    twice = nodes.add(
        "And", *(nodes.add("Equal", large, _double(nodes, small)) for large, small in sides)
    )
    up = nodes.add("Where", twice, nodes.real(1e-3), nodes.real(0))
    return nodes.add("Round", nodes.add("Add", found, up))


def _covered(
    nodes: NodeWriter, source: Tensor, target: Tensor, unit: Tensor
) -> tuple[Tensor, Tensor]:
    """Source pixels of each area, (n, taps) int64, and how much it covers of them, float32.

    An area's sum is ``source / unit``.
    """
    start = nodes.axes(nodes.add("Mul", nodes.count(target), source), 1)
    end = nodes.add("Add", start, source)
    # One more than an area's side where it begins and ends within pixels.
    room = nodes.add("Sub", nodes.add("Add", source, _double(nodes, target)), nodes.whole(1))
    taps = nodes.count(nodes.add("Div", room, target))
    place = nodes.add("Add", _divided(nodes, start, target)[0], nodes.axes(taps, 0))
    left = nodes.add("Mul", place, target)
    right = nodes.add("Add", left, target)
    part = nodes.add("Sub", nodes.add("Min", right, end), nodes.add("Max", left, start))
    enough = nodes.add("Greater", nodes.add("Mul", part, nodes.whole(_PARTS)), target)
    part = nodes.add("Where", enough, part, nodes.whole(0))
    return nodes.add("Min", place, _last(nodes, source)), _ratio(nodes, part, unit)


def _taps(nodes: NodeWriter, source: Tensor, target: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Source pixels around each centre, (n, count) int64, and how far it is to them, float32."""
    place, unit = _centres(nodes, source, target)
    right, rest = _divided(nodes, nodes.add("Add", place, unit), unit)
    left, share = nodes.add("Sub", right, nodes.whole(1)), _ratio(nodes, rest, unit)
    steps = np.arange(count) - (count // 2 - 1)
    places = nodes.add("Add", nodes.axes(left, 1), nodes.whole(*steps.tolist()))
    distance = nodes.add("Sub", nodes.axes(share, 1), nodes.real(*steps.tolist()))
    return nodes.clip(places, nodes.whole(0), _last(nodes, source)), nodes.add("Abs", distance)


def _cubic(
    nodes: NodeWriter, source: Tensor, target: Tensor, *, levels: bool
) -> tuple[Tensor, Tensor]:
    places, x = _taps(nodes, source, target, 4)
    near = _polynomial(nodes, x, _CUBIC + 2, -(_CUBIC + 3), 0, 1)
    far = _polynomial(nodes, x, _CUBIC, -5 * _CUBIC, 8 * _CUBIC, -4 * _CUBIC)
    weights = nodes.add("Where", nodes.add("LessOrEqual", x, nodes.real(1)), near, far)
    return places, _in_steps(nodes, weights) if levels else weights


def _polynomial(nodes: NodeWriter, x: Tensor, *coefficients: float) -> Tensor:
    value = nodes.real(coefficients[0])
    for coefficient in coefficients[1:]:
        value = nodes.add("Add", nodes.add("Mul", value, x), nodes.real(coefficient))
    return value


def _lanczos(
    nodes: NodeWriter, source: Tensor, target: Tensor, *, levels: bool
) -> tuple[Tensor, Tensor]:
    places, x = _taps(nodes, source, target, 8)
    waves = [
        nodes.add("Sin", nodes.add("Mul", x, nodes.real(math.pi * factor))) for factor in (1, 0.25)
    ]
    weights = nodes.add(
        "Div",
        nodes.add("Mul", *waves),
        nodes.add("Mul", nodes.add("Mul", x, x), nodes.real(math.pi**2 / 4)),
    )
    at_centre = nodes.add("Less", x, nodes.real(1e-6))
    weights = nodes.add("Where", at_centre, nodes.real(1), weights)
    total = nodes.add("ReduceSum", weights, nodes.whole(1), keepdims=1)
    weights = nodes.add("Div", weights, total)
    return places, _in_steps(nodes, weights) if levels else weights
