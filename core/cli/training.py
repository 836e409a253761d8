"""What ``train`` does once its options are understood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.cli.console import existing_folder
from core.cli.data_source import DataSource, check_data, open_data
from core.cli.jobs import job_result
from core.dataset_statistics import DatasetStatistics
from core.errors import InputError
from core.jobs.run_folder import RunFolder, validation_problem
from core.jobs.spec import TrainSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Options of ``train``; ``chosen`` holds the fields of ``TrainSpec`` that were given."""

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
    return job_result(_open_run(request).path)


def _open_run(request: Request) -> RunFolder:
    out = request.out.absolute()
    if (out / "spec.json").exists():
        if request.resume is None:
            raise InputError(
                "{folder} holds a run already; choose another --out, or continue it with "
                "--resume {folder}.",
                folder=out,
            )
        if _run_of(request.resume) == out.resolve():
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
    with open_data(request.data, needed=("train", "val")) as source:
        final = source.place(out / "dataset")
        spec = _new_spec(request, source, final)
        source.write(out / "dataset")
    return RunFolder.create(out, spec)


def _run_of(folder: Path) -> Path:
    """Return the run that a run folder or one of its model folders belongs to."""
    resolved = folder.resolve()
    return resolved if (resolved / "spec.json").exists() else resolved.parent


def _continue_in_place(run: RunFolder, request: Request) -> RunFolder:
    """Go on with an unfinished run: its own settings hold, others may not be smuggled in."""
    spec = _train_spec(run)
    if run.is_running:
        raise InputError("The run in {folder} is already being worked on.", folder=run.path)
    if run.state == "done":
        raise InputError(
            "The run in {folder} is finished; to train on, give a new --out and --epochs.",
            folder=run.path,
        )
    asked = _validated(_merge(spec.model_dump(), {**request.chosen, "model": request.model}))
    changed = [key for key in TrainSpec.model_fields if getattr(asked, key) != getattr(spec, key)]
    if changed:
        raise InputError(
            "The run in {folder} was begun with another {setting}; leave that option out, or "
            "choose a new --out.",
            folder=run.path,
            setting=changed[0],
        )
    return run


def _new_spec(request: Request, source: DataSource, data_dir: Path) -> TrainSpec:
    fields: dict[str, Any] = {}
    if request.resume is not None:
        checkpoint, earlier = _checkpoint(request.resume)
        fields = earlier.model_dump() if earlier is not None else {}
        fields |= {"resume": checkpoint, "pretrain_weights": None}
    fields |= {"model": request.model, "data_dir": data_dir}
    if not request.skip_check:
        statistics = check_data(source, needed=("train", "val"))
        fields = {**_suggested(request, statistics, data_dir), **fields}
    return _validated(_merge(fields, request.chosen))


def _checkpoint(folder: Path) -> tuple[Path, TrainSpec | None]:
    """Return the model folder to go on from, and the settings of its run if it has one."""
    resolved = existing_folder(folder, option="--resume").resolve()
    run_dir = _run_of(resolved)
    run = RunFolder(run_dir) if (run_dir / "spec.json").exists() else None
    spec = None if run is None else _train_spec(run)
    if run is None or resolved != run_dir:
        return resolved, spec
    checkpoint = run.last_checkpoint
    if checkpoint is None:
        raise InputError(
            "The run in {folder} has no checkpoint to go on from; start a new one.", folder=folder
        )
    return checkpoint, spec


def _train_spec(run: RunFolder) -> TrainSpec:
    spec = run.spec
    if not isinstance(spec, TrainSpec):
        raise InputError("The run in {folder} is not a training.", folder=run.path)
    return spec


def _suggested(request: Request, statistics: DatasetStatistics, data_dir: Path) -> dict[str, Any]:
    """Settings that fit the data and the device; says which on stderr."""
    from core.devices import DeviceInfo, training_devices
    from core.presets import NETWORKS, learning_rate, suggest

    model = next((name for name in NETWORKS if name == request.model), None)
    if model is None:
        raise InputError(
            "--model {model} is unknown; choose {known}.",
            model=request.model,
            known=" or ".join(NETWORKS),
        )
    kind = str(request.chosen.get("device", "auto")).partition(":")[0]
    devices = training_devices()
    device: DeviceInfo = next((one for one in devices if one.kind == kind), devices[0])
    preset = suggest(statistics, device, model=model)
    fields = preset.spec(data_dir).model_dump()
    # The device is chosen where it is used, the rate follows the batch that really is.
    del fields["device"]
    batch = request.chosen.get("batch_size")
    if isinstance(batch, int) and batch > 0:
        fields["learning_rate"] = learning_rate(batch)
    return fields


def _merge(fields: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    merged = dict(fields)
    for name, value in chosen.items():
        before = merged.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            value = {**before, **value}
        merged[name] = value
    return merged


def _validated(fields: dict[str, Any]) -> TrainSpec:
    try:
        return TrainSpec.model_validate(fields)
    except ValidationError as error:
        raise InputError("The setting {problem}.", problem=validation_problem(error)) from error
