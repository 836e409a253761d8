"""What ``train`` does once its options are understood."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from core.cli.console import err
from core.cli.data_source import DataSource, check_data, open_data
from core.cli.environment import EXIT_INTERRUPTED
from core.cli.job_runner import job_result, wait_until_free
from core.cli.resumed_settings import (
    model_of,
    run_of,
    settings_of,
    settings_of_compressed,
    tell_changes,
    train_spec,
)
from core.cli.shared_options import checked
from core.data.dataset_statistics import DatasetStatistics
from core.models.catalog import NETWORKS
from core.runs.batch_check import check_batch
from core.runs.kind_lookup import spec_to_json
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.system.device_choice import launched_ranks
from core.system.errors import InputError
from core.system.files import require_writable, write_text_atomic
from core.system.reporting import StopRequested

if TYPE_CHECKING:
    from core.advice.label_facts import LabelFacts
    from core.advice.presets import Preset
    from core.models.optimizer_choice import Optimizer

_AUTO = "auto"
_CHANGEABLE = (
    "epochs",
    "minutes",
    "device",
    "num_workers",
    "keep_epochs",
    "log_interval_steps",
    "early_stop",
    "early_stop_patience",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Options of ``train``; ``chosen`` holds the fields of ``TrainSpec`` that were given.

    ``model`` may be ``auto``.
    """

    model: str
    data: Path
    out: Path
    resume: Path | None
    chosen: dict[str, Any]
    skip_check: bool = False


def run_training(request: Request) -> dict[str, Any]:
    """Train as asked and return the job's result; every other end is an exception.

    Raises:
        InputError: what was asked cannot be done.
        typer.Exit: the job failed or was stopped; the sentence is printed.
    """
    request = _with_known_model(request)
    _check_options(request)
    if launched_ranks()[0] > 0:
        _follow(str(request.chosen.get("device", "auto")))
    run = _open_run(request)
    is_new = run.state == "queued"
    try:
        return job_result(run.path)
    except typer.Exit:
        if is_new and _never_began(run):  # so that the corrected command may use the folder
            shutil.rmtree(run.path, ignore_errors=True)
        raise


def _follow(device: str) -> NoReturn:
    """Take part in the training of rank 0, which a launcher started with the same command."""
    from core.jobs import ranks

    try:
        ranks.follow(device)
    except StopRequested:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit


def _never_began(run: RunFolder) -> bool:
    """Whether bad input ended the run before its first step was reported."""
    failure = run.failure
    trained = run.progress is not None and run.progress.stage != "prepare"
    began = trained or run.last_checkpoint is not None
    return failure is not None and failure.kind == "bad_input" and not began


def _with_known_model(request: Request) -> Request:
    """Name the network of what is gone on with, where none was chosen."""
    if request.model != _AUTO:
        return request
    weights = request.chosen.get("pretrain_weights")
    source = request.resume if request.resume is not None else weights
    name = None if source is None else model_of(Path(source))
    if name is None and request.skip_check:
        raise InputError("--skip-check needs --model: which network fits depends on the data.")
    return request if name is None else replace(request, model=name)


def _check_options(request: Request) -> None:
    """Say what is wrong with the options before every image is looked at."""
    if request.model not in (_AUTO, *NETWORKS):
        raise InputError(
            "--model {model} is unknown; choose one of {known}.",
            model=request.model,
            known=", ".join((_AUTO, *NETWORKS)),
        )
    name = next(iter(NETWORKS)) if request.model == _AUTO else request.model
    others = {"data_dir": request.data, "epochs": 1, "batch_size": 1, "image_size": (64, 64)}
    checked(TrainSpec, _merge({"model": name, **others}, request.chosen))


def _open_run(request: Request) -> RunFolder:
    out = request.out.absolute()
    if (out / "spec.json").exists():
        if request.resume is None:
            raise InputError(
                "{folder} holds a run already; choose another --out, or continue it with "
                "--resume {folder}.",
                folder=out,
            )
        if run_of(request.resume) == out.resolve():
            return _continue_in_place(RunFolder(out), request)
        raise InputError(
            "{folder} holds another run than {resume}; choose another --out.",
            folder=out,
            resume=request.resume,
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            "{folder} is not empty and holds no run; choose a new or an empty folder as --out.",
            folder=out,
        )
    require_writable(out)  # before every image is looked at
    with open_data(request.data, needed=("train", "val")) as source:
        final = source.place(out / "dataset")
        spec = _new_spec(request, source, final)
        source.write(out / "dataset")
    return RunFolder.create(out, spec)


