"""Complete graphs: an image of any size in, the label map that the trained model gives out."""

from __future__ import annotations

import io

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from prunable_networks import trained_looking

from core import seg
from core import transforms as T  # noqa: N812
from core.compression.quantization.calibration import calibrate
from core.compression.quantization.config import QuantConfig
from core.compression.quantization.fake_quantization import quantize
from core.deploy.complete_graph import complete_graph
from core.deploy.model_export import export_model
from core.prediction.onnx_predictor import OnnxModel
from core.prediction.thresholds import score_offsets
from core.system.errors import InputError

CLASSES = 3
SIZES = ((97, 131), (64, 64), (50, 48), (33, 120), (20, 31))

NETWORKS = {
    "FastSCNN": {},
    "BiSeNetV2": {"align_corners": True},
    "UNet": {"use_deconv": True},
    "HRNet": {"width": 18},
    "DeepLabV3P": {"output_stride": 16},
    "EfficientNetFPN": {},
}


def model_of(name, steps, **params):
    model = seg.create(name, seed=0, num_classes=CLASSES, **params)
    trained_looking(model.net)
    model.test_transforms = T.Compose(steps)
    return model


@pytest.fixture(scope="module")
def small():
    """A network for images of any size."""
    return model_of("BiSeNetV2", [T.Normalize()])


@pytest.fixture(scope="module")
def plain(small, tmp_path_factory):
    """Its graph."""
    folder = tmp_path_factory.mktemp("export") / "a"
    return onnx.load(export_model(small, folder, plain=True).model)


def picture(size, seed=0):
    height, width = size
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 3, borderType=cv2.BORDER_REFLECT)
    return np.clip(128 + 500 * smooth, 0, 255).astype(np.uint8)


def session_of(model):
    content = model if isinstance(model, str) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def run(session, images):
    return session.run(["label_map", "scores"], {"image": np.ascontiguousarray(images)})


def check(session, model, *, sizes=SIZES, share=0.9995, scores=0.02):
    """Compare with the trained model: pixels of all images together, scores of each."""
    same = pixels = 0
    for seed, size in enumerate(sizes):
        image = picture(size, seed)
        wanted = model.predict(image)
        label_map, found = run(session, image[None])
        assert label_map.dtype == np.uint8
        assert label_map.shape == (1, *size)
        assert found.shape == (1, CLASSES, *size)
        same += int((label_map[0] == wanted["label_map"]).sum())
        pixels += label_map.size
        difference = np.abs(found[0].transpose(1, 2, 0) - wanted["score_map"])
        assert np.quantile(difference, 0.999) < scores, size
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert same / pixels >= share


@pytest.mark.parametrize(("name", "params"), NETWORKS.items())
def test_every_network_gives_what_it_gave_when_trained(name, params, tmp_path):
    model = model_of(name, [T.Resize((64, 64)), T.Normalize()], **params)
    session = session_of(str(export_model(model, tmp_path / "输出").model))
    check(session, model, share=0.9999)
    batch = np.stack([picture((40, 57), seed) for seed in (0, 1)])
    both = run(session, batch)[0]
    for index in (0, 1):
        np.testing.assert_array_equal(both[index], run(session, batch[index, None])[0][0])


STEPS = {
    "nothing": [],
    "nearest": [T.Resize((64, 80), interp="NEAREST")],
    "cubic": [T.Resize(64, interp="CUBIC")],
    "area": [T.Resize((48, 64), interp="AREA")],
    "lanczos": [T.Resize(72, interp="LANCZOS4")],
    "fitted": [T.Resize((64, 96), keep_ratio=True)],
    "fitted, padded": [T.Resize((64, 96), keep_ratio=True), T.Padding((64, 96))],
    "longer side, padded around": [
        T.ResizeByLong(64),
        T.Padding(80, pad_mode=1, im_padding_value=(10, 200, 30)),
    ],
    "shorter side": [T.ResizeByShort(64)],
    "shorter side, bounded": [T.ResizeByShort(64, max_size=96)],
    "half": [T.Rescale(0.5)],
    "a third": [T.Rescale(0.33)],
    "larger": [T.Rescale(1.4)],
    "multiples": [T.Padding(size_divisor=32, pad_mode=2, im_padding_value=0)],
    "placed": [T.Padding((140, 144), pad_mode=-1, offsets=(5, 3))],
    "cut": [T.CenterCrop(48)],
    "resized, cut": [T.Resize((96, 80)), T.CenterCrop(64)],
    "cut, resized": [T.CenterCrop(40), T.Resize(64)],
    "cut, padded, resized": [T.CenterCrop(40), T.Padding(56, pad_mode=1), T.Resize(64)],
}


@pytest.mark.parametrize("name", STEPS)
def test_every_way_of_preparing_images(name, small, plain):
    small.test_transforms = T.Compose([*STEPS[name], T.Normalize()])
    session = session_of(complete_graph(plain, small.test_transforms, size_multiple=8))
    # Grey levels of sums that OpenCV rounds otherwise; a row on the border of a crop that lies
    # equally near inside and outside.
    loose = {"cubic": 0.998, "area": 0.999, "resized, cut": 0.995}
    check(session, small, share=loose.get(name, 0.9995), scores=0.05)


def test_normalized_before_it_is_resized(small, plain):
    small.test_transforms = T.Compose([T.Normalize(), T.Resize((48, 64)), T.Padding(64)])
    check(session_of(complete_graph(plain, small.test_transforms, size_multiple=8)), small)


