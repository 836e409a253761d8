"""Every export opens as one predictor: formats, graphs, files from before there were manifests."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from prunable_networks import trained_looking

import core as pdx
from core import seg
from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.deploy.opening import open_export
from core.portable.manifest import MANIFEST, damaged_files, read_manifest
from core.portable.portable_error import PortableError
from core.prediction.onnx_predictor import MANIFEST_KEY, METADATA_KEY
from core.system.errors import InputError

LABELS = ["background", "crack", "bubble"]
EXPORTS = {
    "onnx": {},
    "onnx, RGB": {"color_order": "rgb"},
    "onnx, plain": {"plain": True},
    "openvino": {"format": "openvino"},
    "openvino, plain": {"format": "openvino", "plain": True},
    "paddle": {"format": "paddle"},
}


def new_model(*steps, name="FastSCNN"):
    model = seg.create(name, seed=0, num_classes=3)
    trained_looking(model.net)
    model.labels, model.colors = list(LABELS), [(0, 0, 0), (255, 0, 0), (0, 0, 255)]
    model.test_transforms = T.Compose([*steps, T.Normalize()])
    return model


@pytest.fixture(scope="module")
def model():
    made = new_model(T.Resize((64, 48)))
    made.thresholds = [None, 0.8, 0.3]
    return made


@pytest.fixture(scope="module")
def folders(model, tmp_path_factory):
    """One export of each kind, by its name."""
    root = tmp_path_factory.mktemp("exports") / "输出 1"
    root.mkdir()
    for name, options in EXPORTS.items():
        export_model(model, root / name, revision="abc", **options)
    return root


@pytest.fixture(scope="module")
def image():
    noise = np.random.default_rng(3).normal(0, 1, (75, 101, 3))
    return np.clip(128 + 500 * cv2.GaussianBlur(noise, (0, 0), 3), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_predicts_as_the_trained_model(name, folders, model, image):
    predictor = open_export(folders / name, threads=1)
    wanted = model.predict(image)
    label_map = predictor.label_map(image)
    assert label_map.dtype == np.uint8
    assert (label_map == wanted["label_map"]).mean() > 0.999
    np.testing.assert_allclose(predictor.scores(image), wanted["score_map"], atol=5e-3)
    chosen = predictor.label_map(image, thresholds=True)
    assert (chosen == model.predict(image, thresholds=True)["label_map"]).mean() > 0.999
    assert (chosen != label_map).any()
    assert predictor.runtime.name == {"onnx": "onnxruntime"}.get(
        name.split(",")[0], name[:8].strip(",")
    )
    assert predictor.runtime.version
    assert predictor.runtime.threads == 1
    assert predictor.labels == tuple(LABELS)


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_is_a_model_for_the_library(name, folders, model, image):
    loaded = pdx.load_model(folders / name)
    found = loaded.predict(image, thresholds=True)
    wanted = model.predict(image, thresholds=True)
    assert (found["label_map"] == wanted["label_map"]).mean() > 0.999
    np.testing.assert_allclose(found["score_map"], wanted["score_map"], atol=5e-3)
    assert (loaded.labels, loaded.colors) == (LABELS, model.colors)
    assert [type(step).__name__ for step in loaded.test_transforms.transforms] == [
        "Resize",
        "Normalize",
    ]
    loaded.check()


@pytest.mark.parametrize("name", EXPORTS)
def test_manifests_say_what_there_is(name, folders):
    manifest = read_manifest(folders / name)
    plain = "plain" in name or name == "paddle"
    assert manifest.graph == ("plain" if plain else "complete")
    assert manifest.format == name.split(",")[0]
    assert manifest.input.layout == ("NCHW" if plain else "NHWC")
    assert manifest.input.color_order == ("RGB" if plain or "RGB" in name else "BGR")
    assert set(manifest.outputs) == ({"logits"} if plain else {"label_map", "scores"})
    assert manifest.background == 0
    assert manifest.revision == "abc"
    assert manifest.tiling is None  # every image becomes one of 48×64
    assert manifest.thresholds == (None, 0.8, 0.3)
    assert manifest.created.endswith("+00:00")
    files = {file.name for file in (folders / name).iterdir()} - {MANIFEST}
    assert set(manifest.files) == files
    assert damaged_files(folders / name, manifest) == []
    (folders / name / "model.yml").open("ab").write(b"#")
    assert damaged_files(folders / name, manifest) == ["model.yml"]


def test_the_file_itself_says_the_same(folders):
    properties = {p.key: p.value for p in onnx.load(folders / "onnx" / "model.onnx").metadata_props}
    assert {METADATA_KEY, MANIFEST_KEY, "model_info labels"} <= set(properties)
    assert '"abc"' in properties[MANIFEST_KEY]


def test_windows_are_those_of_the_image(tmp_path):
    model = new_model(T.Rescale(0.5), name="BiSeNetV2")
    found = export_model(model, tmp_path / "a").manifest
    assert (found.tiling.width, found.tiling.height, found.tiling.overlap) == (2048, 2048, 512)
    assert found.size_multiple == 8
    plain = export_model(model, tmp_path / "a", plain=True).manifest
    assert (plain.tiling.width, plain.tiling.overlap) == (1024, 256)
    assert plain.input.range == (-2.117904, 2.64)
    fixed = export_model(new_model(), tmp_path / "a", size=(64, 48)).manifest
    assert (fixed.tiling.width, fixed.tiling.height, fixed.tiling.overlap) == (64, 48, 24)
    assert fixed.size_multiple == 1
    assert fixed.revision is None


def test_windows_come_to_what_the_model_gives_in_windows(tmp_path):
    model = new_model(T.Rescale(0.5))
    predictor = open_export(export_model(model, tmp_path / "a", size=(64, 48)).folder)
    noise = np.random.default_rng(0).normal(0, 1, (192, 256, 3))
    image = np.clip(128 + 500 * cv2.GaussianBlur(noise, (0, 0), 4), 0, 255).astype(np.uint8)
    whole = pdx.load_model(tmp_path / "a")
    np.testing.assert_array_equal(
        whole.predict(image, with_scores=False)["label_map"], predictor.label_map(image)
    )
    scores = whole.predict(image)["score_map"]
    np.testing.assert_allclose(scores, predictor.scores(image), atol=1e-6)
    wanted = model.predict(image, window=(64, 48))["score_map"]
    np.testing.assert_allclose(scores, wanted, atol=1e-3)


def test_thresholds_in_the_file_are_not_applied_twice(model, image, tmp_path):
    export_model(model, tmp_path / "a", thresholds=True)
    wanted = model.predict(image, thresholds=True)
    predictor = open_export(tmp_path / "a")
    for asked in (None, True):
        assert (predictor.label_map(image, thresholds=asked) == wanted["label_map"]).mean() > 0.999
    np.testing.assert_allclose(predictor.scores(image), wanted["score_map"], atol=5e-3)
    loaded = pdx.load_model(tmp_path / "a")
    for asked in (False, True):
        found = loaded.predict(image, thresholds=asked)
        assert (found["label_map"] == wanted["label_map"]).mean() > 0.999
    other = loaded.predict(image, thresholds=[None, 0.5, 0.5])["label_map"]
    assert (other == model.predict(image)["label_map"]).mean() > 0.999


def test_a_file_from_before_there_were_manifests(folders, model, image, tmp_path):
    content = onnx.load(folders / "onnx, plain" / "model.onnx")
    old = {p.key: p.value for p in content.metadata_props if p.key == METADATA_KEY}
    onnx.helper.set_model_props(content, old)
    onnx.save(content, tmp_path / "model.onnx")
    for given in (tmp_path, tmp_path / "model.onnx"):
        predictor = open_export(given)
        assert (predictor.label_map(image) == model.predict(image)["label_map"]).mean() > 0.999
        assert predictor.manifest.background == 0
    with pytest.raises(InputError, match="openvino does not read this model"):
        open_export(tmp_path, runtime="openvino")


def test_a_complete_file_alone(folders, model, image, tmp_path):
    (tmp_path / "renamed.onnx").write_bytes((folders / "onnx" / "model.onnx").read_bytes())
    predictor = open_export(tmp_path / "renamed.onnx")
    assert (predictor.label_map(image) == model.predict(image)["label_map"]).mean() > 0.999


def test_what_is_no_export(folders, image, tmp_path):
    with pytest.raises(InputError, match="is no exported model"):
        open_export(tmp_path)
    (tmp_path / "model.pdparams").touch()
    with pytest.raises(InputError, match=r"holds a trained model.*export it first"):
        open_export(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        open_export(tmp_path / "missing.onnx")
    with pytest.raises(InputError, match="prepares images by itself"):
        pdx.load_model(folders / "openvino").predict(image, transforms=[T.Normalize()])
    with pytest.raises(PortableError, match="give a path"):
        open_export(folders / "onnx").label_map(image.astype(np.float32))


def test_a_model_without_preprocessing_needs_plain(tmp_path):
    model = new_model()
    model.test_transforms = None
    with pytest.raises(InputError, match="export with --plain"):
        export_model(model, tmp_path / "a", size=(64, 48))
    assert export_model(model, tmp_path / "a", size=(64, 48), plain=True).manifest.graph == "plain"


def test_an_earlier_export_of_another_format_is_replaced(model, tmp_path):
    export_model(model, tmp_path / "a", format="openvino")
    (tmp_path / "a" / "reference").mkdir()
    export_model(model, tmp_path / "a")
    assert not (tmp_path / "a" / "model.xml").exists()
    assert not (tmp_path / "a" / "reference").exists()
