"""Places that nothing can be written to are refused before any work begins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli_data import LABELS, make_data

from core import cli
from core.cli import job_runner as jobs
from core.cli import training_run as training
from core.models import model_folder
from core.system import files
from core.system.errors import InputError

NAME_TOO_LONG = "a" * 300


@pytest.fixture
def data(tmp_path):
    return make_data(tmp_path / "数 据")


@pytest.fixture
def model(tmp_path):
    """A model folder whose description is whole; its weights are not needed here."""
    folder = tmp_path / "模 型"
    info = model_folder.ModelInfo(
        name="FastSCNN", init_params={"num_classes": len(LABELS)}, labels=LABELS
    )
    with model_folder.write(folder, info) as temporary:
        (temporary / model_folder.WEIGHTS).write_bytes(b"")
    return folder


@pytest.fixture
def no_work(monkeypatch):
    """Fail where a worker would be started, or images looked at."""

    def started(*_args, **_more):
        pytest.fail("work began before the place was looked at")

    monkeypatch.setattr(jobs, "job_result", started)
    monkeypatch.setattr(training, "open_data", started)
    monkeypatch.setattr("core.data.formats.registry.read", started)


@pytest.mark.parametrize("place", ["file/x", f"new/{NAME_TOO_LONG}"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--data", "DATA", "--model", "FastSCNN", "--out", "OUT"],
        ["predict", "--model-dir", "MODEL", "--out", "OUT", "DATA/images"],
        ["export", "--model-dir", "MODEL", "--out", "OUT/export"],
        ["export", "--model-dir", "MODEL", "--out", "OUT"],
        ["convert", "DATA", "OUT/converted", "--to", "coco", "--from", "seg"],
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.usefixtures("no_work")
def test_places_that_cannot_be_made(data, model, tmp_path, capsys, arguments, place):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    words = {"DATA": str(data), "MODEL": str(model), "OUT": str(tmp_path / place)}
    given = arguments
    for name, value in words.items():
        given = [text.replace(name, value) for text in given]
    before = sorted(tmp_path.rglob("*"))
    assert cli.run(given) == 2
    printed = capsys.readouterr()
    assert len(printed.err.strip().splitlines()) == 1
    assert str(tmp_path) in printed.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_folder_nobody_may_write_to():
    with pytest.raises(InputError, match=r"/proc cannot be used"):
        files.require_writable(Path("/proc"))


def test_a_good_place_is_left_as_it_was(tmp_path):
    files.require_writable(tmp_path / "新 new" / "deeper")
    files.require_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
def test_a_file_larger_than_the_system_allows_is_no_bug(data, tmp_path, capsys):
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    out = tmp_path / "出 out"
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        assert cli.run(["convert", str(data), str(out), "--to", "coco", "--from", "seg"]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert "larger than the disk or the system allows" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["数 据"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--model", "FastSCNN", "--image-size", "64"],
        ["train", "--model", "FastSCNN", "--image-size", "64", "--skip-check", "--epochs", "1"],
        ["prune", "--model-dir", "MODEL", "--flops", "0.2", "--finetune-epochs", "1"],
        ["quantize", "--model-dir", "MODEL", "--epochs", "1"],
    ],
    ids=["train", "train without check", "prune", "quantize"],
)
def test_a_batch_larger_than_the_set_is_refused_before_work(
    data, model, tmp_path, capsys, monkeypatch, arguments
):
    def started(*_args, **_more):
        pytest.fail("work began before the batch was looked at")

    for place in ("job_runner", "training_run", "compression_runs"):
        monkeypatch.setattr(f"core.cli.{place}.job_result", started)
    monkeypatch.setattr(training, "check_data", started)
    given = [str(model) if text == "MODEL" else text for text in arguments]
    out = tmp_path / "出 out"
    assert cli.run([*given, "--data", str(data), "--out", str(out), "--batch-size", "9"]) == 2
    sentence = "A batch of 9 is larger than the 8 training images; choose at most 8."
    assert capsys.readouterr().err.splitlines() == [sentence]
    assert not out.exists()