def test_other_normalisation_and_none(small, plain):
    odd = T.Normalize(mean=(0.1, 0.2, 0.3), std=(0.5, 0.4, 0.3), min_val=(0, 10, 20))
    small.test_transforms = T.Compose([odd])
    check(session_of(complete_graph(plain, small.test_transforms, size_multiple=8)), small)
    scaled = T.Normalize(mean=(100, 90, 80), std=(60, 50, 40), is_scale=False)
    small.test_transforms = T.Compose([T.Decode(to_rgb=False), T.Resize(64), scaled])
    check(session_of(complete_graph(plain, small.test_transforms)), small)
    small.test_transforms = T.Compose([T.Resize(64)])
    check(session_of(complete_graph(plain, small.test_transforms)), small, share=0.998)


def test_colours_in_either_order(small, plain):
    small.test_transforms = T.Compose([T.Padding(64, im_padding_value=(9, 8, 7)), T.Normalize()])
    image = picture((60, 50))
    by_order = [
        run(session_of(complete_graph(plain, small.test_transforms, color_order=order)), one[None])
        for order, one in (("bgr", image), ("rgb", image[..., ::-1]))
    ]
    np.testing.assert_array_equal(by_order[0][0], by_order[1][0])
    np.testing.assert_array_equal(by_order[0][0][0], small.predict(image)["label_map"])
    swapped = session_of(complete_graph(plain, small.test_transforms))
    assert (run(swapped, image[None, ..., ::-1])[0] != by_order[0][0]).any()


def test_what_a_crop_cut_off_is_unknown(small, plain):
    small.test_transforms = T.Compose([T.CenterCrop(40), T.Normalize()])
    label_map, scores = run(
        session_of(complete_graph(plain, small.test_transforms, size_multiple=8)),
        picture((60, 50))[None],
    )
    assert (label_map[0, :10] == 255).all()
    assert (label_map[0, :, 45:] == 255).all()
    assert (label_map[0, 10:50, 5:45] < CLASSES).all()
    np.testing.assert_allclose(scores[0, :, 0, 0], 1 / CLASSES, rtol=1e-6)


def test_thresholds_choose_the_label_map_and_leave_the_scores(small, plain):
    transforms = small.test_transforms = T.Compose([T.Resize(64), T.Normalize()])
    image = picture((50, 70))
    thresholds = [None, 0.9, 0.2]
    session = session_of(complete_graph(plain, transforms, offsets=score_offsets(thresholds)))
    label_map, scores = run(session, image[None])
    wanted = small.predict(image, thresholds=thresholds)
    np.testing.assert_array_equal(label_map[0], wanted["label_map"])
    assert (label_map[0] != small.predict(image)["label_map"]).any()
    np.testing.assert_allclose(scores[0].transpose(1, 2, 0), wanted["score_map"], atol=5e-3)


@pytest.mark.parametrize("step", [T.RandomBlur(prob=1.0), T.Resize(32, interp="RANDOM")])
def test_what_cannot_be_expressed_is_named(plain, step):
    with pytest.raises(InputError, match=rf"{type(step).__name__} .* export with --plain"):
        complete_graph(plain, T.Compose([step, T.Normalize()]))


def test_a_network_for_one_size(tmp_path):
    """Smaller images are continued as a program would; larger ones shrunk until they fit."""
    model = model_of("FastSCNN", [T.Normalize()])
    file = export_model(model, tmp_path / "a", size=(64, 48)).model
    session = session_of(str(file))
    for size in ((48, 64), (30, 50), (48, 20)):
        image = picture(size)
        wanted = OnnxModel(file).network_predictor().predict(image)["label_map"]
        assert (run(session, image[None])[0][0] == wanted).mean() > 0.999
    large = picture((96, 128))
    small = OnnxModel(file).network_predictor(
        T.Compose([T.Normalize(), T.Resize((48, 64), keep_ratio=True)])
    )
    assert (run(session, large[None])[0][0] == small.predict(large)["label_map"]).mean() > 0.999
    assert run(session, picture((301, 40))[None])[0].shape == (1, 301, 40)


def test_padding_that_cannot_hold_the_image_does_not_lose_a_part(small, plain):
    session = session_of(complete_graph(plain, T.Compose([T.Padding(32), T.Normalize()])))
    assert run(session, picture((40, 48))[None])[0].shape == (1, 40, 48)


def test_int8_stays_int8(tmp_path):
    model = model_of("FastSCNN", [T.Resize((64, 64)), T.Normalize()])
    quantize(model.net, QuantConfig(), size=(64, 64))
    images = np.random.default_rng(0).standard_normal((2, 3, 64, 64)).astype(np.float32)
    calibrate(model.net, [images])
    files = [
        export_model(model, tmp_path / name, plain=name == "plain").model
        for name in ("plain", "complete")
    ]
    kernels = []
    for index, file in enumerate(files):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / f"{index}.onnx")
        onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        nodes = onnx.load(tmp_path / f"{index}.onnx").graph.node
        network = [n for n in nodes if not n.name.startswith(("prepare.", "restore."))]
        kernels.append(sorted(n.op_type for n in network if n.op_type != "Transpose"))
    assert kernels[0].count("QLinearConv") > 30
    assert kernels[1] == kernels[0]


def test_openvino_gives_the_same(small, plain):
    import openvino

    small.test_transforms = T.Compose([T.Rescale(0.7), T.Normalize()])
    model = complete_graph(plain, small.test_transforms, size_multiple=8)
    core = openvino.Core()
    content = core.read_model(io.BytesIO(model.SerializeToString()))
    compiled = core.compile_model(content, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for seed, size in enumerate(SIZES[:3]):
        image = picture(size, seed)
        label_map = compiled(image[None])["label_map"][0]
        assert (label_map == small.predict(image)["label_map"]).mean() > 0.999
