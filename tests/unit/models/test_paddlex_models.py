"""Model folders as PaddleX 2.1 writes them: little said, Python tuples, no trust."""

from __future__ import annotations

import inspect
import json
import warnings
from pathlib import Path

import numpy as np
import paddle
import pytest
from tiny_dataset import Recorder

import core as pdx
from core import seg
from core import transforms as T  # noqa: N812
from core.models.catalog import NETWORKS
from core.models.model_folder import read_model_info
from core.system.errors import InputError

#: State-dict keys and shapes of a ResNet's and an HRNet's telling layers, at 19 classes.
DEEP = {f"backbone.bb_2_{block}.conv0._conv.weight": (256, 1024, 1, 1) for block in range(23)}
HEAD = {
    "head.aspp.conv_bn_relu._conv.weight": (256, 1280, 1, 1),
    "head.aspp.global_avg_pool.1._conv.weight": (256, 2048, 1, 1),
    "head.decoder.conv_bn_relu1._conv.weight": (48, 256, 1, 1),
}

DESCRIPTION = """\
Model: {name}
Transforms:
- Resize:
    interp: LINEAR
    keep_ratio: false
    target_size: !!python/tuple
    - 32
    - 48
- Normalize:
    is_scale: true
    max_val: &id001
    - 255.0
    - 255.0
    - 255.0
    mean: [0.5, 0.5, 0.5]
    min_val: [0, 0, 0]
    std: [0.5, 0.5, 0.5]
_Attributes:
  eval_metrics:
    miou: 0.8125
  fixed_input_shape: null
  labels: [背景, optic_disc, '2']
  model_type: segmenter
  num_classes: 3
_init_params:
  num_classes: 3
  use_mixed_loss:
  - !!python/tuple
    - DiceLoss
    - 1.0
completed_epochs: 7
status: {status}
version: {version}
"""


def paddlex_folder(folder, model, *, status="Normal", version="2.1.0"):
    folder.mkdir(parents=True)
    (folder / "model.yml").write_text(
        DESCRIPTION.format(name=model.model_name, status=status, version=version),
        encoding="utf-8",
    )
    paddle.save(model.net.state_dict(), str(folder / "model.pdparams"))
    paddle.save({"LR_Scheduler": {"last_epoch": 3}}, str(folder / "model.pdopt"))
    (folder / "eval_details.json").write_text(json.dumps({"confusion_matrix": [[1]]}))
    (folder / ".success").touch()
    return folder


#: Every network with each argument that its weights' shapes tell.
VARIANTS = [
    ("FastSCNN", {}),
    ("UNet", {"use_deconv": False}),
    ("UNet", {"use_deconv": True}),
    ("BiSeNetV2", {}),
    ("HRNet", {"width": 18}),
    ("DeepLabV3P", {"backbone": "ResNet50_vd"}),
    ("DeepLabV3P", {"backbone_indices": (1, 3), "aspp_out_channels": 128}),
]


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_a_folder_of_paddlex_gives_its_network_back(tmp_path, name, params):
    original = seg.create(name, seed=2, num_classes=3, **params)
    folder = paddlex_folder(tmp_path / "模型 x" / "best_model", original)
    seg.FastSCNN(5)  # other networks were built before
    recorder = Recorder()
    model = pdx_load(folder, recorder)
    for argument, value in params.items():
        found = model.init_params[argument]
        assert (tuple(found) if isinstance(value, tuple) else found) == value
    assert model.init_params["num_classes"] == 3
    assert model.labels == ["背景", "optic_disc", "2"]
    assert model.completed_epochs == 7
    assert len(recorder.warnings) == 1
    assert "align_corners" in recorder.warnings[0]
    theirs, ours = original.net.state_dict(), model.net.state_dict()
    assert list(theirs) == list(ours)
    for key, value in theirs.items():
        np.testing.assert_array_equal(ours[key].numpy(), value.numpy())


def pdx_load(folder, recorder):
    from core.seg.loading import load_model

    return load_model(folder, reporter=recorder)


def test_it_predicts_and_is_complete_once_saved_here(tmp_path):
    original = seg.create("UNet", seed=2, num_classes=3, use_deconv=True)
    folder = paddlex_folder(tmp_path / "m", original)
    with pytest.warns(UserWarning, match="align_corners"):
        model = pdx.load_model(str(folder))
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    steps = T.Compose([T.Resize((32, 48)), T.Normalize(mean=[0.5] * 3, std=[0.5] * 3)])
    expected = original.predict(image, transforms=steps)
    np.testing.assert_array_equal(model.predict(image)["score_map"], expected["score_map"])
    model.save_model(tmp_path / "here")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pdx.load_model(tmp_path / "here")
    assert again.init_params["use_deconv"] is True
    assert [list(part) for part in again.init_params["use_mixed_loss"]] == [["DiceLoss", 1.0]]
    np.testing.assert_array_equal(again.predict(image)["score_map"], expected["score_map"])


def test_what_a_person_adds_to_the_file_wins(tmp_path):
    original = seg.create("UNet", seed=2, num_classes=3)
    folder = paddlex_folder(tmp_path / "m", original)
    file = folder / "model.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("_init_params:\n", "_init_params:\n  align_corners: true\n"))
    recorder = Recorder()
    assert pdx_load(folder, recorder).init_params["align_corners"] is True
    assert recorder.warnings == []


