"""Exported models as library users and jobs have them: loaded, predicting, evaluated, inspected."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from tiny_dataset import LABELS, dataset, write_folder

import core as pdx
from core import cli, seg
from core import transforms as T  # noqa: N812
from core.deploy.model_export import export_model
from core.images.io import read_mask
from core.models.model_folder import read_model_info
from core.portable.runtimes import OnnxRuntime
from core.prediction.exported_model import ExportedModel, inspect_export, read_any_info
from core.system.errors import InputError


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "数据 2", train=1, val=3)


@pytest.fixture(scope="module")
def model():
    model = seg.create("FastSCNN", seed=1, num_classes=3)
    model.labels = list(LABELS)
    model.colors = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]
    model.test_transforms = T.Compose([T.Resize((48, 56)), T.Normalize()])
    model.net.eval()
    return model


@pytest.fixture(scope="module")
def model_dir(model, tmp_path_factory):
    return model.save_model(tmp_path_factory.mktemp("model") / "模型")


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    return export_model(model, tmp_path_factory.mktemp("export") / "输出 1").folder


@pytest.fixture(scope="module")
def image(data_folder):
    return dataset(data_folder, "val").raw(0)[0]


def _without_paddle(monkeypatch):
    monkeypatch.setitem(sys.modules, "core.seg.loading", None)  # an import of it would fail


def test_load_model_of_an_export_predicts_as_its_network(monkeypatch, model, export, image):
    expected = model.predict(image)
    _without_paddle(monkeypatch)
    for given in (export, str(export), export / "model.onnx"):
        loaded = pdx.load_model(given)
        assert isinstance(loaded, ExportedModel)
        found = loaded.predict(image)
        assert found["label_map"].dtype == np.int32
        assert (found["label_map"] == expected["label_map"]).mean() > 0.999
        np.testing.assert_allclose(found["score_map"], expected["score_map"], atol=1e-3)
    assert loaded.labels == list(LABELS)
    assert loaded.colors == model.colors
    assert loaded.num_classes == 3
    assert loaded.model_name == "FastSCNN"
    listed = loaded.predict([image], transforms=[T.Resize(48), T.Normalize()], with_scores=False)
    assert set(listed[0]) == {"label_map"}


def test_an_export_is_evaluated_as_its_network(model, export, data_folder):
    data = dataset(data_folder, "val")
    data.transforms = model.test_transforms
    expected, details = model.evaluate(data, return_details=True)
    metrics, found = pdx.load_model(export).evaluate(data, return_details=True, per_image=True)
    assert metrics["miou"] == pytest.approx(expected["miou"], abs=1e-3)
    assert np.abs(np.subtract(*[d["confusion_matrix"] for d in (details, found)])).sum() < 20
    assert len(found["per_image"]) == 3


def test_an_export_refuses_other_classes(export, data_folder):
    data = dataset(data_folder, "val")
    data.labels = [LABELS[0], LABELS[2], LABELS[1]]
    with pytest.raises(InputError, match="every score would be wrong"):
        pdx.load_model(export).evaluate(data)
    with pytest.raises(InputError, match="batch_size is 0"):
        pdx.load_model(export).evaluate(dataset(data_folder, "val"), 0)
    data.labels, data.num_classes = list(LABELS[:2]), 2
    with pytest.raises(InputError, match="The data has 2 classes and the model 3"):
        pdx.load_model(export).evaluate(data)


def test_what_an_export_cannot_do_is_said(export):
    with pytest.raises(AttributeError, match="for 'train' load the model folder"):
        pdx.load_model(export).train(1)
    with pytest.raises(InputError, match="holds an exported model"):
        read_model_info(export)  # as every command that changes a model does first
    with pytest.warns(UserWarning, match="computes on the processor here, not on gpu:0"):
        pdx.load_model(export, device="gpu:0")


class TestPredictor:
    def test_exports_and_model_folders(self, model, model_dir, export, image):
        expected = model.predict(image)["label_map"]
        for folder in (model_dir, export):
            predictor = pdx.deploy.Predictor(str(folder))
            one = predictor.predict(image)
            assert set(one) == {"label_map", "score_map"}
            assert (one["label_map"] == expected).mean() > 0.999
            many = predictor.predict([image, image])
            assert len(many) == 2
            assert predictor.labels == list(LABELS)
            assert predictor.num_classes == 3

    def test_arguments_of_paddlex(self, export, image):
        with pytest.warns(UserWarning, match="TensorRT"):
            predictor = pdx.deploy.Predictor(
                str(export),
                False,
                0,
                1,
                True,
                2,
                use_trt=True,
                use_glog=False,
                memory_optimize=True,
                max_trt_batch_size=1,
                trt_precision_mode="float32",
            )
        assert predictor.seconds_per_image is None
        found = predictor.predict(
            img_file=iter([image]),
            topk=1,
            transforms=T.Compose([T.Normalize()]),
            warmup_iters=1,
            repeats=2,
        )
        assert len(found) == 1
        assert predictor.seconds_per_image > 0
        assert predictor.predict([]) == []

    def test_repeats_are_counted(self, export, image, monkeypatch):
        predictor = pdx.deploy.Predictor(export)
        calls = []
        monkeypatch.setattr(ExportedModel, "predict", lambda *a, **k: calls.append(a) or {})
        predictor.predict(image, warmup_iters=2, repeats=3)
        assert len(calls) == 5

    @pytest.mark.parametrize(
        "wrong", [{"repeats": 0}, {"warmup_iters": -1}, {"repeats": 1.5}, {"warmup_iters": True}]
    )
    def test_counts_that_cannot_be(self, export, image, wrong):
        with pytest.raises(InputError, match=f"{next(iter(wrong))} is .*whole number"):
            pdx.deploy.Predictor(export).predict(image, **wrong)

    def test_threads_that_cannot_be(self, export):
        with pytest.raises(InputError, match="0 threads"):
            pdx.deploy.Predictor(export, cpu_thread_num=0)

    def test_evaluate(self, export, data_folder):
        metrics = pdx.deploy.Predictor(export).evaluate(dataset(data_folder, "val"))
        assert 0 <= metrics["miou"] <= 1

    def test_there_is_no_model(self, tmp_path):
        with pytest.raises(InputError, match="is not a model folder"):
            pdx.deploy.Predictor(tmp_path)


def copied(export, target):
    target.mkdir()
    for file in export.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


class TestInspection:
    def test_intact(self, export):
        found = inspect_export(export / "model.onnx")
        assert (found.model, found.precision, found.size) == ("FastSCNN", "float32", (56, 48))
        assert found.labels == LABELS
        assert read_any_info(export).labels == LABELS

    def test_without_its_description(self, export, tmp_path):
        folder = copied(export, tmp_path / "a")
        (folder / "model.yml").unlink()
        assert inspect_export(folder / "model.onnx").labels == LABELS

    def test_the_description_of_another(self, export, tmp_path):
        folder = copied(export, tmp_path / "a")
        content = yaml.safe_load((folder / "model.yml").read_text("utf-8"))
        content["labels"] = content["labels"][::-1]
        (folder / "model.yml").write_text(yaml.safe_dump(content), "utf-8")
        with pytest.raises(InputError, match="differ in labels"):
            inspect_export(folder / "model.onnx")

    def test_cut_short(self, export, tmp_path):
        folder = copied(export, tmp_path / "a")
        data = (folder / "model.onnx").read_bytes()
        (folder / "model.onnx").write_bytes(data[: len(data) // 2])
        with pytest.raises(InputError, match=r"model\.onnx is no ONNX model that can be run"):
            inspect_export(folder / "model.onnx")

    @pytest.mark.parametrize("scores", [np.full((1, 3, 48, 56), np.nan), np.zeros((1, 3, 4, 4))])
    def test_no_scores(self, export, monkeypatch, scores):
        monkeypatch.setattr(OnnxRuntime, "_compute", lambda *_: scores.astype(np.float32))
        with pytest.raises(InputError, match=r"no scores|export it again"):
            inspect_export(export / "model.onnx")

    def test_it_cannot_compute(self, export, monkeypatch):
        def fail(*_):
            raise RuntimeError("no kernel\nat all")

        monkeypatch.setattr(OnnxRuntime, "_compute", fail)
        with pytest.raises(InputError, match="cannot compute an image of 56×48 pixels: no kernel"):
            inspect_export(export / "model.onnx")


class TestCommandLine:
    def test_validate(self, export, capsys):
        assert cli.run(["validate", str(export)]) == 0
        printed = capsys.readouterr().out
        assert "exported FastSCNN in float32" in printed
        assert printed.endswith("intact\n")
        assert cli.run(["validate", str(export / "model.onnx"), "--json"]) == 0
        found = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert found["kind"] == "exported model"
        assert found["valid"] is True
        assert found["image_size"] == [56, 48]

    def test_validate_of_a_damaged_one(self, tmp_path, capsys):
        (tmp_path / "model.onnx").write_bytes(b"noise")
        assert cli.run(["validate", str(tmp_path)]) == 2
        assert "is no ONNX model" in capsys.readouterr().err

    def test_predict_and_evaluate_in_a_worker_without_paddle(
        self, export, data_folder, image, tmp_path, monkeypatch, capsys
    ):
        fake = tmp_path / "fake" / "paddle"
        fake.mkdir(parents=True)
        (fake / "__init__.py").write_text("raise ImportError('not needed')")
        path = os.pathsep.join([str(fake.parent), *sys.path])

        def run(*arguments):
            code = "import sys; from core import cli; sys.exit(cli.run(sys.argv[1:]))"
            done = subprocess.run(
                [sys.executable, "-c", code, *map(str, arguments), "--json"],
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout.splitlines()[-1])

        found = run("predict", "--model-dir", export, "--out", tmp_path / "p", image)
        assert read_mask(found["files"][0]).max() < 3
        assert len(found["overlays"]) == 1
        found = run(
            "evaluate",
            "--model-dir",
            export / "model.onnx",
            "--data",
            data_folder,
            "--out",
            tmp_path / "e",
        )
        assert 0 <= found["miou"] <= 1
        assert (tmp_path / "e" / "report.html").exists()
