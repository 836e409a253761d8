"""The loop by command line: train, resume, evaluate, predict, on a folder and on a project."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from cli_data import COUNTS, LABELS, make_data
from jobs_here import jobs_here

from core import cli
from core.images.io import read_image, read_mask
from core.models.model_folder import read_model_info
from core.models.optimizer_choice import learning_rate
from core.project import Project
from core.runs.run_folder import RunFolder

ROOT = Path(__file__).parents[2]
SMALL = ["--batch-size", "4", "--image-size", "96x64", "--learning-rate", "0.05", "--device", "cpu"]


@pytest.fixture(scope="module", autouse=True)
def _jobs_here():
    with jobs_here():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("loop") / "工作 place"


@pytest.fixture(scope="module")
def data(place):
    return make_data(place / "data")


def _json(capsys) -> dict:
    """The last line of stdout."""
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def training(place, data):
    """(run folder, what --json printed)."""
    out = place / "run"
    arguments = ["train", "--data", str(data), "--model", "FastSCNN", "--out", str(out), "--json"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert cli.run([*arguments, "--epochs", "2", "--set", "keep_epochs=5", *SMALL]) == 0
    return out, printed.getvalue()


@pytest.fixture(scope="module")
def run_dir(training):
    return training[0]


@pytest.fixture(scope="module")
def model_dir(run_dir):
    return run_dir / "best_model"


def test_run_folder_holds_the_whole_story(run_dir):
    run = RunFolder(run_dir)
    assert run.state == "done"
    assert run.spec.image_size == (96, 64)
    assert run.spec.seed == 0
    tags = run.metrics()
    assert {"train/loss", "train/lr", "val/miou", "val/iou/2"} <= tags.keys()
    assert (run_dir / "best_model" / ".success").exists()
    assert (run_dir / "epoch_2" / "model.pdparams").exists()


def test_training_result_has_the_contracts_keys(training):
    (line,) = training[1].splitlines()
    result = json.loads(line)
    assert Path(result["best_model"]).is_dir()
    assert {
        "miou",
        "category_iou",
        "oacc",
        "kappa",
        "images_per_second",
        "seconds",
    } <= result.keys()
    assert len(result["category_iou"]) == len(LABELS)


def test_what_is_not_chosen_fits_the_data(place, data, capsys, monkeypatch):
    """No size, batch, epochs or rate given: they come from the data and the machine."""
    monkeypatch.setattr("core.cli.training_run.job_result", lambda run_dir: {"best_model": run_dir})
    out = place / "suggested"
    assert cli.run(["train", "--data", str(data), "--model", "UNet", "--out", str(out)]) == 0
    spec = RunFolder(out).spec
    assert spec.image_size == (96, 64), "the median size in steps of 32"
    assert 1 <= spec.batch_size <= COUNTS["train"]
    assert spec.epochs >= 1
    assert spec.device == "auto"
    assert spec.optimizer == "adamw"
    assert spec.learning_rate == learning_rate(spec.batch_size, "adamw")


def test_trained_weights_and_a_chosen_optimizer_bring_their_rate(place, data, run_dir, monkeypatch):
    monkeypatch.setattr("core.cli.training_run.job_result", lambda run_dir: {"best_model": run_dir})
    arguments = ["train", "--data", str(data), "--model", "FastSCNN", "--batch-size", "2"]
    weights = ["--pretrain-weights", str(run_dir / "best_model")]
    for name, options, optimizer in (
        ("weights", weights, "momentum"),
        ("both", [*weights, "--set", "optimizer=adamw"], "adamw"),
        ("momentum", ["--set", "optimizer=momentum"], "momentum"),
    ):
        out = place / f"optimizer {name}"
        assert cli.run([*arguments, *options, "--out", str(out)]) == 0
        spec = RunFolder(out).spec
        assert (spec.optimizer, spec.learning_rate) == (optimizer, learning_rate(2, optimizer))


def test_second_run_in_the_same_folder_is_refused(run_dir, data, capsys):
    before = (run_dir / "spec.json").read_bytes()
    arguments = ["train", "--data", str(data), "--model", "FastSCNN", "--out", str(run_dir)]
    assert cli.run([*arguments, "--epochs", "1"]) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert (run_dir / "spec.json").read_bytes() == before


def test_resume_in_a_new_folder_goes_on_from_the_epoch(place, data, run_dir, capsys):
    out = place / "resumed"
    arguments = ["train", "--data", str(data), "--model", "FastSCNN", "--out", str(out), "--json"]
    assert cli.run([*arguments, "--resume", str(run_dir / "epoch_1"), "--epochs", "3"]) == 0
    assert Path(_json(capsys)["resumed_from"]).name == "epoch_1"
    spec = RunFolder(out).spec
    assert spec.image_size == (96, 64), "settings come from the run that is resumed"
    assert not (out / "epoch_1").exists()
    assert (out / "epoch_3").is_dir()


def test_resume_in_place_needs_more_epochs_and_the_same_settings(run_dir, data, capsys):
    arguments = ["train", "--data", str(data), "--model", "FastSCNN", "--out", str(run_dir)]
    arguments += ["--resume", str(run_dir)]
    assert cli.run(arguments) == 2
    assert "finished after 2 epochs" in capsys.readouterr().err
    assert cli.run([*arguments, "--epochs", "5", "--image-size", "64"]) == 2
    assert "another image_size" in capsys.readouterr().err
    assert cli.run([*arguments[:-1], str(run_dir / "epoch_1"), "--epochs", "5"]) == 2
    assert "not the newest checkpoint" in capsys.readouterr().err
    assert RunFolder(run_dir).spec.epochs == 2


def test_evaluate_prints_json_and_writes_nothing(model_dir, data, place, capsys):
    before = sorted(path for path in place.rglob("*"))
    arguments = ["evaluate", "--model-dir", str(model_dir), "--data", str(data), "--split", "test"]
    assert cli.run([*arguments, "--json"]) == 0
    result = _json(capsys)
    assert result["images"]["count"] == COUNTS["test"]
    assert {"objects", "found", "missed", "false_alarms"} <= result["objects"]["all"].keys()
    assert result["verdict"]["level"] in ("usable", "partly", "not usable")
    assert len(result["verdict"]["sentences"]) > len(LABELS) - 1
    assert {"miou", "miou_paddlex", "category_iou", "oacc", "kappa"} <= result.keys()
    assert sorted(path for path in place.rglob("*")) == before


@pytest.fixture(scope="module")
def evaluation(place, model_dir, data):
    """(arguments of an evaluation with --out, what it printed)."""
    out = place / "evaluation"
    arguments = ["evaluate", "--model-dir", str(model_dir), "--data", str(data), "--out", str(out)]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert cli.run(arguments) == 0
    return arguments, printed.getvalue()


def test_evaluate_keeps_a_report_with_pictures_where_asked(evaluation, capsys):
    arguments, table = evaluation
    assert all(label in table for label in LABELS)
    report = (Path(arguments[-1]) / "report.html").read_text(encoding="utf-8")
    assert report.count("data:image/jpeg;base64,") == 4 * COUNTS["val"]
    assert "<path" in report, "the training's curves"
    assert cli.run(arguments) == 2
    assert "not empty" in capsys.readouterr().err


def test_predict_writes_masks_and_overlays_without_overwriting(model_dir, data, place, capsys):
    out = place / "predictions"
    twin = place / "twins"
    twin.mkdir()
    (twin / "test 0.png").write_bytes((data / "images/test 0.png").read_bytes())
    images = [str(data / "images/test 0.png"), str(data / "images/test 1.png"), str(twin)]
    arguments = ["predict", "--model-dir", str(model_dir), "--out", str(out), *images, "--json"]
    assert cli.run(arguments) == 0
    result = _json(capsys)
    files = [Path(name) for name in result["files"]]
    assert len(set(files)) == 3, "two images of one name need two masks"
    for file in files:
        mask = read_mask(file)
        assert mask.shape == (64, 96)
        assert mask.max() < len(LABELS)
    overlay = read_image(result["overlays"][0])
    assert overlay.shape == (64, 96, 3)
    np.testing.assert_array_equal(read_mask(files[0]), read_mask(files[2]))
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert cli.run(arguments) == 2
    assert "already exists" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_predict_goes_on_behind_an_unreadable_image(model_dir, data, tmp_path, capsys):
    folder = tmp_path / "图像 a"
    folder.mkdir()
    for index in range(3):
        shutil.copy(data / f"images/test {index}.png", folder)
    (folder / "test 1.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    out = tmp_path / "out"
    arguments = ["predict", "--model-dir", str(model_dir), "--out", str(out), str(folder), "--json"]
    assert cli.run(arguments) == 2
    printed = capsys.readouterr()
    result = json.loads(printed.out.splitlines()[-1])
    assert [Path(one["image"]).name for one in result["failed"]] == ["test 1.png"]
    assert [Path(name).name for name in result["files"]] == ["test 0.png", "test 2.png"]
    assert sum("test 1.png" in line for line in printed.err.splitlines()) == 1
    assert "1 of 3" in printed.err.splitlines()[-1]
    shutil.copy(data / "images/test 1.png", folder)
    assert cli.run(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert cli.run([*arguments, "--overwrite"]) == 0
    assert _json(capsys)["failed"] == []
    assert len(list(out.iterdir())) == 6
    assert cli.run([*arguments[:4], str(folder), *arguments[5:], "--overwrite"]) == 2
    assert "images themselves" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "word"), [("gone.png", "gone.png"), ("empty", "no images")])
def test_predict_on_what_is_not_there(model_dir, place, tmp_path, capsys, name, word):
    (tmp_path / "empty").mkdir()
    arguments = ["predict", "--model-dir", str(model_dir), "--out", str(tmp_path / "out")]
    assert cli.run([*arguments, str(tmp_path / name)]) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_project_is_data_too(model_dir, data, place, evaluation, capsys, monkeypatch):
    with Project.create(place / "项目 p") as project:
        project.import_data_folder(data)
    out = place / "from project"
    source = ["--data", str(place / "项目 p")]
    arguments = ["train", *source, "--model", "FastSCNN", "--out", str(out), "--epochs", "1"]
    monkeypatch.setattr("core.cli.training_run.job_result", lambda run_dir: {"best_model": run_dir})
    assert cli.run([*arguments, *SMALL]) == 0
    assert RunFolder(out).spec.data_dir == out / "dataset"
    assert (out / "dataset" / "train_list.txt").exists(), "frozen with the run"
    capsys.readouterr()
    assert cli.run(["evaluate", "--model-dir", str(model_dir), *source, "--json"]) == 0
    folder = json.loads((Path(evaluation[0][-1]) / "metrics.json").read_text(encoding="utf-8"))
    assert _json(capsys)["category_iou"] == pytest.approx(folder["category_iou"])
    assert cli.run(["validate", str(place / "项目 p"), "--json"]) == 0
    assert _json(capsys)["valid"] is True


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_stops_in_order_and_resume_goes_on(place, data):
    out = place / "stopped"
    arguments = [sys.executable, "main.py", "train", "--data", str(data), "--model", "FastSCNN"]
    arguments += ["--out", str(out), "--epochs", "400", *SMALL]
    arguments += ["--set", "save_interval_epochs=1"]
    process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (out / "epoch_1").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in printed
    assert "Traceback" not in printed
    run = RunFolder(out)
    assert run.state == "cancelled"
    done = read_model_info(run.last_checkpoint).completed_epochs
    resume = ["train", "--data", str(data), "--model", "FastSCNN", "--out", str(out)]
    resume += ["--resume", str(out), "--epochs", str(done + 1)]
    assert cli.run(resume) == 0
    steps, _ = RunFolder(out).metrics()["train/loss"]
    assert steps[0] <= 2, "the first part's curve is still there"
    assert RunFolder(out).state == "done"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_killed_worker_is_said_and_a_killed_command_waited_for(place, data):
    out = place / "killed"
    arguments = [sys.executable, "main.py", "train", "--data", str(data), "--model", "FastSCNN"]
    arguments += ["--out", str(out), *SMALL, "--set", "save_interval_epochs=400"]
    command = subprocess.Popen([*arguments, "--epochs", "400"], cwd=ROOT, stderr=subprocess.PIPE)
    _wait_for_steps(out, command)
    os.kill(RunFolder(out).started.pid, signal.SIGKILL)
    _, printed = command.communicate(timeout=60)
    assert command.returncode == 2, "neither our bug nor done"
    assert f"--resume {out}" in printed.decode().splitlines()[-1]

    arguments += ["--resume", str(out)]
    command = subprocess.Popen([*arguments, "--epochs", "400"], cwd=ROOT, stderr=subprocess.PIPE)
    _wait_for_steps(out, command)
    worker = RunFolder(out).started.pid
    os.kill(worker, signal.SIGSTOP)  # an orphan that takes its time
    command.kill()
    command.wait(timeout=60)
    threading.Timer(3, os.kill, (worker, signal.SIGCONT)).start()
    waiting = subprocess.run(
        [*arguments, "--set", "save_interval_epochs=1"],  # may not change: ends it quickly
        cwd=ROOT,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    lines = waiting.stderr.decode().splitlines()
    assert "waiting up to" in lines[0]
    assert "begun with another save_interval_epochs" in lines[-1]


def _wait_for_steps(out: Path, command: subprocess.Popen[bytes]) -> None:
    begun, deadline = time.time(), time.monotonic() + 120
    while True:
        assert command.poll() is None, command.stderr.read()
        assert time.monotonic() < deadline
        run = RunFolder(out)
        if run.spec_path.exists() and run.state == "running" and run.progress is not None:
            started, progress = run.started, run.progress
            if progress.stage == "train" and begun < started.time < progress.time:
                return
        time.sleep(0.1)


def test_help_is_quick_because_it_loads_nothing_heavy():
    code = (
        "import sys, main\n"
        "assert main.main(['train', '--help']) == 0\n"
        "heavy = {'paddle', 'PySide6', 'matplotlib', 'pandas', 'numpy', 'cv2', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "--epochs" in done.stdout
    assert done.stderr.strip() == "[]"


def test_output_survives_a_console_that_knows_no_chinese(data):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "main.py", "validate", str(data)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "disc" in done.stdout


def test_doctor_answers_in_json(capsys):
    code = cli.run(["doctor", "--json"])
    result = _json(capsys)
    severities = {check["name"]: check["severity"] for check in result["checks"]}
    assert severities["engine"] == "ok", "the tests themselves train"
    assert {"python", "memory", "disk", "window"} <= severities.keys()
    assert (code, result["ok"]) == ((0, True) if "error" not in severities.values() else (2, False))
