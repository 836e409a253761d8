"""sensitivity, prune, quantize and export by their arguments, with real workers."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_data import LABELS, make_data
from jobs_here import jobs_here

from core import cli
from core.models.model_folder import read_model_info

REPOSITORY = Path(__file__).parents[2]
MAIN = [sys.executable, str(REPOSITORY / "main.py")]


def call(*arguments, check=True):
    """What the command prints and returns, in this process."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        code = cli.run([str(one) for one in arguments])
    done = subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
    if check:
        assert done.returncode == 0, done.stderr
    return done


def result(*arguments):
    return json.loads(call(*arguments, "--json").stdout.splitlines()[-1])


@pytest.fixture(scope="module", autouse=True)
def _jobs_here():
    with jobs_here():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("压缩 a")
    make_data(folder / "data")
    result(
        *("train", "--data", folder / "data", "--model", "FastSCNN", "--out", folder / "run"),
        *("--epochs", 2, "--batch-size", 4, "--image-size", "96x64", "--device", "cpu"),
        *("--skip-check", "--set", "num_workers=0", "--set", "use_vdl=false"),
    )
    return folder


@pytest.fixture
def model(folder):
    return folder / "run/best_model"


def test_a_model_is_analysed_pruned_quantised_and_exported(folder, model, tmp_path):
    data = folder / "data"
    analysed = result(
        *("sensitivity", "--model-dir", model, "--data", data, "--out", tmp_path / "分析"),
        *("--fast", "--device", "cpu"),
    )
    assert Path(analysed["sensitivity"]) == tmp_path / "分析/model.sensi.data"
    pruned = result(
        *("prune", "--model-dir", model, "--flops", 0.3, "--out", tmp_path / "pruned"),
        *("--data", data, "--sensitivity", tmp_path / "分析", "--finetune-epochs", 1),
        *("--batch-size", 4, "--device", "cpu", "--set", "num_workers=0"),
    )
    assert 1 - pruned["flops_after"] / pruned["flops_before"] == pytest.approx(0.3, abs=0.01)
    assert pruned["miou"] is not None
    assert len(pruned["category_iou"]) == len(LABELS)
    info = read_model_info(pruned["model_dir"])
    assert info.status == "Pruned"
    assert info.pruning.strategy == "sensitivity"
    evaluated = result(
        *("evaluate", "--model-dir", pruned["model_dir"], "--data", data, "--device", "cpu")
    )
    assert evaluated["miou"] == pytest.approx(pruned["miou"])
    quantised = result(
        *("quantize", "--model-dir", pruned["model_dir"], "--data", data),
        *("--out", tmp_path / "int8", "--epochs", 1, "--batch-size", 4, "--device", "cpu"),
        *("--set", "num_workers=0"),
    )
    assert quantised["variant"]["precision"] == "int8"
    assert quantised["variant"]["size_bytes"] < 0.5 * pruned["variant"]["size_bytes"]
    assert read_model_info(quantised["model_dir"]).status == "Quantized"
    exported = result(
        *("export", "--model-dir", quantised["model_dir"], "--out", tmp_path / "导出")
    )
    assert exported["export_dir"] == str(tmp_path / "导出")
    assert sorted(exported["files"]) == sorted(str(f) for f in (tmp_path / "导出").iterdir())
    assert any(name.endswith(".onnx") for name in exported["files"])


def test_pruning_needs_no_data_and_says_where_the_model_is(model, tmp_path):
    done = call(
        *("prune", "--model-dir", model, "--flops", 0.5, "--out", tmp_path / "p"),
        *("--criterion", "fpgm", "--device", "cpu"),
    )
    path = done.stdout.splitlines()[-1]
    record = read_model_info(path).pruning
    assert (record.strategy, record.criterion) == ("global", "fpgm")
    assert "operations" in done.stderr
    assert "-50." in done.stderr or "-49." in done.stderr


def test_quantising_without_epochs_only_calibrates(folder, model, tmp_path):
    done = result(
        *("quantize", "--model-dir", model, "--data", folder / "data", "--out", tmp_path / "q"),
        *("--calibration-images", 4, "--method", "min_max", "--device", "cpu"),
        *("--set", "measure=false", "--set", "float_layers=[]"),
    )
    info = read_model_info(done["model_dir"])
    assert info.status == "Quantized"
    assert info.completed_epochs == read_model_info(model).completed_epochs
    again = call(
        *("prune", "--model-dir", done["model_dir"], "--flops", 0.2, "--out", tmp_path / "p"),
        check=False,
    )
    assert again.returncode == 2
    assert "cannot be pruned" in again.stderr.splitlines()[-1]
    assert not (tmp_path / "p").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_an_interrupted_analysis_goes_on_when_repeated(folder, model, tmp_path):
    out = tmp_path / "s"
    command = [
        *MAIN,
        *("sensitivity", "--model-dir", str(model), "--data", str(folder / "data")),
        *("--out", str(out), "--device", "cpu"),
    ]
    file = out / "model.sensi.data"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == 130, errors
    assert "repeat the command" in errors
    before = json.loads(file.read_text(encoding="utf-8"))["sensitivities"]
    other = call(*command[2:], "--criterion", "fpgm", check=False)
    assert other.returncode == 2
    assert "other settings" in other.stderr
    call(*command[2:])
    after = json.loads(file.read_text(encoding="utf-8"))["sensitivities"]
    assert len(after) > len(before) > 0
    for name, losses in before.items():
        assert losses.items() <= after[name].items()
    finished = call(*command[2:], check=False)
    assert finished.returncode == 2
    assert "finished" in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prune", "--flops", "1.5"], "flops must be below 1, not 1.5"),
        (["prune", "--flops", "0.2", "--criterion", "size"], "criterion must be"),
        (["prune", "--flops", "0.2", "--finetune-epochs", "3"], "--finetune-epochs needs --data"),
        (["prune", "--flops", "0.2", "--sensitivity", "nowhere"], "no sensitivity analysis"),
        (["prune", "--flops", "0.2", "--set", "flops=0.3"], "use --flops for it"),
        (["prune", "--flops", "0.2", "--set", "epochs=3"], "finetune_epochs?"),
        (["quantize", "--data", "nowhere"], "nowhere is not a folder"),
        (["quantize", "--data", "nowhere", "--method", "guess"], "method must be"),
        (["export", "--format", "caffe"], "caffe"),
        (["export", "--image-size", "7x7"], "out of range"),
        (["sensitivity", "--data", "nowhere"], "nowhere is not a folder"),
    ],
)
def test_bad_options_are_one_sentence(model, tmp_path, arguments, sentence):
    command, *options = arguments
    done = call(*(command, "--model-dir", model, "--out", tmp_path / "out", *options), check=False)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["sensitivity", "prune", "quantize", "export"])
def test_the_result_needs_a_folder_of_its_own(folder, model, tmp_path, command):
    (tmp_path / "mine.txt").write_text("mine")
    options = {
        "sensitivity": ["--data", folder / "data"],
        "prune": ["--flops", 0.2],
        "quantize": ["--data", folder / "data"],
        "export": [],
    }[command]
    done = call(command, "--model-dir", model, "--out", tmp_path, *options, check=False)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