def _continue_in_place(run: RunFolder, request: Request) -> RunFolder:
    """Go on with a run from its newest checkpoint; only what cannot spoil it may change."""
    spec = train_spec(run)
    wait_until_free(run)
    asked = checked(
        TrainSpec, _merge(spec.model_dump(), {**request.chosen, "model": request.model})
    )
    changed = [key for key in TrainSpec.model_fields if getattr(asked, key) != getattr(spec, key)]
    fixed = [key for key in changed if key not in _CHANGEABLE]
    if fixed:
        raise InputError(
            "The run in {folder} was begun with another {setting}; leave that option out, or "
            "choose a new --out.",
            folder=run.path,
            setting=fixed[0],
        )
    newest = run.last_checkpoint
    wanted = run.path if request.resume is None else request.resume.resolve()
    if wanted != run.path.resolve() and (newest is None or wanted != newest.resolve()):
        raise InputError(
            "{checkpoint} is not the newest checkpoint of its run; to go back to it, choose a new "
            "--out.",
            checkpoint=wanted,
        )
    result = (run.result if run.state == "done" else None) or {}
    if result.get("stopped_early") and asked.epochs <= spec.epochs and asked.early_stop:
        raise InputError(
            "The run in {folder} stopped early after {epochs} {epochs:epoch|epochs}; to go on, "
            "give more --epochs than {all}, or --set early_stop=false.",
            folder=run.path,
            epochs=result.get("epochs"),
            all=spec.epochs,
        )
    if run.state == "done" and spec.minutes is not None and asked.minutes == spec.minutes:
        raise InputError(
            "The run in {folder} is finished after its {minutes} {minutes:minute|minutes}; to go "
            "on, give more --minutes.",
            folder=run.path,
            minutes=f"{spec.minutes:g}",
        )
    if run.state == "done" and int(result.get("epochs") or spec.epochs) >= asked.epochs:
        raise InputError(
            "The run in {folder} is finished after {epochs} {epochs:epoch|epochs}; to go on, give "
            "more --epochs.",
            folder=run.path,
            epochs=spec.epochs,
        )
    if changed:
        write_text_atomic(run.spec_path, spec_to_json(asked) + "\n")
    return run


def _new_spec(request: Request, source: DataSource, data_dir: Path) -> TrainSpec:
    before: dict[str, Any] = {}
    weights = request.chosen.get("pretrain_weights")
    if request.resume is not None:
        before = settings_of(request.resume)
    elif weights is not None:
        before = settings_of_compressed(Path(weights))
    fields = {**before, "data_dir": data_dir}
    if request.model != _AUTO:
        fields["model"] = request.model
        if request.resume is None:
            fields.setdefault("pretrain_weights", NETWORKS[request.model].default_weights)
    images = source.count("train")
    if "batch_size" in before | request.chosen:  # before every image is looked at
        any_one = {"epochs": 1, "image_size": (64, 64), "model": next(iter(NETWORKS))}
        check_batch(checked(TrainSpec, _merge({**any_one, **fields}, request.chosen)), images)
    if not request.skip_check:
        statistics = check_data(source, needed=("train", "val"))
        fields = {**_suggested(request, source, statistics, before), **fields}
    spec = checked(TrainSpec, _merge(fields, request.chosen))
    check_batch(spec, images)
    tell_changes(before, spec)
    return spec


def _suggested(
    request: Request,
    source: DataSource,
    statistics: DatasetStatistics,
    before: dict[str, Any],
) -> dict[str, Any]:
    """Return settings that fit the data, the device and those that are known already."""
    from core.advice.presets import suggest
    from core.models.optimizer_choice import learning_rate
    from core.system.devices import DeviceInfo
    from core.system.engine_devices import training_devices

    kind = str(request.chosen.get("device", "auto")).partition(":")[0]
    devices = training_devices()
    device: DeviceInfo = next((one for one in devices if one.kind == kind), devices[0])
    preset = suggest(
        statistics,
        device,
        facts=_label_facts(source),
        minutes=request.chosen.get("minutes"),
        model=None if request.model == _AUTO else request.model,
    )
    fields = preset.fields()
    # The device is chosen where it is used; the rest follows what was given.
    del fields["device"]
    known = before | request.chosen
    if "image_size" in known and known.get("image_scale") is None:
        fields["image_scale"] = None
    optimizer = known.get("optimizer") or _optimizer(preset, known.get("pretrain_weights"))
    fields["optimizer"] = optimizer
    batch = known.get("batch_size", preset.batch_size)
    fields["learning_rate"] = learning_rate(batch, optimizer)
    epochs = request.chosen.get("epochs")
    if (isinstance(epochs, int) and request.chosen.get("minutes") is None) or before:
        # So many rounds through the images, however long they take.
        fields |= {"minutes": None, "epoch_images": None, "early_stop": False, "warmup_steps": 0}
        fields["save_interval_epochs"] = max(1, (epochs or preset.epochs) // 25)
        return fields
    for reason in preset.reasons:
        err().print(str(reason), markup=False, highlight=False)
    return fields


def _optimizer(preset: Preset, weights: object) -> Optimizer:
    """Momentum for weights that somebody trained before, as they were made with it."""
    others = weights is not None and weights != preset.pretrain_weights
    return "momentum" if others else preset.optimizer


def _label_facts(source: DataSource) -> LabelFacts:
    from core.advice.label_facts import read_label_facts
    from core.datasets import open_data_folder
    from core.images.io import read_mask

    data = open_data_folder(source.folder)
    masks = [str(item.mask) for item in data.subsets["train"]]
    return read_label_facts(masks, len(data.labels), read=read_mask)


def _merge(fields: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    merged = dict(fields)
    for name, value in chosen.items():
        before = merged.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            value = {**before, **value}
        merged[name] = value
    return merged
