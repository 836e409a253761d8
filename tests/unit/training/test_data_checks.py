"""What is refused or said of data sets before a training: classes, masks, random transforms."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from tiny_dataset import Recorder, dataset, write_folder
from tiny_training import folder, train, trained

from core import seg
from core import transforms as T  # noqa: N812
from core.images import io as images
from core.seg.loading import load_model
from core.system.errors import InputError

__all__ = ["folder", "trained"]
SWAPPED = ("background", "disc", "square")
RENAMED = ("background", "bolt", "nut")


@pytest.fixture(scope="module")
def swapped(tmp_path_factory):
    return _labelled(tmp_path_factory.mktemp("swapped"), SWAPPED)


@pytest.fixture(scope="module")
def renamed(tmp_path_factory):
    return _labelled(tmp_path_factory.mktemp("renamed"), RENAMED)


def _labelled(place, labels):
    folder = write_folder(place / "data", train=4)
    (folder / "labels.txt").write_text("\n".join(labels), encoding="utf-8")
    return folder


def test_classes_in_another_order_are_refused_wherever_data_meets_a_model(
    swapped, tmp_path, trained
):
    data = dataset(swapped, "train")
    calls = {
        "resume": lambda: train(swapped, tmp_path, resume_checkpoint=trained),
        "train on": lambda: train(swapped, tmp_path, model=load_model(trained)),
        "pretrain": lambda: train(swapped, tmp_path, pretrain_weights=trained),
        "evaluate": lambda: load_model(trained).evaluate(data),
        "sensitivity": lambda: load_model(trained).analyze_sensitivity(data, save_dir=tmp_path),
        "calibrate": lambda: load_model(trained).quantize_post_training(data),
        "quantise": lambda: load_model(trained).quant_aware_train(1, data, save_dir=tmp_path),
    }
    for name, call in calls.items():
        with pytest.raises(InputError, match="is number 1 in the data but number 2"):
            pytest.fail(f"{name} went through: {call()}")
    assert not list(tmp_path.iterdir())


def test_classes_of_other_names_are_said_where_all_weights_go_on(renamed, tmp_path, trained):
    for rest in ({"resume_checkpoint": trained}, {"model": load_model(trained)}):
        recorder = Recorder()
        model, _ = train(renamed, tmp_path, reporter=recorder, **rest)
        assert any("background, bolt, nut under the same numbers" in w for w in recorder.warnings)
        assert model.labels == list(RENAMED)


def test_training_and_evaluation_set_must_agree(folder, swapped, tmp_path):
    with pytest.raises(InputError, match=r"give both the same labels\.txt"):
        train(folder, tmp_path, eval_dataset=dataset(swapped, "val"))


@pytest.mark.parametrize("rest", [{}, {"method": "quant_aware_train"}])
def test_masks_of_0_and_255_name_the_way_out(tmp_path, rest):
    folder = write_folder(tmp_path / "data", train=4)
    for file in folder.glob("*标注.png"):
        mask = images.read_mask(file)
        images.write_mask(file, np.where(mask > 0, 255, 0).astype(np.uint8))
    model = seg.create("FastSCNN", seed=1, num_classes=3)
    call = getattr(model, rest.get("method", "train"))
    arguments = {"save_dir": tmp_path / "out", "use_vdl": False}
    if not rest:
        arguments["pretrain_weights"] = None
    with pytest.raises(InputError, match=r"only the values 0 and 255.*write 1 instead"):
        call(1, dataset(folder, "train"), 4, **arguments)


def test_random_transforms_for_evaluation_are_left_out_and_named(folder, tmp_path):
    data = dataset(folder, "val")
    data.transforms = T.Compose(
        [
            T.Resize(64, interp="RANDOM"),
            T.RandomHorizontalFlip(),
            T.RandomDistort(),
            T.RandomCrop(48),
            T.Normalize(),
        ]
    )
    recorder = Recorder()
    train(folder, tmp_path, epochs=1, eval_dataset=data, reporter=recorder)
    (said,) = [w for w in recorder.warnings if "Random transforms" in w]
    for name in ("Resize", "RandomHorizontalFlip", "RandomDistort", "RandomCrop"):
        assert name in said
    kept = yaml.safe_load((tmp_path / "best_model/model.yml").read_text(encoding="utf-8"))
    assert [next(iter(step)) for step in kept["Transforms"]] == ["Resize", "Normalize"]
    assert kept["Transforms"][0]["Resize"]["interp"] == "LINEAR"
    assert [type(step).__name__ for step in data.transforms.transforms][1] == "RandomHorizontalFlip"

    model = load_model(tmp_path / "best_model")
    with pytest.warns(UserWarning, match="RandomHorizontalFlip"):
        scores = [model.evaluate(data)["miou"] for _ in range(2)]
    assert scores[0] == scores[1]


def test_an_older_model_folder_with_random_transforms_predicts_the_same_each_time(
    folder, tmp_path, trained
):
    model = load_model(trained)
    model.test_transforms = T.Compose([T.RandomHorizontalFlip(1.0), T.Resize(64), T.Normalize()])
    model.save_model(tmp_path / "old")
    with pytest.warns(UserWarning, match="RandomHorizontalFlip"):
        old = load_model(tmp_path / "old")
    image = str(dataset(folder, "val").raw(0)[0])
    np.testing.assert_array_equal(
        old.predict(image)["score_map"], load_model(trained).predict(image)["score_map"]
    )


def test_nothing_but_random_transforms_is_refused(folder, tmp_path):
    data = dataset(folder, "val")
    data.transforms = T.Compose([T.RandomHorizontalFlip()])
    with pytest.raises(InputError, match="are random"):
        train(folder, tmp_path, eval_dataset=data)
