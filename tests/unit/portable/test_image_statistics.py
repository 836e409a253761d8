"""Brightness, contrast and colour tell images that are unlike the others."""

from __future__ import annotations

import numpy as np
import pytest

from core.portable.image_statistics import (
    FEATURES,
    StatisticsCollector,
    collect_statistics,
    image_features,
    known_statistics,
    unusual_features,
)


def image(color, *, noise: int = 10, seed: int = 0, size=(40, 60)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(np.array(color) + rng.normal(0, noise, (*size, 3)), 0, 255).astype(np.uint8)


def test_features_are_what_they_are_called() -> None:
    grey = image_features(image((128, 128, 128), noise=0))
    assert tuple(grey) == FEATURES
    assert grey["brightness"] == pytest.approx(128 / 255, abs=0.005)
    assert (grey["contrast"], grey["red_green"], grey["blue_yellow"]) == (0, 0, 0)
    halves = np.zeros((20, 20, 3), np.uint8)
    halves[:10] = 255
    assert image_features(halves)["contrast"] == pytest.approx(0.5, abs=0.01)
    assert image_features(image((0, 0, 255), noise=0))["red_green"] == pytest.approx(1)
    assert image_features(image((0, 255, 0), noise=0))["red_green"] == pytest.approx(-1)
    assert image_features(image((255, 0, 0), noise=0))["blue_yellow"] == pytest.approx(1)
    assert image_features(image((0, 255, 255), noise=0))["blue_yellow"] == pytest.approx(-1)


def test_size_plays_no_part_in_brightness_and_colour() -> None:
    large = np.repeat(np.repeat(image((90, 120, 150), size=(50, 60)), 20, 0), 20, 1)
    small = image_features(large[::20, ::20])
    for name, value in image_features(large).items():
        assert value == pytest.approx(small[name], abs=0.02), name


def test_mean_and_deviation_are_numpys_and_go_on_from_what_was_kept() -> None:
    rng = np.random.default_rng(1)
    images = [image(rng.integers(20, 230, 3), seed=seed) for seed in range(20)]
    table = np.array([list(image_features(one).values()) for one in images])
    whole = collect_statistics(images)
    first = collect_statistics(images[:7])
    collector = StatisticsCollector(first)
    for one in images[7:]:
        collector.add(image_features(one))
    assert collector.images == whole["images"] == 20
    for index, name in enumerate(FEATURES):
        for found in (whole, collector.to_dict()):
            assert found[name]["mean"] == pytest.approx(table[:, index].mean())
            assert found[name]["deviation"] == pytest.approx(table[:, index].std(ddof=1))


def test_what_is_unlike_the_others_is_named() -> None:
    usual = collect_statistics(image((100, 110, 120), seed=seed) for seed in range(20))
    assert unusual_features(image_features(image((100, 110, 120), seed=99)), usual) == []
    (dark,) = unusual_features(image_features(image((0, 10, 20))), usual)
    assert (dark.feature, dark.deviations < -4) == ("brightness", True)
    assert dark.mean == usual["brightness"]["mean"]
    names = {one.feature for one in unusual_features(image_features(image((250, 60, 60))), usual)}
    assert "blue_yellow" in names
    flat = unusual_features(image_features(image((100, 110, 120), noise=60)), usual)
    assert [one.feature for one in flat] == ["contrast"]


def test_little_or_damaged_knowledge_finds_nothing() -> None:
    odd = image_features(image((0, 0, 0)))
    few = collect_statistics(image((200, 200, 200), seed=seed) for seed in range(3))
    for wrong in (few, {}, {"images": "many"}, {"images": 50, "brightness": 3}):
        assert unusual_features(odd, wrong) == []
    assert known_statistics({"images": 0, "brightness": {"mean": 1, "deviation": 1}}) == {}
    assert StatisticsCollector({"images": "x"}).images == 0
