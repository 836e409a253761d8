"""``verify``: whether an exported file does what the model does."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from core.cli.console import err
from core.cli.shared_options import JsonOption
from core.system.messages import Message
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.deploy.verification.samples import Sample

_Runtime = Literal["auto", "onnxruntime", "openvino"]


def command(
    export: Annotated[
        Path, typer.Option("--export", metavar="DIR", help="Folder that export wrote.")
    ],
    model_dir: Annotated[
        Path | None,
        typer.Option(
            "--model-dir",
            metavar="DIR",
            help="Folder of the trained model; without it, what export --data stored is taken, and "
            "no engine is needed.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Data set, project, or folder of images without masks; without it, the images "
            "that export stored.",
        ),
    ] = None,
    split: Annotated[
        Literal["train", "val", "test"], typer.Option("--split", help="Which subset.")
    ] = "val",
    images: Annotated[
        int | None,
        typer.Option("--images", metavar="N", min=1, help="At most so many, evenly spread."),
    ] = None,
    runtime: Annotated[_Runtime, typer.Option("--runtime", help="What runs the file.")] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", min=1, help="That run it.")
    ] = None,
    bound: Annotated[
        float | None,
        typer.Option(
            "--bound",
            metavar="PERCENT",
            help="Least share of pixels that get the model's class; 99.99, and 97 for an int8 file "
            "where there are no masks.",
        ),
    ] = None,
    int8_loss: Annotated[
        float,
        typer.Option(
            "--int8-loss", metavar="POINTS", help="mIoU that an int8 file may lose, in points."
        ),
    ] = 0.5,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Keep verification.json and a picture of the worst image here.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare an exported file with its model; exit code 2 if it is not verified."""
    from core.cli.console import complain, existing_folder, print_json
    from core.cli.environment import EXIT_BAD_INPUT
    from core.deploy.verification.export_verification import export_manifest
    from core.system.errors import InputError

    folder = existing_folder(export, option="--export")
    export_manifest(folder)  # says at once what is wrong with it
    if bound is not None and not 1 < bound <= 100:
        raise InputError("--bound is a share in percent: give it like 99.99.")
    if not 0 <= int8_loss <= 100:
        raise InputError("--int8-loss is points of mIoU: give it like 0.5.")
    fields = {
        "runtime": runtime,
        "threads": threads,
        "bound": None if bound is None else bound / 100,
        "int8_loss": int8_loss / 100,
        "most_images": images,
    }
    if model_dir is None:
        result = _by_reference(folder, data, split, fields, out)
    else:
        model = existing_folder(model_dir, option="--model-dir")
        result = _against_model(folder, model, data, split, fields, out)
    if json:
        print_json(result)
    else:
        _print(result)
    if not result["verified"]:
        complain(f"{folder} is not verified: {result['problem']}")
        raise typer.Exit(EXIT_BAD_INPUT)


class _Progress(Reporter):
    """Shows the progress of work in this process."""

    def __init__(self, update: Callable[[int, int], None]) -> None:
        self._update = update

    def progress(self, step: int, steps: int, **_rest: Any) -> None:
        """Move the bar."""
        self._update(step, steps)

    def warn(self, message: Message) -> None:
        """Print a warning."""
        err().print(f"warning: {message}", markup=False)


def _against_model(
    folder: Path,
    model: Path,
    data: Path | None,
    split: Any,
    fields: dict[str, Any],
    out: Path | None,
) -> dict[str, Any]:
    from core.cli.data_source import open_data
    from core.cli.given_images import find_images, usable_images
    from core.cli.job_runner import job_result, kept_run_folder
    from core.cli.shared_options import checked
    from core.models.model_folder import read_model_info
    from core.runs.kinds import VerifySpec
    from core.runs.run_folder import RunFolder

    read_model_info(model)  # says at once what is wrong with it
    fields = {**fields, "model_dir": model, "export_dir": folder, "split": split}
    with contextlib.ExitStack() as stack:
        run_dir = stack.enter_context(kept_run_folder(out, "verification"))
        source = None
        if data is not None and _is_labelled(data):
            source = stack.enter_context(open_data(data, needed=(split,)))
            fields["data_dir"] = source.place(run_dir / "dataset")
        elif data is not None:
            fields["images"] = usable_images(find_images([_folder_of_images(data)]))[0]
        spec = checked(VerifySpec, fields)
        if source is not None:
            source.write(run_dir / "dataset")
        return job_result(RunFolder.create(run_dir, spec).path)


