"""``bundle``: exports are bundled without the engine; what is asked wrongly is told."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from job_runs import write_data
from line_models import write_line_model

from core import cli
from core.models import model_folder

LABELS = ("background", "Crack", "Dark")


@pytest.fixture
def export(tmp_path):
    write_line_model(tmp_path / "导 出")
    return tmp_path / "导 出"


def test_an_export_is_bundled_without_paddle(export, tmp_path):
    code = (
        "import sys; sys.modules['paddle'] = None\n"
        "from core import cli\n"
        "code = cli.run(sys.argv[1:])\n"
        "sys.exit(code)\n"
    )
    data = write_data(tmp_path / "data", val=3)
    (data / "labels.txt").write_text("\n".join(LABELS), encoding="utf-8")
    arguments = ["bundle", "--export", export, "--data", data, "--out", tmp_path / "产线", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["bundle"] == str(tmp_path / "产线") and result["samples"] == 3
    assert (tmp_path / "产线" / "predict.py").is_file()


def test_what_was_written_is_said(export, tmp_path, capsys):
    out = tmp_path / "a.zip"
    assert cli.run(["bundle", "--export", str(export), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert str(out) in said and "no sample images" in said and "fingerprint " in said
    assert cli.run(["bundle", "--export", str(export), "--out", str(out)]) == 2
    assert "choose another name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either --model-dir or --export"),
        (["--export", "EXPORT", "--model-dir", "EXPORT"], "either --model-dir or --export"),
        (["--export", "none"], "is not a folder"),
        (["--export", "."], "no exported model"),
        (["--export", "EXPORT", "--thresholds"], "belong to --model-dir"),
        (["--export", "EXPORT", "--image-size", "64x64"], "belong to --model-dir"),
        (["--export", "EXPORT", "--data", "none"], "--data"),
        (["--model-dir", "EXPORT"], "give the model folder it was exported from"),
    ],
)
def test_wrong_commands(export, tmp_path, capsys, monkeypatch, arguments, words):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    given = [one.replace("EXPORT", str(export)) for one in arguments]
    assert cli.run(["bundle", "--out", str(tmp_path / "out"), *given]) == 2
    said = capsys.readouterr().err
    assert words in said and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_model_is_bundled_by_a_job(tmp_path, capsys, monkeypatch):
    info = model_folder.ModelInfo(name="FastSCNN", init_params={"num_classes": 3}, labels=LABELS)
    with model_folder.write(tmp_path / "model", info) as temporary:
        (temporary / model_folder.WEIGHTS).write_bytes(b"")
    specs = []

    def run_it(run_dir):
        from core.runs.run_folder import RunFolder

        specs.append(RunFolder(run_dir).spec)
        return {"bundle": "x", "samples": 1, "fingerprint": "y"}

    monkeypatch.setattr("core.cli.job_runner.job_result", run_it)
    arguments = ["--model-dir", str(tmp_path / "model"), "--image-size", "64x48", "--thresholds"]
    assert cli.run(["bundle", *arguments, "--out", str(tmp_path / "out")]) == 0
    (spec,) = specs
    assert (spec.kind, spec.image_size, spec.thresholds) == ("bundle", (64, 48), True)
    assert spec.out == tmp_path / "out" and spec.data_dir is None
    assert "1 sample image\n" in capsys.readouterr().out
