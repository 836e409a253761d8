"""``bundle``: all that a line PC needs to run a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.shared_options import ImageSizeOption, JsonOption


def command(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR|ZIP", help="New or empty folder, or a file that ends with .zip."
        ),
    ],
    model_dir: Annotated[
        Path | None,
        typer.Option(
            "--model-dir", metavar="DIR", help="Folder of a trained model, which is exported first."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="DIR", help="Folder of an export: ONNX, not --plain."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Data set or project: some of its validation images become the samples that the "
            "bundle's selftest computes.",
        ),
    ] = None,
    image_size: ImageSizeOption = None,
    thresholds: Annotated[
        bool,
        typer.Option(
            "--thresholds",
            help="With --model-dir: have the file obey the thresholds that were chosen on the "
            "validation images.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write a folder that runs a model on a line PC, with nothing of this program installed."""
    from core.cli.console import err, print_json
    from core.deploy.bundle.bundle_writing import free_target
    from core.system.errors import InputError
    from core.system.files import require_writable

    if (model_dir is None) == (export is None):
        raise InputError("Give either --model-dir or --export.")
    target = free_target(out)
    require_writable(target.parent)
    if export is not None:
        if image_size is not None or thresholds:
            raise InputError("--image-size and --thresholds belong to --model-dir.")
        result = _of_export(export, target, data)
    else:
        assert model_dir is not None  # one of the two is given
        result = _of_model(model_dir, target, data, image_size, thresholds)
    if json:
        print_json(result)
        return
    print(result["bundle"])
    count = result["samples"]
    print(f"{count or 'no'} sample image{'' if count == 1 else 's'}")
    print(f"fingerprint {result['fingerprint']}")
    err().print("README.md in it has the three steps for the line PC", markup=False)


def _of_export(export: Path, target: Path, data: Path | None) -> dict[str, Any]:
    """Bundle an export in this process, without the engine."""
    from core.cli.console import existing_folder
    from core.cli.data_source import open_data
    from core.datasets import open_data_folder
    from core.deploy.bundle.bundle_samples import choose_sample_images
    from core.deploy.bundle.bundle_writing import write_bundle

    folder = existing_folder(export, option="--export")
    if data is None:
        return write_bundle(folder, target).to_dict()
    with open_data(data, needed=("val",)) as source:
        samples = choose_sample_images(open_data_folder(source.folder).dataset("val"))
        return write_bundle(folder, target, samples=samples).to_dict()


def _of_model(
    model_dir: Path, target: Path, data: Path | None, image_size: str | None, thresholds: bool
) -> dict[str, Any]:
    """Export and bundle a model, as a job."""
    import contextlib

    from core.cli.console import existing_folder
    from core.cli.data_source import open_data
    from core.cli.job_runner import job_result, temporary_run_folder
    from core.cli.shared_options import parse_size
    from core.cli.verdict_words import warn_of_model
    from core.models.model_folder import read_model_info
    from core.runs.kinds import BundleSpec
    from core.runs.run_folder import RunFolder

    model = existing_folder(model_dir, option="--model-dir")
    read_model_info(model)
    with contextlib.ExitStack() as stack:
        source = None
        if data is not None:
            source = stack.enter_context(open_data(data, needed=("val",)))
        spec = BundleSpec(
            model_dir=model,
            out=target,
            data_dir=None if source is None else source.folder,
            image_size=None if image_size is None else parse_size(image_size),
            thresholds=thresholds,
        )
        warn_of_model(model)
        run_dir = stack.enter_context(temporary_run_folder("bundle"))
        return job_result(RunFolder.create(run_dir, spec).path)