def _by_reference(
    folder: Path, data: Path | None, split: Any, fields: dict[str, Any], out: Path | None
) -> dict[str, Any]:
    from core.cli.data_source import open_data
    from core.cli.given_images import find_images
    from core.cli.job_runner import count_progress, empty_folder
    from core.deploy.verification.export_verification import (
        export_manifest,
        no_reference,
        verify_by_reference,
    )
    from core.deploy.verification.outcome import Bounds
    from core.deploy.verification.samples import at_most, data_samples, image_samples
    from core.deploy.verification.stored_reference import read_reference
    from core.system.files import make_folder, write_json_atomic

    started = time.monotonic()
    reference = read_reference(folder, export_manifest(folder))
    if reference is None:
        raise no_reference(folder)
    target = None if out is None else make_folder(empty_folder(out))
    with contextlib.ExitStack() as stack:
        reporter = _Progress(stack.enter_context(count_progress("verifying")))
        samples: list[Sample] | None = None
        if data is None:
            samples = reference.samples() or None  # None has it said that there are none
        elif _is_labelled(data):
            source = stack.enter_context(open_data(data, needed=(split,)))
            labels = reference.facts.labels
            samples = data_samples(source.folder, split, labels, reporter=reporter)
        else:
            samples = image_samples(find_images([_folder_of_images(data)]))
        verification = verify_by_reference(
            folder,
            None if samples is None else at_most(samples, fields["most_images"]),
            runtime=fields["runtime"],
            threads=fields["threads"],
            bounds=Bounds(agreement=fields["bound"], int8_loss=fields["int8_loss"]),
            picture_dir=target,
            reporter=reporter,
        )
    result = {
        **verification.to_dict(),
        "export_dir": str(folder),
        "model_dir": None,
        "seconds": time.monotonic() - started,
    }
    if target is not None:
        write_json_atomic(target / "verification.json", result)
    return result


def _is_labelled(data: Path) -> bool:
    """Whether ``--data`` is a data set or a project, not a folder of images alone."""
    from core.datasets import LABELS_FILE
    from core.project import is_project

    return is_project(data) or (data / LABELS_FILE).is_file()


def _folder_of_images(data: Path) -> Path:
    from core.cli.console import existing_folder

    return existing_folder(data, option="--data")


def _print(result: dict[str, Any]) -> None:
    """Print what was found on stdout."""
    from core.cli.console import out

    console = out()
    machine = result["machine"]
    console.print("verified" if result["verified"] else "not verified")
    for fault in result["faults"]:
        console.print(f"  {fault['stage']}: {fault['problem']}", markup=False)
    if result["agreement"] is not None:
        console.print(
            f"same class      {result['agreement']:.4%} of the pixels, {_images(result['images'])}"
        )
    if result["miou_model"] is not None:
        console.print(
            f"mIoU            {result['miou_model']:.4f} model, {result['miou_export']:.4f} export"
        )
    if result["largest_difference"] is not None:
        console.print(
            f"scores          differ by {result['largest_difference']:.2g} at most, "
            + _images(result["scored_images"])
        )
    if (worst := result["worst_image"]) is not None:
        console.print(f"worst image     {worst['image']}, {worst['agreement']:.4%}", markup=False)
    console.print(
        f"file            {result['format']}, {result['graph']} graph, {result['precision']}"
    )
    console.print(
        f"run by          {machine['runtime']} {machine['runtime_version']}, "
        f"{machine['threads']} threads, {machine['precision']}"
    )
    console.print(f"on              {machine['processor']}", markup=False)
    console.print(
        f"                {', '.join(machine['instruction_sets']) or machine['architecture']}"
    )
    for warning in result["warnings"]:
        err().print(f"warning: {warning['problem']}", markup=False)


def _images(count: int) -> str:
    return f"{count} {'image' if count == 1 else 'images'}"
