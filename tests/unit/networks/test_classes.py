"""DeepLabV3P, BiSeNetV2, HRNet and EfficientNetFPN as classes: arguments, training, saving."""

from __future__ import annotations

import inspect

import numpy as np
import paddle
import pytest
from tiny_dataset import dataset, write_folder

import core as pdx
from core.system.errors import InputError

NAMES = ("DeepLabV3P", "BiSeNetV2", "HRNet")
SMALLEST = {
    "DeepLabV3P": {"output_stride": 16, "aspp_out_channels": 32, "multi_grid": [1, 2, 4]},
    "BiSeNetV2": {},
    "HRNet": {"width": "18", "align_corners": True},
    "EfficientNetFPN": {},
}


@pytest.fixture(autouse=True)
def on_the_cpu():
    paddle.set_device("cpu")


def positional(cls):
    return [
        (name, parameter.default)
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]


def test_constructors_are_paddlexs():
    assert positional(pdx.seg.DeepLabV3P) == [
        ("num_classes", 2),
        ("backbone", "ResNet50_vd"),
        ("use_mixed_loss", False),
        ("output_stride", 8),
        ("backbone_indices", (0, 3)),
        ("aspp_ratios", (1, 12, 24, 36)),
        ("aspp_out_channels", 256),
        ("align_corners", False),
    ]
    assert positional(pdx.seg.BiSeNetV2) == [
        ("num_classes", 2),
        ("use_mixed_loss", False),
        ("align_corners", False),
    ]
    assert positional(pdx.seg.HRNet) == [
        ("num_classes", 2),
        ("width", 48),
        ("use_mixed_loss", False),
        ("align_corners", False),
    ]


def params(cls, **given):
    """What the class makes of its arguments, without building a network."""
    return cls.__new__(cls, **given).init_params


def dilations(net):
    return [block.depthwise_conv._conv._dilation[0] for block in net.head.aspp.aspp_blocks[1:]]


def test_ratios_follow_the_output_stride_unless_they_are_given():
    cls = pdx.seg.DeepLabV3P
    assert params(cls)["aspp_ratios"] == (1, 12, 24, 36)
    assert params(cls, output_stride=16)["aspp_ratios"] == (1, 6, 12, 18)
    chosen = params(cls, output_stride=16, aspp_ratios=[1, 12, 24, 36])
    assert chosen["aspp_ratios"] == (1, 12, 24, 36)
    assert dilations(cls(output_stride=16).net) == [6, 12, 18]


def test_arguments_from_files_have_one_form():
    for width in ("18", 18.0, np.int64(18)):
        assert type(params(pdx.seg.HRNet, width=width)["width"]) is int
    found = params(pdx.seg.DeepLabV3P, backbone_indices=[0, -1], multi_grid=[1, 2, 4])
    assert found["backbone_indices"] == (0, 3)
    assert found["multi_grid"] == (1, 2, 4)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("HRNet", {"width": 32}, "width is 32: choose one of 18, 48"),
        ("HRNet", {"width": "wide"}, "width is wide"),
        ("HRNet", {"width": True}, "width is True"),
        ("DeepLabV3P", {"backbone": "ResNet18_vd"}, "ResNet50_vd, ResNet101_vd"),
        ("DeepLabV3P", {"output_stride": 32}, "output_stride is 32: choose one of 8, 16"),
        ("DeepLabV3P", {"backbone_indices": (0, 4)}, "2 whole numbers from -4 to 3"),
        ("DeepLabV3P", {"backbone_indices": 3}, "backbone_indices is 3"),
        ("DeepLabV3P", {"aspp_ratios": ()}, "give whole numbers from 1 to"),
        ("DeepLabV3P", {"aspp_ratios": (0, 6)}, "aspp_ratios"),
        ("DeepLabV3P", {"aspp_out_channels": 0}, "aspp_out_channels"),
        ("DeepLabV3P", {"multi_grid": (1, 2)}, "3 whole numbers"),
    ],
)
def test_impossible_arguments_are_refused(name, given, words):
    with pytest.raises(InputError, match=words) as caught:
        pdx.seg.create(name, **given)
    assert isinstance(caught.value, ValueError)


def test_first_weights_are_the_papers():
    paddle.seed(0)
    net = pdx.seg.HRNet(width=18).net
    widths = [layer.weight.std().item() for layer in net.sublayers() if is_wide(layer)]
    assert len(widths) > 100
    assert all(0.0009 < width < 0.0011 for width in widths)
    depthwise = pdx.seg.BiSeNetV2().net.sb.stage5_4[1].conv[1].depthwise_conv._conv
    fan_in = 9  # each filter sees one channel
    assert depthwise.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)


def is_wide(layer):
    return isinstance(layer, paddle.nn.Conv2D) and layer.weight.size > 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据 集", train=4, val=1, size=48)


@pytest.mark.parametrize("name", [*NAMES, "EfficientNetFPN"])
def test_learns_and_comes_back_the_same(name, folder, tmp_path):
    model = pdx.seg.create(name, seed=1, num_classes=3, **SMALLEST[name])
    first = losses_of(model, folder)
    model.train(
        3,
        dataset(folder, "train"),
        train_batch_size=4,
        eval_dataset=dataset(folder, "val"),
        save_interval_epochs=3,
        save_dir=tmp_path / "输出 目录",
        pretrain_weights=None,
        learning_rate=0.02,
        use_vdl=False,
        seed=1,
    )
    assert losses_of(model, folder) < 0.8 * first
    loaded = pdx.load_model(tmp_path / "输出 目录" / "epoch_3")
    assert loaded.init_params == model.init_params
    image = dataset(folder, "val").raw(0)[0]
    ours, theirs = model.predict(image), loaded.predict(image)
    np.testing.assert_array_equal(ours["label_map"], theirs["label_map"])
    np.testing.assert_allclose(ours["score_map"], theirs["score_map"], atol=1e-6)


def losses_of(model, folder):
    """Training loss on the training images, heads weighted, leaving the model as it is."""
    from core.training.losses import build_loss

    data = dataset(folder, "train")
    samples = [data[index] for index in range(len(data))]
    images = paddle.to_tensor(np.stack([image for image, _ in samples]))
    masks = paddle.to_tensor(np.stack([mask for _, mask in samples]))
    state = {key: value.clone() for key, value in model.net.state_dict().items()}
    model.net.train()
    with paddle.no_grad():
        outputs = model.net(images)
        assert len(outputs) == len(model.head_weights)
        loss = build_loss(False, model.head_weights)(outputs, masks)
    model.net.set_state_dict(state)
    return float(loss)
