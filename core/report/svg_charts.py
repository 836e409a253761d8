"""Line charts as inline SVG whose colours follow the page's light or dark theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

_WIDTH, _HEIGHT = 520, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 34
_MOST_POINTS = 600  # more cannot be seen at this width


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: ``values`` at ``steps``; None leaves a gap. ``color`` is any CSS colour."""

    name: str
    steps: Sequence[float]
    values: Sequence[float | None]
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A grid line at ``place`` (SVG units) with its ``text``."""

    place: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A drawn curve: SVG path data, and the point of its last value."""

    name: str
    color: str
    path: str
    end: tuple[float, float] | None
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything the template needs to draw one chart."""

    title: str
    x_label: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM
    note: str = field(default="")


def draw_chart(
    title: str,
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_range: tuple[float, float] | None = None,
    note: str = "",
    whole_steps: bool = True,
) -> Chart | None:
    """Lay out ``curves``; None if not one value is finite.

    Args:
        title: above the chart.
        curves: lines in drawing order.
        x_label: what the steps count.
        y_range: fixed lower and upper end; None fits the values.
        note: small print below the chart.
        whole_steps: name whole numbers only along the lower edge.
    """
    points = [_finite_points(curve) for curve in curves]
    steps = [step for line in points for step, _ in line]
    values = [value for line in points for _, value in line]
    if not values:
        return None
    x_low, x_high = min(steps), max(steps)
    if x_high == x_low:
        x_low, x_high = x_low - 1, x_high + 1
    y_ticks = _round_numbers(*(y_range or (min(values), max(values))))
    low, high = (y_ticks[0], y_ticks[-1]) if y_range is None else y_range

    def x_of(step: float) -> float:
        return _LEFT + (step - x_low) / (x_high - x_low) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    lines = []
    for curve, line in zip(curves, points, strict=True):
        if not line:
            continue
        spots = [(x_of(step), y_of(value)) for step, value in line]
        lines.append(
            Line(
                name=curve.name,
                color=curve.color,
                path=_path(curve, spots, [step for step, _ in line]),
                end=spots[-1],
                last=f"{line[-1][1]:.3g}",
            )
        )
    x_ticks = [
        tick
        for tick in _round_numbers(x_low, x_high)
        if x_low <= tick <= x_high and not (whole_steps and tick % 1)
    ]
    return Chart(
        title=title,
        x_label=x_label,
        lines=tuple(lines),
        x_ticks=tuple(Tick(place=x_of(tick), text=f"{tick:g}") for tick in x_ticks),
        y_ticks=tuple(
            Tick(place=y_of(tick), text=f"{tick:g}") for tick in y_ticks if low <= tick <= high
        ),
        note=note,
    )


def _finite_points(curve: Curve) -> list[tuple[float, float]]:
    points = [
        (float(step), float(value))
        for step, value in zip(curve.steps, curve.values, strict=True)
        if value is not None and math.isfinite(value)
    ]
    stride = math.ceil(len(points) / _MOST_POINTS) or 1
    kept = points[::stride]
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _path(curve: Curve, spots: list[tuple[float, float]], steps: list[float]) -> str:
    """Path data; a new piece begins after every undefined value."""
    gaps = [
        float(step)
        for step, value in zip(curve.steps, curve.values, strict=True)
        if value is None or not math.isfinite(value)
    ]
    parts = []
    previous: float | None = None
    for step, (x, y) in zip(steps, spots, strict=True):
        broken = previous is None or any(previous < gap < step for gap in gaps)
        parts.append(f"{'M' if broken else 'L'}{x:.1f} {y:.1f}")
        previous = step
    return "".join(parts)


def _round_numbers(low: float, high: float) -> list[float]:
    """Five or so round numbers whose first is ≤ ``low`` and last ≥ ``high``."""
    if high <= low:
        spread = abs(low) / 10 or 0.5
        low, high = low - spread, high + spread
    rough = (high - low) / 5
    scale = 10 ** math.floor(math.log10(rough))
    step = next(factor * scale for factor in (1, 2, 2.5, 5, 10) if factor * scale >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]
