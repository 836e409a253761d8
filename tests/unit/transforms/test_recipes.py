"""The preprocessing of jobs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from core.transforms import recipes, transforms_from_list
from core.transforms.recipes import Augmentation

OFF = Augmentation(horizontal_flip=0, min_scale=1, aspect_ratio=0, distort=0, blur=0)


def sample(height=60, width=90):
    rng = np.random.default_rng(0)
    return {
        "image": rng.integers(0, 256, (height, width, 3)).astype(np.uint8),
        "mask": rng.integers(0, 3, (height, width)).astype(np.uint8),
    }


def names(compose):
    return [name for item in compose.to_list() for name in item]


def test_sizes_are_width_by_height():
    for compose in (
        recipes.train_transforms((48, 32), Augmentation(blur=1)),
        recipes.eval_transforms((48, 32)),
    ):
        out = compose(sample(), np.random.default_rng(0))
        assert out["image"].shape == (32, 48, 3) and out["image"].dtype == np.float32
        assert out["mask"].shape == (32, 48)


def test_everything_off_is_the_evaluation_recipe():
    off = recipes.train_transforms((48, 32), OFF)
    assert off.to_list() == recipes.eval_transforms((48, 32)).to_list()


def test_each_choice_adds_its_transform():
    everything = Augmentation(vertical_flip=0.5, blur=0.5)
    assert names(recipes.train_transforms((48, 32), everything)) == [
        "RandomScaleAspect",
        "Resize",
        "RandomHorizontalFlip",
        "RandomVerticalFlip",
        "RandomDistort",
        "RandomBlur",
        "Normalize",
    ]


def test_the_generator_alone_decides():
    compose = recipes.train_transforms((48, 32), Augmentation())
    one, same, other = (
        compose(sample(), np.random.default_rng(seed))["image"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_aspect_stays_within_the_relative_change():
    aspect = Augmentation(min_scale=0.2, aspect_ratio=0.25, distort=0, horizontal_flip=0)
    compose = recipes.train_transforms((64, 64), aspect)
    (parameters,) = compose.to_list()[0].values()
    assert parameters["aspect_ratio"] == 0.75


def test_recipes_survive_the_model_folder():
    compose = recipes.train_transforms((48, 32), Augmentation())
    again = transforms_from_list(compose.to_list())
    np.testing.assert_array_equal(
        compose(sample(), np.random.default_rng(3))["image"],
        again(sample(), np.random.default_rng(3))["image"],
    )


def test_neither_core_nor_recipes_bring_paddle_in():
    script = (
        "import sys, core as pdx, core.transforms.recipes;"
        "pdx.datasets.SegDataset; pdx.transforms.Resize;"
        "assert not {'paddle', 'visualdl', 'paddleslim'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])
