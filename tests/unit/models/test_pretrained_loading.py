"""Published weights in networks: what fits is loaded, what does not is said once."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder, dataset, write_folder

import core as pdx
from core import seg
from core.models import pretrained, weights
from core.system.errors import InputError


@pytest.fixture
def offline(tmp_path, monkeypatch):
    folder = tmp_path / "权 重"
    monkeypatch.setenv(pretrained.FOLDER_VARIABLE, str(folder))
    monkeypatch.setattr(pretrained, "cache_folder", lambda: tmp_path / "cache")

    def put(key, state):
        (folder / key).mkdir(parents=True)
        paddle.save(state, str(folder / key / "model.pdparams"))

    return put


def load(model, source, recorder):
    weights.load_pretrained(
        model.net,
        source,
        model_name=model.model_name,
        init_params=model.init_params,
        reporter=recorder,
    )


def assert_same(own, other):
    assert own
    for key in own:
        np.testing.assert_array_equal(own[key].numpy(), other[key].numpy())


NAMED = [
    ("FastSCNN", {}, "FastSCNN_CITYSCAPES"),
    ("UNet", {}, "UNet_CITYSCAPES"),
    ("BiSeNetV2", {}, "BiSeNetV2_CITYSCAPES"),
    ("HRNet", {"width": 18}, "HRNet_HRNet_W18_CITYSCAPES"),
    ("DeepLabV3P", {}, "DeepLabV3P_ResNet50_vd_CITYSCAPES"),
]


@pytest.mark.parametrize(("name", "params", "key"), NAMED)
def test_weights_that_fit_load_without_a_word(offline, name, params, key):
    source = seg.create(name, seed=8, num_classes=19, **params)
    offline(key, source.net.state_dict())
    model, recorder = seg.create(name, seed=9, num_classes=19, **params), Recorder()
    load(model, "CITYSCAPES", recorder)
    assert_same(model.net.state_dict(), source.net.state_dict())
    assert recorder.warnings == []


def test_another_class_count_is_said_in_one_warning(offline):
    source = seg.create("UNet", seed=8, num_classes=19)
    offline("UNet_CITYSCAPES", source.net.state_dict())
    model, recorder = seg.create("UNet", seed=9, num_classes=3), Recorder()
    load(model, "CITYSCAPES", recorder)
    own, other = model.net.state_dict(), source.net.state_dict()
    heads = {k for k in own if k.startswith(("cls.", "conv."))}
    assert_same({k: v for k, v in own.items() if k not in heads}, other)
    (warning,) = recorder.warnings
    assert warning.startswith(f"{len(own) - len(heads)} of {len(own)} weights were loaded")


def test_library_users_see_the_warning(offline, tmp_path):
    offline("FastSCNN_CITYSCAPES", seg.FastSCNN(19).net.state_dict())
    folder = write_folder(tmp_path / "数据", train=2, val=1)
    with pytest.warns(UserWarning, match=r"242 of 246 weights were loaded"):
        pdx.seg.FastSCNN(3).train(
            1, dataset(folder, "train"), 2, save_dir=tmp_path / "out", use_vdl=False
        )


def test_a_backbone_goes_where_it_belongs(offline):
    source = seg.create("DeepLabV3P", seed=8, num_classes=19)
    backbone = source.net.backbone.state_dict()
    # The published file holds the classifier of ImageNet, too.
    offline("DeepLabV3P_ResNet50_vd_IMAGENET", {**backbone, "out.weight": paddle.zeros([4, 2])})
    model, recorder = seg.create("DeepLabV3P", seed=9, num_classes=3), Recorder()
    load(model, "IMAGENET", recorder)
    assert_same(model.net.backbone.state_dict(), backbone)
    assert recorder.warnings == []


def test_nothing_that_fits_is_an_error(offline):
    offline("FastSCNN_CITYSCAPES", seg.UNet(19).net.state_dict())
    with pytest.raises(InputError, match=r"No weight in .* fits a FastSCNN"):
        load(seg.FastSCNN(19), "CITYSCAPES", Recorder())


@pytest.mark.parametrize("source", ["COCO", "cityscapes", "IMAGENET"])
def test_unknown_names_list_what_the_network_has(offline, source):
    with pytest.raises(InputError, match=f"“{source}” for FastSCNN: choose CITYSCAPES, a"):
        load(seg.FastSCNN(2), source, Recorder())


@pytest.mark.parametrize("source", ["no/such", "weights.pdparams"])
def test_paths_that_do_not_exist_are_named(offline, source):
    with pytest.raises(InputError, match="neither a file nor a model folder"):
        load(seg.FastSCNN(2), source, Recorder())


def test_a_model_folder_is_a_source(tmp_path):
    source = seg.create("FastSCNN", seed=8, num_classes=3)
    source.save_model(tmp_path / "模型 1")
    model = seg.create("FastSCNN", seed=9, num_classes=3)
    load(model, tmp_path / "模型 1", Recorder())
    assert_same(model.net.state_dict(), source.net.state_dict())
