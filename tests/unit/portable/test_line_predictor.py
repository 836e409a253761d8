"""From images to label maps: whole, in windows, by thresholds; whatever the runtime."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from line_models import complete_graph, parts_picture, write_line_model

from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Manifest, Tiling
from core.portable.portable_error import PortableError

NAMES = ("onnxruntime", "openvino")


@pytest.mark.parametrize("runtime", NAMES)
def test_arrays_and_files_of_any_name(tmp_path, runtime):
    write_line_model(tmp_path / "export")
    predictor = LinePredictor(tmp_path / "export", runtime=runtime, spinning=False)
    picture = parts_picture()
    label_map = predictor.label_map(picture)
    assert (label_map.shape, label_map.dtype) == ((60, 80), np.uint8)
    assert label_map[12, 20] == 1 and label_map[35, 45] == 2 and label_map[0, 0] == 0
    file = tmp_path / "零件 é.jpeg.png"
    file.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    np.testing.assert_array_equal(predictor.label_map(file), label_map)
    np.testing.assert_array_equal(predictor.label_map(str(file)), label_map)
    scores = predictor.scores(file)
    assert (scores.shape, scores.dtype) == ((60, 80, 3), np.float32)
    np.testing.assert_array_equal(scores.argmax(axis=2), label_map)
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(
        predictor.label_map(grey), predictor.label_map(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    )
    assert (predictor.labels[1], predictor.num_classes) == ("Crack", 3)


def test_what_is_no_image_is_refused(tmp_path):
    write_line_model(tmp_path)
    predictor = LinePredictor(tmp_path)
    for wrong in (
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        None,
    ):
        with pytest.raises(PortableError, match="An image is"):
            predictor.label_map(wrong)
    with pytest.raises(PortableError, match="does not exist"):
        predictor.label_map(tmp_path / "none.png")


@pytest.mark.parametrize("runtime", NAMES)
@pytest.mark.parametrize("size", [(150, 203), (64, 300), (301, 40), (65, 64)])
def test_windows_give_what_the_whole_gives(tmp_path, runtime, size):
    """A network that sees a pixel alone cannot tell windows from the whole."""
    write_line_model(tmp_path)
    picture = parts_picture(*size)
    whole = LinePredictor(tmp_path, runtime=runtime, tile=0)
    tiled = LinePredictor(tmp_path, runtime=runtime, tile=64)
    assert tiled.tiling == Tiling(width=64, height=64, overlap=32)
    np.testing.assert_array_equal(tiled.label_map(picture), whole.label_map(picture))
    np.testing.assert_allclose(tiled.scores(picture), whole.scores(picture), atol=1e-5)
    np.testing.assert_array_equal(
        tiled.label_map(picture, thresholds=[None, 0.1, 0.9]),
        whole.label_map(picture, thresholds=[None, 0.1, 0.9]),
    )


def test_windows_leave_no_seams_and_no_noise_at_the_border(tmp_path):
    """What a window thinks at its own border counts least, but the image's border keeps all."""
    write_line_model(tmp_path, model=complete_graph(kernel=9, seed=3))
    whole = LinePredictor(tmp_path, tile=0)
    tiled = LinePredictor(tmp_path, tile=Tiling(width=96, height=96, overlap=48))
    even = np.full((250, 260, 3), 140, np.uint8)
    expected = whole.scores(even)
    label_map, scores = tiled.label_map(even), tiled.scores(even)
    inner = (slice(8, -8), slice(8, -8))
    assert np.ptp(expected[inner], axis=(0, 1)).max() < 1e-5  # the whole is even
    # A window's zeros reach 4 pixels in, where it has at most 5 of 49 parts of the say.
    step = np.abs(expected[0] - expected[8]).max()
    assert step > 0.1
    assert np.abs(scores - expected)[inner].max() < 0.2 * step
    assert len(np.unique(label_map[inner])) == 1
    border = np.ones(even.shape[:2], bool)
    border[4:-4, 4:-4] = False
    corners = np.abs(scores - expected)[:30, :30]
    assert corners.max() < 1e-4  # no inner edge is near: exactly the whole's
    assert (label_map == whole.label_map(even))[border].mean() > 0.97


