"""Which of a project's models to ship: what stands out of each, and the one to begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from core.project.variants import ModelVariant

WITHIN = 0.005
"""How far below the best mIoU a fast model may be: half a point."""


class Praise(StrEnum):
    """What a model is better at than the others."""

    FASTEST_GOOD = "fastest within half a point of the best"
    MOST_ACCURATE = "most accurate"
    SMALLEST = "smallest"


def is_usable(variant: ModelVariant) -> bool:
    """Whether nothing that was measured says that the model finds nothing."""
    return variant.verdict is None or not variant.verdict.is_warning


def praise(variants: Sequence[ModelVariant]) -> dict[Path, tuple[Praise, ...]]:
    """Say of usable models what they are best at, by model folder.

    Only those count whose scores say the same: see ``core.project.best_model``. Speed and size are
    compared among the measured ones; nothing is said where there are fewer than two to compare.
    """
    usable = [variant for variant in variants if is_usable(variant) and variant.rank is not None]
    scored = [variant for variant in usable if variant.best_miou is not None]
    measured = [variant for variant in scored if variant.measured is not None]
    found: dict[Path, list[Praise]] = {}

    def note(
        what: Praise, among: Sequence[ModelVariant], key: Callable[[ModelVariant], float]
    ) -> None:
        if among:
            found.setdefault(min(among, key=key).folder, []).append(what)

    if len(measured) > 1:
        best = max(_miou(variant) for variant in measured)
        good = [variant for variant in measured if _miou(variant) >= best - WITHIN]
        note(Praise.FASTEST_GOOD, good, _latency)
    if len(scored) > 1:
        note(Praise.MOST_ACCURATE, scored, lambda variant: -_miou(variant))
    if len(measured) > 1:
        note(Praise.SMALLEST, measured, _size)
    return {folder: tuple(words) for folder, words in found.items()}


def suggested(variants: Sequence[ModelVariant]) -> ModelVariant | None:
    """Return the model to ship unless another is chosen.

    The fastest one within half a point of the best, else the most accurate one, else the best
    trained one; one that finds nothing only where there is no other.
    """
    words = praise(variants)
    for wanted in (Praise.FASTEST_GOOD, Praise.MOST_ACCURATE):
        for variant in variants:
            if wanted in words.get(variant.folder, ()):
                return variant
    first = best_trained(variants)
    if first is None or is_usable(first):
        return first
    # A training that was broken off is not compared with others, but may find something.
    others = [one for one in variants if is_usable(one) and one.best_miou is not None]
    return max(others, key=_miou, default=first)


def best_trained(variants: Sequence[ModelVariant]) -> ModelVariant | None:
    """Return the trained model to begin with unless another is chosen; None: there is none.

    Not a compressed one: this is what is inspected, compressed and asked for drafts.
    """
    trained = [variant for variant in variants if variant.folder == variant.root]
    ranked = [(variant.rank, variant) for variant in trained if variant.rank is not None]
    best = min(ranked, key=lambda pair: pair[0], default=None)
    return next(iter(variants), None) if best is None else best[1]


def _miou(variant: ModelVariant) -> float:
    return variant.best_miou or 0.0


def _latency(variant: ModelVariant) -> float:
    return variant.measured.latency_ms if variant.measured is not None else float("inf")


def _size(variant: ModelVariant) -> float:
    return variant.measured.size_bytes if variant.measured is not None else float("inf")
