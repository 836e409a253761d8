"""What ``train --resume`` and ``--pretrain-weights`` take from a run or a model folder."""

from __future__ import annotations

import shutil

import pytest
from tiny_dataset import dataset, write_folder
from tiny_training import train

from core import cli
from core.cli.resumed_settings import settings_of
from core.models.compression_records import PRUNING
from core.runs.event_log import EventWriter
from core.runs.events import Done
from core.runs.kinds import PruneSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.seg.loading import load_model
from core.system.errors import InputError


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """``data``; ``library``: a training by a script; ``pruned`` and ``quantized`` made from it."""
    place = tmp_path_factory.mktemp("resumed")
    data = write_folder(place / "data")
    train(data, place / "library", epochs=2, optimizer="adamw", learning_rate=0.003)
    best = place / "library/best_model"
    load_model(best).prune(0.3, place / "pruned")
    load_model(best).quantize_post_training(
        dataset(data, "train"), images=2, float_layers=None, save_dir=place / "quantized"
    )
    return place


@pytest.fixture
def spec_of(place, tmp_path, monkeypatch, capsys):
    """Run ``train`` up to its job; returns the job's spec."""
    monkeypatch.setattr("core.cli.training_run.job_result", lambda run_dir: {"best_model": run_dir})

    def run(*arguments):
        out = tmp_path / f"out {len(list(tmp_path.iterdir()))}"
        command = ["train", "--data", str(place / "data"), "--model", "FastSCNN"]
        code = cli.run([*command, "--out", str(out), *map(str, arguments)])
        return RunFolder(out).spec if code == 0 else capsys.readouterr().err

    return run


def test_a_script_s_training_goes_on_with_its_settings(place, spec_of):
    checkpoint = place / "library/epoch_2"
    spec = spec_of("--resume", checkpoint, "--epochs", 3)
    assert (spec.optimizer, spec.learning_rate, spec.batch_size) == ("adamw", 0.003, 4)
    assert (spec.image_size, spec.resume) == ((64, 64), checkpoint)
    assert spec.model_params == {"align_corners": False}


@pytest.mark.parametrize("kind", ["pruned", "quantized"])
@pytest.mark.parametrize("option", ["--resume", "--pretrain-weights"])
def test_a_compressed_folder_is_trained_on(place, spec_of, option, kind):
    spec = spec_of(option, place / kind, "--epochs", 1, "--batch-size", 2)
    assert spec.resume is None
    assert spec.pretrain_weights == str(place / kind)
    assert spec.image_size == (64, 64)
    assert spec.optimizer == "momentum"
    assert (spec.learning_rate == 0.0001) == (kind == "quantized")


def test_a_pruning_run_is_gone_on_from_its_newest_model(place, tmp_path, spec_of):
    run = tmp_path / "prune run"
    RunFolder.create(
        run,
        PruneSpec(
            model_dir=place / "library/best_model",
            data_dir=place / "data",
            flops=0.3,
            batch_size=3,
            early_stop=True,
        ),
    )
    shutil.copytree(place / "pruned", run / "pruned")
    spec = spec_of("--resume", run, "--epochs", 1)
    assert spec.pretrain_weights == str(run / "pruned")
    assert (spec.batch_size, spec.early_stop) == (3, True)


def test_a_folder_without_a_training_names_the_way_out(place, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(place / "library/best_model", model)
    (model / "training_state.json").unlink()
    assert not (model / PRUNING).exists()
    with pytest.raises(InputError, match="give it as --pretrain-weights"):
        settings_of(model)


def test_changed_settings_are_named(place, tmp_path, spec_of, capsys):
    earlier = tmp_path / "earlier"
    fields = {"model": "FastSCNN", "data_dir": place / "data", "epochs": 2, "batch_size": 4}
    RunFolder.create(earlier, TrainSpec(**fields, image_size=(64, 64), early_stop=True))
    shutil.copytree(place / "library/epoch_2", earlier / "epoch_2")
    common = ("--resume", earlier / "epoch_2", "--epochs", 3)
    assert spec_of(*common).early_stop
    assert "other settings" not in capsys.readouterr().err
    spec = spec_of(*common, "--image-size", "96", "--set", "early_stop=false")
    assert (spec.image_size, spec.early_stop) == ((96, 96), False)
    said = capsys.readouterr().err
    assert "image_size (64, 64) → (96, 96)" in said
    assert "early_stop True → False" in said


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ((), "IMAGENET"),
        (("--skip-check",), "IMAGENET"),
        (("--pretrain-weights", "none"), None),
        (("--pretrain-weights", "mine.pdparams"), "mine.pdparams"),
    ],
)
def test_a_network_starts_from_its_usual_weights_unless_told_otherwise(spec_of, options, weights):
    usual = ("--epochs", 1, "--batch-size", 2, "--image-size", "64", *options)
    assert spec_of("--model", "EfficientNetFPN", *usual).pretrain_weights == weights
    assert spec_of(*usual).pretrain_weights == (None if weights == "IMAGENET" else weights)


def test_an_encoders_rate_is_a_setting(spec_of):
    options = ("--model", "EfficientNetFPN", "--set", "backbone_lr_multiplier=0.25")
    assert spec_of("--epochs", 1, *options).backbone_lr_multiplier == 0.25
    refused = spec_of("--set", "backbone_lr_multiplier=0")
    assert "backbone_lr_multiplier" in refused


def test_warm_up_is_a_setting(spec_of):
    options = ("--set", "warmup_steps=3", "--set", "warmup_start_lr=0.0001")
    spec = spec_of("--epochs", 1, "--batch-size", 2, "--image-size", "64", *options)
    assert (spec.warmup_steps, spec.warmup_start_lr) == (3, 0.0001)


def test_a_run_that_stopped_early_goes_on_where_it_is_told_how(place, tmp_path, spec_of, capsys):
    run = RunFolder.create(
        tmp_path / "run",
        TrainSpec(
            model="FastSCNN",
            data_dir=place / "data",
            epochs=6,
            batch_size=4,
            image_size=(64, 64),
            early_stop=True,
        ),
    )
    shutil.copytree(place / "library/epoch_2", run.path / "epoch_2")
    writer = EventWriter(run.events_path)
    writer.append(Done(result={"stopped_early": True, "epochs": 2}))
    writer.close()
    command = ["train", "--data", str(place / "data"), "--model", "FastSCNN"]
    command += ["--out", str(run.path), "--resume", str(run.path)]
    assert cli.run(command) == 2
    assert "stopped early after 2 epochs" in capsys.readouterr().err
    for options, epochs in ((["--epochs", "9"], 9), (["--set", "early_stop=false"], 9)):
        assert cli.run([*command, *options]) == 0
        assert RunFolder(run.path).spec.epochs == epochs