class _Counting:
    """A runtime that notes the batches it is given."""

    name, version, compute_precision, threads = "counting", "1", "float32", 1

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def label_maps(self, images):
        return self.scores(images).argmax(axis=1).astype(np.uint8)

    def scores(self, images):
        self.shapes.append(images.shape)
        first = images[..., 0].astype(np.float32) / 255
        return np.stack([first, 1 - first], axis=1)


def test_windows_come_in_batches_of_bounded_size():
    runtime = _Counting()
    manifest = Manifest(
        format="onnx",
        model="x",
        labels=("a", "b"),
        size_multiple=32,
        tiling=Tiling(width=500, height=1000, overlap=100),
    )
    predictor = LinePredictor.from_runtime(manifest, runtime)
    image = np.zeros((1100, 3000, 3), np.uint8)
    image[300:700, 1000:2000] = 255
    np.testing.assert_array_equal(predictor.label_map(image), image[..., 0] == 0)
    assert {shape[1:3] for shape in runtime.shapes} == {(992, 480)}  # multiples of 32
    assert max(shape[0] for shape in runtime.shapes) == 4
    assert sum(shape[0] for shape in runtime.shapes) == 2 * 8
    runtime.shapes.clear()
    predictor.label_map(image[:1000, :500])
    assert runtime.shapes == [(1, 1000, 500, 3)]


def test_thresholds(tmp_path):
    """A class's threshold is about its share against the background."""
    write_line_model(tmp_path / "own", thresholds=(None, 0.2, 0.9))
    predictor = LinePredictor(tmp_path / "own")
    image = np.zeros((16, 256, 3), np.uint8)
    image[..., 1], image[..., 2] = 128, np.arange(256)
    scores = predictor.scores(image)
    shares = scores[..., 1] / (scores[..., 1] + scores[..., 0])
    only = predictor.label_map(image, thresholds=[None, 0.2, 0.999999])
    np.testing.assert_array_equal(only == 1, shares > 0.2)
    assert (only != predictor.label_map(image)).any()
    own = predictor.label_map(image, thresholds=True)
    np.testing.assert_array_equal(own, predictor.label_map(image, thresholds=[None, 0.2, 0.9]))
    np.testing.assert_array_equal(
        predictor.label_map(image, thresholds=False), predictor.label_map(image)
    )
    with pytest.raises(PortableError, match="2 thresholds for 3 classes"):
        predictor.label_map(image, thresholds=[None, 0.5])
    with pytest.raises(PortableError, match="between 0 and 1"):
        predictor.label_map(image, thresholds=[None, 0.5, 1.5])
    write_line_model(tmp_path / "without")
    with pytest.raises(PortableError, match="no thresholds of its own"):
        LinePredictor(tmp_path / "without").label_map(image, thresholds=True)


def test_judging(tmp_path):
    write_line_model(
        tmp_path,
        thresholds=(None, 0.5, 0.9999),
        rules=("any Crack longer than 20 px -> warn",),
        settings={"thresholds": True},
    )
    predictor = LinePredictor(tmp_path)
    picture = parts_picture()
    judged = predictor.judge(picture)
    assert (judged.outcome, len(judged.objects)) == ("warn", 1)  # the dark one is not sure enough
    assert set(judged.seconds) == {"read", "network", "decide"}
    np.testing.assert_array_equal(judged.label_map, predictor.label_map(picture, thresholds=True))
    likeliest = predictor.judge(picture, thresholds=False)
    assert {one.name for one in likeliest.objects} == {"Crack", "Dark"}
    np.testing.assert_array_equal(likeliest.label_map, predictor.label_map(picture))
    stricter = replace(predictor.settings, rules=())
    assert predictor.judge(picture, settings=stricter).outcome == "reject"
    assert predictor.judge(np.full((20, 20, 3), 180, np.uint8)).outcome == "accept"


def test_tiles_that_are_none():
    manifest = Manifest(format="onnx", model="x", labels=("a", "b"))
    with pytest.raises(PortableError, match="is empty"):
        LinePredictor.from_runtime(manifest, _Counting(), tile=(10, 0))
    plain = Manifest(format="onnx", model="x", labels=("a", "b"), graph="plain")
    assert LinePredictor.from_runtime(plain, _Counting()).tiling is None
