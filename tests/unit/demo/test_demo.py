"""The procedural set: the same from the same seed, whole, and honest about its groups."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest

from core.data.validation import validate_folder
from core.datasets import open_data_folder
from core.demo import GROUP_PATTERN, LABELS, DemoSettings, make_dataset, open_workspace
from core.demo.dataset import render_part
from core.images.io import read_image, read_mask
from core.system.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("演示 set") / "data"
    make_dataset(target, DemoSettings(images=40))
    return target


def test_same_seed_same_pixels_whatever_the_size_of_the_set():
    first = render_part(5, DemoSettings(images=30))
    again = render_part(5, DemoSettings(images=300))
    for (image, label), (image2, label2) in zip(first, again, strict=True):
        np.testing.assert_array_equal(image, image2)
        np.testing.assert_array_equal(label, label2)


def test_another_seed_another_part():
    assert (
        render_part(5, DemoSettings(seed=1))[0][0] != render_part(5, DemoSettings())[0][0]
    ).any()


def test_exposures_show_the_same_defects_in_another_light():
    exposures = render_part(1, DemoSettings())
    images = [image.astype(int) for image, _ in exposures]
    assert abs(images[0] - images[1]).mean() > 3
    shown = [set(np.unique(label)) - {0, 255} for _, label in exposures]
    assert shown[0] == shown[1] == shown[2] != set()


def test_images_look_like_pictures_and_not_like_flat_colour():
    for part in range(3):  # one of each finish
        image = render_part(part, DemoSettings())[0][0]
        assert image.shape == (256, 256, 3)
        grey = image.mean(axis=2)
        assert 40 < grey.mean() < 220
        thirds = [grey[:, :85].mean(), grey[:, -85:].mean(), grey[:85].mean(), grey[-85:].mean()]
        assert max(thirds) - min(thirds) > 5, "no gradient of light"
        assert np.abs(np.diff(grey, axis=0)).mean() > 1, "no texture"


def test_folder_is_valid_and_parts_stay_together(folder):
    report = validate_folder(folder)
    assert report.is_valid
    assert "duplicate_across_splits" not in report.counts()
    subsets = defaultdict(set)
    data = open_data_folder(folder)
    for subset, items in data.subsets.items():
        for item in items:
            subsets[re.search(GROUP_PATTERN, item.image.name)[0]].add(subset)
    assert len(subsets) == 14
    assert all(len(shown) == 1 for shown in subsets.values())
    assert set(data.subsets) == {"train", "val", "test"}
    assert data.labels == LABELS
    assert sum(len(items) for items in data.subsets.values()) == 40


def test_every_class_is_trained_on_and_some_parts_are_good(folder):
    statistics = validate_folder(folder).statistics
    assert all(count > 0 for count in statistics.train_pixels)
    assert sum(statistics.ignored_pixels.values()) > 0
    masks = [read_mask(path) for path in (folder / "Annotations").iterdir()]
    good = [mask for mask in masks if not ((mask > 0) & (mask < 255)).any()]
    assert 0 < len(good) < len(masks) / 3


def test_image_and_mask_lie_over_each_other(folder):
    """Pits are darker than the metal around them, on average over the set."""
    inside, outside = [], []
    for path in sorted((folder / "Annotations").iterdir()):
        mask = read_mask(path)
        if (mask == 2).any():
            grey = read_image(folder / "JPEGImages" / f"{path.stem}.jpg").mean(axis=2)
            inside.append(grey[mask == 2].mean())
            outside.append(grey[mask == 0].mean())
    assert np.mean(inside) < 0.75 * np.mean(outside)


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(InputError, match="at least 7 images"):
        open_workspace(tmp_path / "demo", images=6, epochs=None, seed=None)
    assert not (tmp_path / "demo").exists()


def test_existing_folder_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists already"):
        make_dataset(tmp_path, DemoSettings(images=9))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


class TestWorkspace:
    def test_remembers_what_it_was_made_with(self, tmp_path):
        made = open_workspace(tmp_path / "a b", images=12, epochs=2, seed=None)
        again = open_workspace(tmp_path / "a b", images=None, epochs=None, seed=None)
        assert again.plan == made.plan
        assert (again.plan.images, again.plan.epochs) == (12, 2)

    def test_refuses_other_settings(self, tmp_path):
        open_workspace(tmp_path / "demo", images=12, epochs=2, seed=None)
        with pytest.raises(InputError, match="made with epochs 2, not 3"):
            open_workspace(tmp_path / "demo", images=12, epochs=3, seed=None)

    def test_refuses_a_folder_with_other_things(self, tmp_path):
        (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
        with pytest.raises(InputError, match="not empty"):
            open_workspace(tmp_path, images=None, epochs=None, seed=None)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_damaged_marker_is_one_sentence(self, tmp_path):
        (tmp_path / "demo.json").write_text("[]", encoding="utf-8")
        with pytest.raises(InputError, match="cannot be read"):
            open_workspace(tmp_path, images=None, epochs=None, seed=None)
