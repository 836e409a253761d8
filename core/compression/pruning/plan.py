"""Which channels go so that a network loses a wanted share of its operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from paddle import nn

from core.compression.channel_groups import ChannelGroup, Channels
from core.compression.flops import Counts, FlopsModel
from core.compression.trace import trace
from core.system.errors import InputError
from core.system.messages import Message, message

TOLERANCE = 0.01
"""How far the pruned share may be from the one asked for."""

# Nearer than this, single atoms are not exchanged any more.
_CLOSE = 0.002

Scores: TypeAlias = Mapping[str, npt.NDArray[np.floating]]
Losses: TypeAlias = Mapping[str, Mapping[float, float]]


@dataclass(frozen=True, slots=True)
class PruningPlan:
    """Channels to take away, and what that saves.

    Attributes:
        drop: group name → atoms to go, for ``slice_channels``; groups that lose nothing are
            left out.
        flops_before: operations for one image, as ``flops_of`` counts them.
        flops_after: the same once the channels are gone.
        missed: why the share asked for is not reached; None if it is.
        loss: loss that each group alone is allowed by ``plan_by_sensitivity``, else None.
    """

    drop: dict[str, Channels]
    flops_before: int
    flops_after: int
    missed: Message | None = None
    loss: float | None = None


def plan_global(
    net: nn.Layer,
    groups: Sequence[ChannelGroup],
    *,
    scores: Scores,
    pruned_flops: float,
    size: tuple[int, int],
    floor: float = 0.1,
    multiple: int = 1,
) -> PruningPlan:
    """Let the channels with the lowest scores of the whole network go.

    Scores are divided by their group's mean, so that layers of different scale compare.

    Args:
        net: the network that ``groups`` were found in.
        groups: what may go.
        scores: group name → (width,) importance of each atom, ≥ 0; groups without stay whole.
        pruned_flops: share of the operations to save, between 0 and 1.
        size: height and width of the image that operations are counted for.
        floor: share of its atoms that each group keeps at least.
        multiple: a power of two; groups keep multiples of so many atoms, or, with less than four
            times as many, of the half, the quarter and so on. Smaller ones are tried where this
            misses the wanted share.

    Raises:
        InputError: ``pruned_flops`` is not between 0 and 1.
    """
    search = _Search(net, groups, scores, pruned_flops=pruned_flops, size=size, floor=floor)
    return search.plan(search.counts_by_score(), multiple=multiple)


def plan_by_sensitivity(
    net: nn.Layer,
    groups: Sequence[ChannelGroup],
    *,
    scores: Scores,
    losses: Losses,
    pruned_flops: float,
    size: tuple[int, int],
    floor: float = 0.1,
    multiple: int = 1,
) -> PruningPlan:
    """Let each group lose as much as one common bound on the measured loss allows.

    This is PaddleX's way: for a bound, a group loses the largest share whose loss is within it,
    interpolated between the measured shares; the bound is the one that saves what is wanted. The
    atoms with the lowest scores go.

    Args:
        net: the network that ``groups`` were found in.
        groups: what may go.
        scores: group name → (width,) importance of each atom, ≥ 0.
        losses: group name → {share of its atoms: loss without them}; groups without stay whole.
        pruned_flops: share of the operations to save, between 0 and 1.
        size: height and width of the image that operations are counted for.
        floor: share of its atoms that each group keeps at least.
        multiple: see ``plan_global``.

    Raises:
        InputError: ``pruned_flops`` is not between 0 and 1.
    """
    known = {name: values for name, values in scores.items() if losses.get(name)}
    search = _Search(net, groups, known, pruned_flops=pruned_flops, size=size, floor=floor)
    bound, counts = search.counts_by_loss(losses)
    return search.plan(counts, multiple=multiple, loss=bound)


def ratio_within(losses: Mapping[float, float], bound: float) -> float:
    """Return the largest share of a group's channels whose loss is at most ``bound``.

    Between a measured share within the bound and the next one beyond it, loss is taken to be
    linear; if the smallest measured share is beyond it, nothing goes.

    Args:
        losses: share → loss.
        bound: largest loss.
    """
    points = sorted(losses.items())
    for place in reversed(range(len(points))):
        share, loss = points[place]
        if loss <= bound:
            if place == len(points) - 1:
                return share
            next_share, next_loss = points[place + 1]
            return share + (bound - loss) * (next_share - share) / (next_loss - loss)
    return 0.0


class _Search:
    """Numbers of atoms to take from each group so that the operations fit."""

    def __init__(
        self,
        net: nn.Layer,
        groups: Sequence[ChannelGroup],
        scores: Scores,
        *,
        pruned_flops: float,
        size: tuple[int, int],
        floor: float,
    ) -> None:
        if not 0.0 < pruned_flops < 1.0:
            raise InputError(
                "The share of operations to prune must be between 0 and 1, not {share}.",
                share=pruned_flops,
            )
        self._groups = [group for group in groups if group.name in scores]
        self._scores = [_checked(scores[group.name], group) for group in self._groups]
        self._order = [np.argsort(values, kind="stable") for values in self._scores]
        # Sorted, and 1 on average in each group.
        self._costs = [np.sort(values) / (values.mean() or 1.0) for values in self._scores]
        self._widths = np.array([group.width for group in self._groups], dtype=np.int64)
        self._limits = self._widths - np.maximum(1, np.ceil(floor * self._widths)).astype(np.int64)
        self._flops = FlopsModel(trace(net, size).deployed(), self._groups)
        self._none = np.zeros(len(self._groups), dtype=np.int64)
        self._before = self._flops.count(self._none)
        self._wanted = pruned_flops

    def counts_by_score(self) -> Counts:
        """Take the atoms with the lowest costs of all groups, no more than necessary."""
        candidates = [costs[:limit] for costs, limit in zip(self._costs, self._limits, strict=True)]
        owners = np.repeat(np.arange(len(candidates)), self._limits)
        owners = owners[np.argsort(np.concatenate([[], *candidates]), kind="stable")]
        low, high = 0, len(owners)
        while low < high:
            middle = (low + high) // 2
            if self._saved(self._count(owners[:middle])) < self._wanted:
                low = middle + 1
            else:
                high = middle
        return self._count(owners[:low])

    def counts_by_loss(self, losses: Losses) -> tuple[float, Counts]:
        """Return the smallest bound on each group's loss that saves enough, and the counts."""
        measured = [losses[group.name] for group in self._groups]
        every = [loss for points in measured for loss in points.values()]
        # At the lower end nothing goes: losses can be negative.
        low, high = min(every, default=0.0) - 1e-6, max(every, default=0.0)
        for _ in range(50):
            middle = (low + high) / 2
            if self._saved(self._within(measured, middle)) < self._wanted:
                low = middle
            else:
                high = middle
        return high, self._within(measured, high)

    def plan(self, counts: Counts, *, multiple: int, loss: float | None = None) -> PruningPlan:
        """Bring ``counts`` as near to the wanted share as single atoms can."""
        steps = self._steps(multiple)
        settled = self._settle(self._rounded(counts, steps), steps)
        while multiple > 1 and abs(self._saved(settled) - self._wanted) > TOLERANCE:
            multiple //= 2
            steps = self._steps(multiple)
            settled = self._settle(self._rounded(counts, steps), steps)
        return PruningPlan(
            drop={
                group.name: np.sort(order[:count])
                for group, order, count in zip(self._groups, self._order, settled, strict=True)
                if count
            },
            flops_before=round(self._before),
            flops_after=round(self._flops.count(settled)),
            missed=self._why_missed(settled),
            loss=loss,
        )

    def _steps(self, multiple: int) -> Counts:
        """Return the largest halving of ``multiple`` that each group has four times or more."""
        steps: Counts = np.ones_like(self._widths)
        while multiple > 1:
            steps = np.maximum(steps, np.where(self._widths >= 4 * multiple, multiple, 1))
            multiple //= 2
        return steps

    def _count(self, owners: Channels) -> Counts:
        counts: Counts = np.bincount(owners, minlength=len(self._groups)).astype(np.int64)
        return counts

    def _within(self, measured: Sequence[Mapping[float, float]], bound: float) -> Counts:
        shares = [ratio_within(points, bound) for points in measured]
        counts = [round(share * width) for share, width in zip(shares, self._widths, strict=True)]
        limited: Counts = np.minimum(np.array(counts, dtype=np.int64), self._limits)
        return limited

    def _saved(self, counts: Counts) -> float:
        return 1.0 - self._flops.count(counts) / self._before

    def _rounded(self, counts: Counts, steps: Counts) -> Counts:
        """Let each group keep the nearest multiple of its step that its limit allows."""
        kept = np.rint((self._widths - counts) / steps).astype(np.int64) * steps
        least = -(-(self._widths - self._limits) // steps) * steps
        rounded: Counts = self._widths - np.clip(kept, least, self._widths)
        return rounded

    def _settle(self, counts: Counts, steps: Counts) -> Counts:
        """Move one step after another towards the wanted share, the cheapest first."""
        counts = counts.copy()
        while abs(gap := self._wanted - self._saved(counts)) > _CLOSE:
            kept = self._widths - counts
            fewer, more = (kept - 1) // steps * steps, (kept // steps + 1) * steps
            following = self._widths - (fewer if gap > 0 else np.minimum(more, self._widths))
            left = abs(gap - self._flops.savings(counts, following - counts) / self._before)
            useful = np.flatnonzero((following <= self._limits) & (left < abs(gap)))
            if not len(useful):
                break
            chosen = min(useful, key=lambda i: self._cost(int(i), counts, following))
            counts[chosen] = following[chosen]
        return counts

    def _cost(self, index: int, counts: Counts, following: Counts) -> float:
        """Mean cost of the atoms that go with a step; negative for atoms that come back."""
        low, high = sorted((int(counts[index]), int(following[index])))
        sign = 1.0 if following[index] > counts[index] else -1.0
        return sign * float(self._costs[index][low:high].mean())

    def _why_missed(self, counts: Counts) -> Message | None:
        saved = self._saved(counts)
        if abs(saved - self._wanted) <= TOLERANCE:
            return None
        shares = {"reached": f"{100 * saved:.1f}", "wanted": f"{100 * self._wanted:.1f}"}
        if saved > self._wanted:
            return message(
                "{reached} % of the operations go instead of {wanted} %: the layers are so narrow "
                "that a single channel saves more than that.",
                **shares,
            )
        return message(
            "Only {reached} % of the operations go instead of {wanted} %: every layer that may "
            "lose channels is as narrow as it may become.",
            **shares,
        )


def _checked(scores: npt.NDArray[np.floating], group: ChannelGroup) -> npt.NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != (group.width,) or not np.isfinite(values).all():
        raise ValueError(f"group {group.name} needs {group.width} finite scores")
    return values
