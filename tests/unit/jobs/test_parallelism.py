"""What ``auto`` becomes on a processor: processes and threads for cores, memory and batch."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from job_runs import train_spec

from core.jobs import parallelism
from core.jobs.parallelism import Parallelism, choose, free_cores
from core.runs.kinds import EvaluateSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.system.devices import DeviceInfo
from core.system.messages import Message

GIB = 1 << 30


def spec(**changes: object) -> TrainSpec:
    fields = {"batch_size": 8, "image_size": (256, 256), "device": "auto"}
    return train_spec(Path("data"), **(fields | changes))


@pytest.mark.parametrize(
    ("cores", "batch", "expected"),
    [
        (1, 8, (1, 1)),
        (2, 8, (2, 1)),
        (2, 6, (1, 2)),  # three images each: too few for batch norm
        (3, 8, (2, 1)),
        (3, 12, (3, 1)),
        (7, 8, (2, 3)),
        (7, 16, (4, 1)),
        (2, 9, (1, 2)),  # does not divide
        (2, 1, (1, 2)),
        (63, 8, (2, 8)),  # more threads than these do not help
    ],
)
def test_processes_share_the_batch_and_threads_take_the_rest(cores, batch, expected) -> None:
    assert choose(spec(batch_size=batch), cores=cores, memory=0) == Parallelism(*expected)


def test_each_process_needs_its_memory() -> None:
    unet = {"model": "UNet", "batch_size": 16}
    # 1.25 GiB for each process, 5.3 GB for the pixels.
    assert choose(spec(**unet), cores=4, memory=64 * GIB) == Parallelism(4, 1)
    assert choose(spec(**unet), cores=4, memory=12 * GIB) == Parallelism(2, 2)
    assert choose(spec(**unet), cores=4, memory=2 * GIB) == Parallelism(1, 4)


@pytest.mark.parametrize(
    ("usable", "idle", "expected"),
    [(2, 2.0, 2), (2, 1.6, 2), (2, 1.2, 1), (2, 0.1, 1), (3, 3.0, 3), (4, 4.0, 3), (8, 5.2, 5)],
)
def test_busy_cores_do_not_count_and_one_stays_for_the_window(usable, idle, expected) -> None:
    assert free_cores(usable, idle) == expected


@pytest.fixture
def quiet(monkeypatch) -> list[float]:
    """A processor of four cores; the list holds how many are idle at each look."""
    looks = [4.0]
    device = DeviceInfo(kind="cpu", name="x", memory_bytes=32 * GIB, free_bytes=32 * GIB, cores=4)
    monkeypatch.setattr(parallelism, "training_devices", lambda: (device,))
    monkeypatch.setattr(parallelism, "usable_cores", lambda: 4)
    monkeypatch.setattr(parallelism, "idle_cores", lambda: looks[0])
    for name in ("OMP_NUM_THREADS", "KMP_BLOCKTIME", "PADDLE_TRAINERS_NUM", "PADDLE_TRAINER_ID"):
        monkeypatch.setenv(name, "1")  # so that it is restored
        monkeypatch.delenv(name)
    return looks


def test_auto_is_chosen_once_and_kept_by_a_run_that_goes_on(tmp_path, quiet) -> None:
    run = RunFolder.create(tmp_path / "运行", spec())
    assert parallelism.apply(spec(), run).device == "cpu:2"
    assert (os.environ["OMP_NUM_THREADS"], os.environ["KMP_BLOCKTIME"]) == ("1", "0")
    quiet[0] = 0.3
    assert parallelism.apply(spec(), run).device == "cpu:2"
    other = RunFolder.create(tmp_path / "other", spec())
    assert parallelism.apply(spec(), other).device == "cpu"


def test_a_training_that_begins_beside_other_programs_says_so(tmp_path, quiet) -> None:
    told: list[Message] = []
    for name, idle in (("quiet", 4.0), ("nearly", 2.6), ("busy", 1.3), ("full", 0.2)):
        quiet[0] = idle
        parallelism.apply(
            spec(batch_size=9), RunFolder.create(tmp_path / name, spec()), warn=told.append
        )
    end = "of 4 cores: this training has 1 process of 1 thread to its end."
    assert [str(one) for one in told] == [
        f"Other programs use 3 {end}",
        f"Other programs use 4 {end}",
    ]
    parallelism.apply(spec(), RunFolder(tmp_path / "full"), warn=told.append)
    assert len(told) == 2  # nothing is chosen where it goes on


@pytest.mark.parametrize("content", ['{"processes": 5, "threads": 1}', "{", '{"processes": 0}'])
def test_what_does_not_fit_here_is_chosen_anew(tmp_path, quiet, content) -> None:
    run = RunFolder.create(tmp_path / "run", spec())
    (run.path / "parallelism.json").write_text(content)
    assert parallelism.apply(spec(), run).device == "cpu:2"
    kept = json.loads((run.path / "parallelism.json").read_text())
    assert kept == {"processes": 2, "threads": 1}


@pytest.mark.parametrize("device", ["cpu", "cpu:3", "gpu:0"])
def test_what_was_asked_for_stays(tmp_path, quiet, device) -> None:
    asked = spec(device=device)
    run = RunFolder.create(tmp_path / "run", asked)
    assert parallelism.apply(asked, run) is asked
    assert not (run.path / "parallelism.json").exists()
    assert "OMP_NUM_THREADS" not in os.environ


def test_gpus_launchers_and_other_jobs_are_left_alone(tmp_path, quiet, monkeypatch) -> None:
    run = RunFolder.create(tmp_path / "run", spec())
    evaluate = EvaluateSpec(model_dir=tmp_path, data_dir=tmp_path)
    assert parallelism.apply(evaluate, run) is evaluate
    with monkeypatch.context() as launcher:
        launcher.setenv("PADDLE_TRAINERS_NUM", "2")
        launcher.setenv("PADDLE_TRAINER_ID", "0")
        assert parallelism.apply(spec(), run).device == "auto"
    gpu = DeviceInfo(kind="gpu", name="x", memory_bytes=8 * GIB, free_bytes=8 * GIB)
    monkeypatch.setattr(parallelism, "training_devices", lambda: (gpu,))
    assert parallelism.apply(spec(), run).device == "auto"
