"""``export``: files that other programs can run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.cli.shared_options import ImageSizeOption, JsonOption, ModelDirOption, OutOption


def command(
    model_dir: ModelDirOption,
    out: OutOption,
    format: Annotated[
        Literal["onnx", "openvino", "paddle"],
        typer.Option(
            "--format",
            help="onnx runs in most programs, openvino in OpenVINO alone, paddle in Paddle's own "
            "inference library.",
        ),
    ] = "onnx",
    plain: Annotated[
        bool,
        typer.Option(
            "--plain",
            help="Export the network alone: a normalised image in, logits out. By default the "
            "file takes images of any size as they are, and gives label maps.",
        ),
    ] = False,
    color_order: Annotated[
        Literal["bgr", "rgb"],
        typer.Option("--color-order", help="Of the images that the file will take."),
    ] = "bgr",
    image_size: ImageSizeOption = None,
    thresholds: Annotated[
        bool,
        typer.Option(
            "--thresholds",
            help="Have the file obey the thresholds that were chosen on the validation images; "
            "with --plain they are added to its logits.",
        ),
    ] = False,
    flip_test: Annotated[
        bool | None,
        typer.Option(
            "--flip-test/--no-flip-test",
            help="Predict the mirror image, too, and average, in twice the time; by default as "
            "the model does.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Store what the network makes of up to 16 of its validation images: then the "
            "file can be verified where neither the engine nor the model is.",
        ),
    ] = None,
    store_images: Annotated[
        bool, typer.Option("--store-images", help="With --data, store these images, too.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write a file that other programs run; a quantised model becomes an int8 one."""
    from core.cli.compression_runs import new_folder
    from core.cli.console import existing_folder, print_json, suggest
    from core.cli.data_source import open_data
    from core.cli.job_runner import job_result, temporary_run_folder
    from core.cli.shared_options import parse_size
    from core.cli.verdict_words import warn_of_model
    from core.models.model_folder import read_model_info
    from core.runs.kinds import ExportSpec
    from core.runs.run_folder import RunFolder
    from core.system.errors import InputError
    from core.system.files import require_writable

    model = existing_folder(model_dir, option="--model-dir")
    read_model_info(model)
    target = new_folder(out)
    require_writable(target.parent)  # where it is built
    require_writable(target)
    if store_images and data is None:
        raise InputError("--store-images needs --data: it says whose images.")
    if color_order == "rgb" and (plain or format == "paddle"):
        raise InputError(
            "--color-order is of files that prepare images by themselves, and a plain one takes "
            "prepared images, red first: leave it out."
        )
    spec = ExportSpec(
        model_dir=model,
        out_dir=target,
        format=format,
        plain=plain,
        color_order=color_order,
        image_size=None if image_size is None else parse_size(image_size),
        thresholds=thresholds,
        flip_test=flip_test,
        reference=data is not None,
        store_images=store_images,
    )
    warn_of_model(model)
    with contextlib.ExitStack() as stack:
        run_dir = stack.enter_context(temporary_run_folder("export"))
        if data is not None:
            source = stack.enter_context(open_data(data, needed=("val",)))
            spec = spec.model_copy(update={"data_dir": source.place(run_dir / "dataset")})
            source.write(run_dir / "dataset")
        result = job_result(RunFolder.create(run_dir, spec).path)
    if json:
        print_json(result)
        return
    for name in result["files"]:
        print(name)
    verify = ("verify", "--export", target, "--model-dir", model, "--data", "DATA")
    suggest("whether it does what the model does", *verify)
    if format == "onnx" and not plain:
        bundle = ("bundle", "--export", target, "--data", "DATA", "--out", "LINE")
        suggest("for a line PC", *bundle)
