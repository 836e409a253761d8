"""Transforms that users write: registered ones survive saving, others are refused in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from tiny_dataset import dataset, write_folder
from tiny_training import train

from core import transforms as T  # noqa: N812
from core.seg.loading import load_model
from core.system.errors import InputError
from core.transforms import base


@pytest.fixture
def registry(monkeypatch):
    """A registry that forgets what the test registers."""
    known = dict(base._REGISTRY)
    monkeypatch.setattr(base, "_REGISTRY", known)
    return known


@dataclass(frozen=True, slots=True)
class Invert(T.Transform):
    """Negative of the image."""

    amount: int = 255

    def apply(self, sample, rng):
        return {**sample, "image": (self.amount - sample["image"]).astype(np.uint8)}


def _train(place, step):
    folder = write_folder(place / "data", train=4)
    sets = [dataset(folder, split) for split in ("train", "val")]
    for one in sets:
        one.transforms = T.Compose([T.Resize(64), step, T.Normalize()])
    train(folder, place / "out", epochs=1, data=sets[0], eval_dataset=sets[1])
    return place / "out/best_model"


def test_a_registered_class_survives_saving_and_is_missed_by_name(registry, tmp_path):
    T.register(Invert)
    best = _train(tmp_path, Invert(np.int64(250)))
    assert load_model(best).test_transforms.transforms[1] == Invert(250)
    del registry["Invert"]
    with pytest.raises(InputError, match=r"Unknown transform Invert.*import the module"):
        load_model(best)


def test_a_class_that_nobody_registered_is_refused_before_the_training(registry, tmp_path):
    with pytest.raises(InputError, match=r"transform Invert cannot be saved.*@register"):
        _train(tmp_path, Invert())
    assert not (tmp_path / "out").exists()


def test_what_is_no_transform_is_refused_in_a_sentence():
    for wrong in (lambda sample: sample, "Resize", None):
        with pytest.raises(InputError, match=r"and .* is none"):
            T.Compose([T.Resize(64), wrong])
    for wrong in (T.Resize(64), None, "Resize"):
        with pytest.raises(InputError, match="list of transforms"):
            T.Compose(wrong)


def test_what_cannot_be_registered(registry):
    class Loose(T.Transform):
        def __init__(self, amount=1):
            object.__setattr__(self, "amount", amount)

        def apply(self, sample, rng):
            return sample

    with pytest.raises(InputError, match="would not be saved"):
        T.register(Loose)
    with pytest.raises(InputError, match="is no transform"):
        T.register(dict)
    resize = dataclass(frozen=True)(type("Resize", (Invert,), {"__module__": "mine"}))
    with pytest.raises(InputError, match="a transform called Resize already"):
        T.register(resize)


def test_parameters_that_no_file_can_hold(registry):
    T.register(Invert)
    with pytest.raises(InputError, match="make its parameters numbers"):
        T.Compose([Invert(object())]).to_list()
    assert T.Compose([Invert(np.arange(2))]).to_list() == [{"Invert": {"amount": [0, 1]}}]
