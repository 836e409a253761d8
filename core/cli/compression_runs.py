"""What the commands that compress a model share: their run folder and how results are shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import typer

from core.cli.data_source import DataSource
from core.cli.job_runner import job_result
from core.cli.verdict_words import warn_of_model
from core.runs.kind_lookup import spec_to_json
from core.runs.kinds import PruneSpec, QuantizeSpec
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec
from core.system.errors import InputError


def new_folder(out: Path) -> Path:
    """Return ``out`` made absolute; raises ``InputError`` unless it is new or empty."""
    folder = out.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("{folder} is not empty; choose a new or an empty --out.", folder=folder)
    return folder


def result_of(run: RunFolder) -> dict[str, Any]:
    """Do the job of a run folder; one that bad input kept from beginning leaves no folder behind.

    Raises:
        typer.Exit: it failed or was stopped; the sentence is printed.
    """
    is_new = run.state == "queued"
    spec = run.spec
    if isinstance(spec, (PruneSpec, QuantizeSpec)):
        warn_of_model(spec.model_dir)
    try:
        return job_result(run.path)
    except typer.Exit:
        failure = run.failure
        refused = failure is not None and failure.kind == "bad_input"
        if is_new and refused and not any(path.exists() for path in _kept(run)):
            shutil.rmtree(run.path, ignore_errors=True)
        raise


def _kept(run: RunFolder) -> list[Path]:
    """What a job that cannot go on may have made so far."""
    made = [run.path / name for name in ("model.sensi.data", "pruned", "quantized", "points.json")]
    return [*made, run.last_checkpoint] if run.last_checkpoint is not None else made


def run_folder(out: Path, spec: JobSpec, source: DataSource | None = None) -> RunFolder:
    """Make the run folder of ``spec``, or open it where the same command was interrupted.

    A project's images are listed in the run folder once: a run goes on with those it began with.

    Raises:
        InputError: the folder holds something else, or a run that is finished.
    """
    folder = out.absolute()
    if not (folder / "spec.json").exists():
        run = RunFolder.create(new_folder(out), spec)
        if source is not None:
            source.write(run.dataset_dir)
        return run
    run = RunFolder(folder)
    if spec_to_json(run.spec) != spec_to_json(spec):
        raise InputError(
            "{folder} holds a run with other settings; choose a new or an empty --out.",
            folder=folder,
        )
    if run.state == "done":
        raise InputError(
            "The run in {folder} is finished; choose a new or an empty --out.", folder=folder
        )
    return run


def print_result(result: dict[str, Any], *, json: bool) -> None:
    """Print a compression's result: all of it as JSON, or the gist and then the model folder."""
    from core.cli.console import err, print_json, suggest
    from core.cli.verdict_words import print_verdict

    if json:
        print_json(result)
        return
    console = err()
    print_verdict(result, console)
    for name, before, after in (
        ("operations", result.get("flops_before"), result.get("flops_after")),
        ("parameters", result.get("parameters_before"), result.get("parameters_after")),
    ):
        if before and after is not None and before != after:
            console.print(f"{name} {before:,} → {after:,} ({after / before - 1:+.1%})")
    if result.get("miou") is not None:
        console.print(f"validation mIoU {result['miou']:.4f}{_from(result.get('miou_before'))}")
    variant = result.get("variant")
    if variant is not None:
        console.print(
            f"exported: {variant['size_bytes'] / 2**20:.2f} MiB, "
            f"{variant['latency_ms']:.1f} ms an image on this machine"
        )
    print(result["model_dir"])
    model = ("--model-dir", result["model_dir"])
    suggest("for a line PC", "bundle", *model, "--data", "DATA", "--out", "LINE")


def _from(before: float | None) -> str:
    return "" if before is None else f" (before: {before:.4f})"
