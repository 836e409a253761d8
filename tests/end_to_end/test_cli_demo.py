"""The demo: the whole loop in one command, without Qt where there is no window to show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core import cli
from core.images.io import read_mask
from core.project import Project
from core.runs.run_folder import RunFolder

ROOT = Path(__file__).parents[2]
PROGRAM = (
    "import sys, main\n"
    "code = main.main(sys.argv[1:])\n"
    "print([n for n in ('PySide6', 'paddle', 'app') if n in sys.modules], file=sys.stderr)\n"
    "sys.exit(code)\n"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One demo in a fresh process: (folder, finished process)."""
    folder = tmp_path_factory.mktemp("demo") / "演示 one"
    options = ["--headless", "--images", "12", "--epochs", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "demo", "--out", str(folder), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, done


def test_terminal_demo_never_loads_qt_or_the_engine(demo):
    assert demo[1].stderr.strip().splitlines()[-1] == "[]"


def test_last_line_of_stdout_is_the_result(demo):
    folder, done = demo
    lines = done.stdout.strip().splitlines()
    assert len(lines) == 1
    result = json.loads(lines[0])
    assert result["labels"] == ["background", "scratch", "pit", "stain"]
    assert len(result["category_iou"]) == 4
    assert 0 <= result["miou"] <= 1
    for name in ("data", "project", "best_model", "predictions", "report"):
        assert Path(result[name]).exists(), name
        assert Path(result[name]).is_relative_to(folder)


def test_report_has_curves_and_the_pictures_of_the_test_images(demo):
    page = (demo[0] / "report.html").read_text(encoding="utf-8")
    with Project.open(demo[0] / "project", read_only=True) as project:
        tests = project.create_revision(needed=("test",)).counts["test"]
    assert page.count("data:image/jpeg;base64,") == 4 * tests
    assert page.count("<svg") == 4
    assert "mIoU" in page and "test images" in page
    assert "https://" not in page


def test_predictions_are_masks_of_new_images(demo):
    images = sorted((demo[0] / "new_images").iterdir())
    assert images
    for image in images:
        assert read_mask(demo[0] / "predictions" / f"{image.stem}.png").shape == (256, 256)
        assert (demo[0] / "predictions" / f"{image.stem}_overlay.jpg").exists()


def test_project_knows_both_runs(demo):
    with Project.open(demo[0] / "project") as project:
        runs = {run.kind: run for run in project.runs()}
        assert runs.keys() == {"train", "evaluate"}
        assert {run.state for run in runs.values()} == {"done"}
        assert len(project.image_ids()) == 12


def test_second_call_uses_what_is_there(demo, capsys):
    folder = demo[0]
    before = RunFolder(folder / "project/runs/0001-FastSCNN").end_offset()
    assert cli.run(["demo", "--out", str(folder), "--headless"]) == 0
    printed = capsys.readouterr()
    assert "done earlier" in printed.err
    assert str(folder / "report.html") in printed.out
    assert RunFolder(folder / "project/runs/0001-FastSCNN").end_offset() == before
    with Project.open(folder / "project", read_only=True) as project:
        assert len(project.runs()) == 2


def test_other_settings_ask_for_another_folder(demo, capsys):
    assert cli.run(["demo", "--out", str(demo[0]), "--headless", "--epochs", "9"]) == 2
    assert "--out" in capsys.readouterr().err


def test_with_a_display_the_window_gets_project_and_training(tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":7")
    opened = []

    def open_window(project, fields):
        opened.append((project, fields))
        return 7

    arguments = ["demo", "--out", str(tmp_path / "demo"), "--images", "9", "--epochs", "3"]
    assert cli.run(arguments, open_window=open_window) == 7
    ((project, fields),) = opened
    assert fields["kind"] == "train"
    assert fields["epochs"] == 3
    with Project.open(project) as opened_project:  # nobody else holds it
        assert len(opened_project.image_ids()) == 9
        assert opened_project.runs() == []


def test_too_few_images(tmp_path, capsys):
    assert cli.run(["demo", "--out", str(tmp_path / "demo"), "--headless", "--images", "4"]) == 2
    assert "at least 7" in capsys.readouterr().err
