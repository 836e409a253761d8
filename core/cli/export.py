"""``export``: files that other programs can run."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from core.cli.shared_options import ImageSizeOption, JsonOption, ModelDirOption, OutOption


def command(
    model_dir: ModelDirOption,
    out: OutOption,
    format: Annotated[
        Literal["onnx"], typer.Option("--format", help="What kind of file.")
    ] = "onnx",
    image_size: ImageSizeOption = None,
    thresholds: Annotated[
        bool,
        typer.Option(
            "--thresholds",
            help="Have the file obey the thresholds that were chosen on the validation images: "
            "they are added to its scores.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write an ONNX file; a quantised model becomes an int8 one."""
    from core.cli.compression_runs import new_folder
    from core.cli.console import existing_folder, print_json
    from core.cli.job_runner import job_result, temporary_run_folder
    from core.cli.shared_options import parse_size
    from core.cli.verdict_words import warn_of_model
    from core.models.model_folder import read_model_info
    from core.runs.kinds import ExportSpec
    from core.runs.run_folder import RunFolder
    from core.system.files import require_writable

    model = existing_folder(model_dir, option="--model-dir")
    read_model_info(model)
    target = new_folder(out)
    require_writable(target.parent)  # where it is built
    require_writable(target)
    spec = ExportSpec(
        model_dir=model,
        out_dir=target,
        format=format,
        image_size=None if image_size is None else parse_size(image_size),
        thresholds=thresholds,
    )
    warn_of_model(model)
    with temporary_run_folder("export") as run_dir:
        result = job_result(RunFolder.create(run_dir, spec).path)
    if json:
        print_json(result)
    else:
        for name in result["files"]:
            print(name)