@pytest.mark.parametrize(
    ("status", "version", "sentence"),
    [
        ("Infer", "2.1.0", "exported inference model, which can only be deployed"),
        ("Pruned", "2.1.0", "Pruned model of PaddleX"),
        ("Quantized", "2.1.0", "Quantized model of PaddleX"),
        ("Normal", "1.3.11", r"PaddleX 1\.3\.11: only models of PaddleX 2"),
    ],
)
def test_other_kinds_of_folders_are_named(tmp_path, status, version, sentence):
    model = seg.FastSCNN(3)
    folder = paddlex_folder(tmp_path / "m", model, status=status, version=version)
    if status == "Infer":
        (folder / "model.pdparams").rename(folder / "model.pdiparams")
    with pytest.raises(InputError, match=sentence):
        pdx.load_model(folder)


def test_a_description_that_runs_code_is_refused(tmp_path):
    folder = paddlex_folder(tmp_path / "m", seg.FastSCNN(3))
    file = folder / "model.yml"
    target = tmp_path / "ran"
    for evil in (
        f"!!python/object/apply:os.mkdir ['{target}']",
        f"!!python/object/new:os.mkdir ['{target}']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple {a: 1}",
    ):
        text = DESCRIPTION.format(name="FastSCNN", status="Normal", version="2.1.0")
        file.write_text(text.replace("[0, 0, 0]", evil), encoding="utf-8")
        with pytest.raises(InputError, match="is not YAML of plain values"):
            pdx.load_model(folder)
    assert not target.exists()


def lost_init_params(name, shapes):
    return NETWORKS[name].lost_params(shapes)


def test_what_shapes_tell():
    assert lost_init_params("DeepLabV3P", {**DEEP, **HEAD}) == {
        "backbone": "ResNet101_vd",
        "aspp_ratios": (1, 12, 24, 36),
        "aspp_out_channels": 256,
        "backbone_indices": (0, 3),
    }
    six = {name: shape for name, shape in DEEP.items() if int(name.split("_")[2].split(".")[0]) < 6}
    assert lost_init_params("DeepLabV3P", {**six, **HEAD})["backbone"] == "ResNet50_vd"
    assert lost_init_params("HRNet", {"head.cls.weight": (19, 270, 1, 1)}) == {"width": 18}
    assert lost_init_params("HRNet", {"head.cls.weight": (19, 720, 1, 1)}) == {"width": 48}
    assert lost_init_params("BiSeNetV2", {}) == {}
    assert lost_init_params("HRNet", {}) == {}


def test_weights_of_another_network_are_refused(tmp_path):
    folder = paddlex_folder(tmp_path / "m", seg.FastSCNN(3))
    paddle.save(seg.UNet(3).net.state_dict(), str(folder / "model.pdparams"))
    with pytest.raises(InputError, match="does not fit the network"):
        pdx_load(folder, Recorder())


#: For each constructor argument, values other than its default that can be built.
OTHER_VALUES = {
    "num_classes": [4],
    "use_mixed_loss": [[("DiceLoss", 0.5), ("CrossEntropyLoss", 0.5)], True],
    "align_corners": [True],
    "use_deconv": [True],
    "backbone": ["ResNet101_vd"],
    "output_stride": [16],
    "backbone_indices": [(1, 3)],
    "aspp_ratios": [(1, 6, 12, 18)],
    "aspp_out_channels": [64],
    "multi_grid": [(1, 2, 4)],
    "width": [18],
}


OPTIONS = [
    (name, argument, value)
    for name in NETWORKS
    for argument in inspect.signature(seg.model_class(name)).parameters
    for value in OTHER_VALUES[argument][: 2 if name == "FastSCNN" else 1]
]


@pytest.fixture(scope="module")
def plain():
    return T.Compose([T.Resize((64, 64)), T.Normalize()])


@pytest.mark.parametrize(("name", "argument", "value"), OPTIONS)
def test_every_argument_survives_the_model_folder(tmp_path, plain, name, argument, value):
    small = {"HRNet": {"width": 18}}.get(name, {})
    original = seg.create(name, seed=3, **{**small, argument: value})
    original.test_transforms = plain
    original.save_model(tmp_path / "模 型")
    assert read_model_info(tmp_path / "模 型").init_params.keys() == original.init_params.keys()
    for other in NETWORKS:
        seg.model_class(other).without_net()
    seg.FastSCNN(7)
    paddle.nn.Conv2D(3, 3, 3)
    model = pdx.load_model(tmp_path / "模 型")
    assert plainly(model.init_params) == plainly(original.init_params)
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        model.predict(image)["score_map"], original.predict(image)["score_map"]
    )


def plainly(value):
    if isinstance(value, dict):
        return {key: plainly(part) for key, part in value.items()}
    return [plainly(part) for part in value] if isinstance(value, (list, tuple)) else value


def test_paths_are_no_surprise(tmp_path):
    with pytest.raises(InputError, match="There is no model folder"):
        pdx.load_model(Path(tmp_path) / "nowhere")
