"""Which model to ship: what is said of each, and which one is suggested."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import recorded_compression as recorded

from core.models.model_verdict import Level, Verdict
from core.project.variant_choice import Praise, best_trained, is_usable, praise, suggested
from core.project.variants import ModelVariant, VariantKind
from core.system.messages import message

USELESS = Verdict(Level.NOT_USABLE, (message("It finds nothing."),))


def variant(name: str, **fields) -> ModelVariant:
    measured = fields.pop("measured", None)
    if measured is not None:
        measured = recorded.changed(recorded.FLOAT, **measured)
    return ModelVariant(
        run_id=1,
        run_name="0001-FastSCNN",
        network="FastSCNN",
        kind=VariantKind.FLOAT,
        folder=Path(name),
        parent=None,
        root=Path("float"),
        labels=("background", "hole"),
        measured=measured,
        **fields,
    )


BEST = variant("float", measured={"miou": 0.710, "latency_ms": 4.4, "size_bytes": 4_000_000})
GOOD = variant("pruned", measured={"miou": 0.706, "latency_ms": 3.1, "size_bytes": 2_000_000})
SMALL = variant("int8", measured={"miou": 0.690, "latency_ms": 1.9, "size_bytes": 900_000})


def test_each_is_praised_for_what_it_is_best_at() -> None:
    assert praise([BEST, GOOD, SMALL]) == {
        GOOD.folder: (Praise.FASTEST_GOOD,),
        BEST.folder: (Praise.MOST_ACCURATE,),
        SMALL.folder: (Praise.SMALLEST,),
    }
    assert suggested([BEST, GOOD, SMALL]) is GOOD


def test_half_a_point_is_the_border() -> None:
    at = variant("at", measured={"miou": 0.705, "latency_ms": 1.0, "size_bytes": 5_000_000})
    below = variant("below", measured={"miou": 0.7049, "latency_ms": 1.0, "size_bytes": 5_000_000})
    assert suggested([BEST, at]) is at
    assert suggested([BEST, below]) is BEST


def test_one_that_finds_nothing_is_neither_praised_nor_suggested() -> None:
    useless = replace(SMALL, verdict=USELESS, measured=replace(SMALL.measured, miou=0.9))
    assert not is_usable(useless)
    assert useless.folder not in praise([useless, BEST, GOOD])
    assert suggested([useless, BEST, GOOD]) is GOOD
    assert suggested([useless]) is useless


def test_without_measurements_the_most_accurate_counts() -> None:
    first, second = variant("a", miou=0.5), variant("b", miou=0.6)
    assert praise([first, second]) == {second.folder: (Praise.MOST_ACCURATE,)}
    assert suggested([first, second]) is second
    assert praise([first]) == {}
    assert suggested([first]) is first
    assert suggested([]) is None


def test_only_ranked_families_are_compared() -> None:
    old = replace(BEST, folder=Path("old"), root=Path("old"), rank=None)
    assert suggested([old, BEST, GOOD]) is GOOD
    assert old.folder not in praise([old, BEST, GOOD])
    trained = replace(BEST, root=BEST.folder, rank=1)
    better = replace(BEST, folder=Path("b"), root=Path("b"), rank=0)
    assert best_trained([old, trained, better, GOOD]) is better
    assert best_trained([old]) is old
    assert best_trained([]) is None


def test_one_that_was_broken_off_is_better_than_one_that_finds_nothing() -> None:
    useless = replace(variant("a", miou=0.24, verdict=USELESS), root=Path("a"), rank=0)
    broken_off = replace(variant("b", miou=0.64), root=Path("b"), rank=None)
    unscored = replace(variant("c"), root=Path("c"), rank=None)
    assert best_trained([unscored, broken_off, useless]) is useless
    assert suggested([unscored, broken_off, useless]) is broken_off
    assert suggested([unscored, useless]) is useless
