"""Prediction and evaluation: original sizes, windows, and metrics of what predict returns."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix, jaccard_score
from tiny_dataset import Recorder, dataset, write_folder

from core import seg
from core import transforms as T  # noqa: N812
from core.images import io as images
from core.prediction import paddle_predictor as inference
from core.prediction import predictor as prediction
from core.system.errors import InputError
from core.system.reporting import StopRequested


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据 2", train=1, val=5)


@pytest.fixture(scope="module")
def model():
    return seg.create("FastSCNN", seed=1, num_classes=3)


class Pointwise(paddle.nn.Layer):
    """Logits depend on their own pixel only, so windows must change nothing."""

    def __init__(self, classes=4):
        super().__init__()
        paddle.seed(0)
        self.conv = paddle.nn.Conv2D(3, classes, 1)

    def forward(self, x):
        self.largest = max(getattr(self, "largest", (0, 0)), tuple(x.shape[2:]))
        return [self.conv(x)]


class Blur(paddle.nn.Layer):
    """Logits depend on a neighbourhood of 9 × 9 pixels."""

    def forward(self, x):
        mean = paddle.nn.functional.avg_pool2d(
            x.mean(axis=1, keepdim=True), 9, stride=1, padding=4, exclusive=False
        )
        return [paddle.concat([paddle.zeros_like(mean), mean], axis=1)]


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_evaluate_measures_exactly_what_predict_returns(folder, model):
    # Network size differs from image size: resizing is part of what is compared.
    data = dataset(folder, "val", size=48)
    metrics, details = model.evaluate(data, return_details=True)
    labels, predictions = [], []
    for index in range(len(data)):
        image, mask = data.raw(index)
        label = images.read_mask(mask).ravel()
        predicted = model.predict(image, transforms=data.transforms)["label_map"].ravel()
        labels.append(label[label != 255])
        predictions.append(predicted[label != 255])
    label, predicted = np.concatenate(labels), np.concatenate(predictions)
    expected = confusion_matrix(label, predicted, labels=range(3))
    np.testing.assert_array_equal(details["confusion_matrix"], expected)
    assert metrics["kappa"] == pytest.approx(cohen_kappa_score(label, predicted))
    assert metrics["oacc"] == pytest.approx((label == predicted).mean())
    iou = jaccard_score(label, predicted, labels=range(3), average=None)
    np.testing.assert_allclose(metrics["category_iou"], iou)
    assert metrics["images"]["count"] == len(data)


def test_batches_change_nothing(folder, model):
    data = dataset(folder, "val", size=64)
    expected = model.evaluate(data, return_details=True)[1]
    assert model.evaluate(data, batch_size=3, return_details=True)[1] == expected


def test_rows_per_image_add_up(folder, model):
    data = dataset(folder, "val", size=48)
    seen = []
    _, details = model.evaluate(
        data,
        per_image=True,
        on_image=lambda score, label_map: seen.append((score.index, label_map.shape)),
    )
    rows = details["per_image"]
    assert [row["image"] for row in rows] == [str(data.raw(i)[0]) for i in range(5)]
    np.testing.assert_array_equal(
        sum(row["confusion"] for row in rows), details["confusion_matrix"]
    )
    assert seen == [(index, (64, 64)) for index in range(5)]
    confusion = rows[2]["confusion"]
    hits, either = np.diag(confusion), confusion.sum(0) + confusion.sum(1) - np.diag(confusion)
    assert rows[2]["miou"] == pytest.approx((hits[either > 0] / either[either > 0]).mean())


def test_evaluation_tells_its_progress_and_can_be_stopped(folder, model):
    data = dataset(folder, "val", size=48)
    recorder = Recorder()
    model.evaluate(data, reporter=recorder)
    assert [(p["step"], p["steps"]) for p in recorder.progresses] == [(i, 5) for i in range(6)]
    with pytest.raises(StopRequested):
        model.evaluate(data, reporter=Recorder(stop_at=3))


def test_evaluation_leaves_the_mode_as_it_was(folder, model):
    model.net.train()
    model.evaluate(dataset(folder, "val", size=48))
    assert model.net.training


def test_predictions_have_the_original_size(model):
    transforms = T.Compose([T.ResizeByLong(64), T.Padding(target_size=(64, 64)), T.Normalize()])
    inputs = [picture(50, 40), picture(33, 90), picture(50, 40, seed=1)]
    results = model.predict(inputs, transforms=transforms)
    for image, result in zip(inputs, results, strict=True):
        assert result["label_map"].shape == image.shape[:2]
        assert result["label_map"].dtype == np.int32
        assert result["score_map"].shape == (*image.shape[:2], 3)
        assert result["score_map"].dtype == np.float32
        np.testing.assert_allclose(result["score_map"].sum(-1), 1, rtol=1e-5)
        chosen = np.take_along_axis(result["score_map"], result["label_map"][..., None], -1)
        np.testing.assert_allclose(chosen[..., 0], result["score_map"].max(-1), rtol=1e-6)
    single = model.predict(inputs[1], transforms=transforms)
    np.testing.assert_array_equal(single["score_map"], results[1]["score_map"])
    assert set(model.predict(inputs[0], transforms, with_scores=False)) == {"label_map"}


def test_path_and_array_are_the_same_image(folder, model):
    data = dataset(folder, "val")
    path = data.raw(0)[0]
    by_path = model.predict(path, transforms=data.transforms)
    by_array = model.predict(images.read_image(path), transforms=data.transforms)
    np.testing.assert_array_equal(by_path["score_map"], by_array["score_map"])


def test_predicting_keeps_no_graph(model):
    predictor = inference.ImagePredictor(model.net, T.Compose([T.Normalize()]), num_classes=3)
    with inference.inference_mode(predictor.net):
        assert predictor.net(paddle.zeros([1, 3, 64, 64]))[0].stop_gradient


@pytest.mark.parametrize("size", [(30, 30), (31, 100), (100, 31), (77, 103)])
def test_windows_equal_the_whole_image_for_a_pointwise_network(size):
    net = Pointwise()
    transforms = T.Compose([T.Normalize()])
    whole = inference.ImagePredictor(net, transforms, num_classes=4).predict(picture(*size))
    net.largest = (0, 0)
    windowed = inference.ImagePredictor(net, transforms, num_classes=4, window=(32, 30), overlap=8)
    parts = windowed.predict(picture(*size))
    assert net.largest <= (30, 32)
    np.testing.assert_allclose(parts["score_map"], whole["score_map"], atol=1e-6)
    streamed = windowed.predict(picture(*size), with_scores=False)
    np.testing.assert_array_equal(streamed["label_map"], parts["label_map"])


def test_windows_equal_the_whole_image_where_they_have_all_context():
    image = picture(96, 96)
    transforms = T.Compose([T.Normalize()])
    whole = inference.ImagePredictor(Blur(), transforms, num_classes=2).predict(image)
    parts = inference.ImagePredictor(
        Blur(), transforms, num_classes=2, window=(48, 48), overlap=16
    ).predict(image)
    error = abs(parts["score_map"] - whole["score_map"]).max(-1)
    # Windows start at 0, 24 and 48: within 4 pixels of an inner border one of them lacks context.
    lacking = np.zeros(96, bool)
    for border in (24, 48, 72):
        lacking[border - 4 : border + 4] = True
    complete = ~(lacking[:, None] | lacking[None, :])
    assert error[complete].max() < 1e-6
    # There it weighs little: far less than the window alone would be wrong.
    alone = inference.ImagePredictor(Blur(), transforms, num_classes=2).predict(image[24:72])
    assert error.max() > 0
    assert error[24:28].max() < 0.5 * abs(alone["score_map"] - whole["score_map"][24:72]).max()


def test_windowed_and_resized(monkeypatch):
    net = Pointwise()
    transforms = T.Compose([T.Resize((70, 90)), T.Normalize()])
    whole = inference.ImagePredictor(net, transforms, num_classes=4)
    parts = inference.ImagePredictor(net, transforms, num_classes=4, window=(32, 32), overlap=8)
    image = picture(55, 61)
    expected = whole.predict(image)
    np.testing.assert_allclose(parts.predict(image)["score_map"], expected["score_map"], atol=1e-6)
    monkeypatch.setattr(prediction, "_MAX_SCORES", 1)  # class by class, as for huge images
    one_by_one = parts.predict(image, with_scores=False)["label_map"]
    differing = one_by_one != expected["label_map"]
    gap = np.sort(expected["score_map"], -1)
    assert (gap[..., -1] - gap[..., -2])[differing].max(initial=0) < 1e-5


@pytest.mark.parametrize("background", [0, 2])
@pytest.mark.parametrize("resized", [False, True])
@pytest.mark.parametrize("window", [(512, 512), (32, 32)])
@pytest.mark.parametrize("most_scores", [2**26, 1])
def test_choices_are_those_of_the_scores_on_every_way(
    monkeypatch, background, resized, window, most_scores
):
    monkeypatch.setattr(prediction, "_MAX_SCORES", most_scores)
    resize = [T.Resize((70, 90))] if resized else []
    predictor = inference.ImagePredictor(
        Pointwise(), T.Compose([*resize, T.Normalize()]), num_classes=4, window=window, overlap=8
    )
    image = picture(55, 61)
    found = predictor.predict(image)
    for thresholds in (None, [None if index == background else 0.3 for index in range(4)]):
        predictor.set_thresholds(thresholds)
        (choice,) = predictor.choices([predictor.prepare(image)], background=background)
        label_map = predictor.predict(image)["label_map"]
        assert (choice.label_map != label_map).mean() < 1e-3  # equal scores, rounded otherwise
        log = np.log(found["score_map"])
        rest = np.delete(log, background, axis=-1)
        others = np.delete(np.arange(4), background)
        assert (choice.defect != others[rest.argmax(-1)]).mean() < 1e-3
        odds = rest.max(-1) - log[..., background]
        assert abs(choice.odds.astype(int) - np.floor((odds + 16) * 8)).max() <= 1
    assert (label_map != found["label_map"]).any()
    with pytest.raises(InputError, match="one for each"):
        predictor.set_thresholds([0.5, 0.5])


def test_what_a_crop_cut_off_is_not_counted(folder, model):
    data = dataset(folder, "val")
    data.transforms = T.Compose([T.CenterCrop(32), T.Normalize()])
    _, details = model.evaluate(data, return_details=True)
    assert np.sum(details["confusion_matrix"]) == 5 * 32 * 32
    label_map = model.predict(data.raw(0)[0], transforms=data.transforms)["label_map"]
    assert (label_map == 255).sum() == 64 * 64 - 32 * 32


def test_missing_transforms_and_unreadable_images_are_named(model, tmp_path):
    with pytest.raises(InputError, match="pass transforms"):
        seg.FastSCNN(2).predict(picture(8, 8))
    (tmp_path / "坏 .png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"坏 \.png"):
        model.predict(str(tmp_path / "坏 .png"), transforms=T.Compose([T.Normalize()]))


def test_another_class_count_is_refused(folder):
    with pytest.raises(InputError, match="3 classes and the model 2"):
        seg.FastSCNN(2).evaluate(dataset(folder, "val"))


@pytest.mark.parametrize(
    "window", [0, 64, "64", (64.0, 64.0), (64, 64, 64), (float("nan"), 64), (True, 64), (0, 64)]
)
def test_windows_that_cannot_be(model, window):
    image = np.zeros((80, 90, 3), np.uint8)
    with pytest.raises(InputError, match=r"window (is|of) "):
        model.predict(image, [T.Normalize()], window=window)


def test_windows_of_numpy_s_numbers(model):
    image = np.zeros((80, 90, 3), np.uint8)
    window = (np.int64(64), np.int32(64))
    assert model.predict(image, [T.Normalize()], window=window)["label_map"].shape == (80, 90)


def test_devices():
    assert inference.select_device("cpu") == "cpu"
    assert inference.select_device("auto") in ("cpu", "gpu:0")
    several = ("gpu:0,1", "gpu:1,1", "cpu:2", "cpu:0,1")
    for device in ("gpu:99", "cuda", *several, "cpu:0", "auto:0", 3, [], b"cpu"):
        with pytest.raises(InputError):
            inference.select_device(device)
