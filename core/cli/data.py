"""``validate`` and ``split``: looking at a data set and dividing it."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.environment import EXIT_BAD_INPUT
from core.cli.shared_options import JsonOption

if TYPE_CHECKING:
    from core.data.dataset_statistics import DatasetStatistics
    from core.data.validation import Finding

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Data set.")]

_SHOWN = 5  # findings of one kind; --json has them all


def validate(folder: FolderArgument, json: JsonOption = False) -> None:
    """Look at every image and mask of a data set; exit code 2 if training could not start.

    Of an exported model, its folder or its ONNX file, it says what it is and whether it is intact.
    """
    from core.cli.console import complain, out, print_json
    from core.cli.data_source import open_data
    from core.cli.job_runner import count_progress
    from core.data.validation import validate_folder
    from core.models.model_folder import exported_file

    if (file := exported_file(folder)) is not None:
        _validate_export(file, json=json)
        return
    with open_data(folder, needed=()) as source, count_progress("looking at images") as update:
        report = validate_folder(source.folder, progress=update)
    if json:
        print_json(report.to_json())
    else:
        _print_findings(report.findings)
        _print_statistics(report.statistics)
        if report.is_valid:
            out().print("valid")
    if not report.is_valid:
        errors = sum(finding.severity == "error" for finding in report.findings)
        complain(f"{folder} cannot be trained on: {errors} error{'s' * (errors > 1)} to put right")
        raise typer.Exit(EXIT_BAD_INPUT)


def _validate_export(file: Path, *, json: bool) -> None:
    from core.cli.console import out, print_json
    from core.prediction.exported_model import inspect_export

    found = inspect_export(file)
    if json:
        print_json(
            {
                "valid": True,
                "kind": "exported model",
                "file": str(found.file),
                "model": found.model,
                "precision": found.precision,
                "labels": list(found.labels),
                "image_size": found.size,
                "size_bytes": found.size_bytes,
            }
        )
        return
    size = "any size" if found.size is None else f"{found.size[0]}x{found.size[1]} pixels"
    out().print(
        f"{found.file} is an exported {found.model} in {found.precision}, "
        f"{found.size_bytes / 1e6:.1f} MB, for images of {size}; its {len(found.labels)} classes "
        f"are {', '.join(found.labels)}",
        markup=False,
    )
    out().print("intact")


def _print_findings(findings: tuple[Finding, ...]) -> None:
    from core.cli.console import out

    console = out()
    styles = {"error": "red", "warning": "yellow", "info": "blue"}
    for (severity, code), group in groupby(findings, key=lambda one: (one.severity, one.code)):
        found = list(group)
        title = f"{code.replace('_', ' ')} ({len(found)})"
        console.print(f"[{styles[severity]}]{severity}[/]: {title}")
        for finding in found[:_SHOWN]:
            console.print(f"  {finding.message}", markup=False)
        if len(found) > _SHOWN:
            console.print(f"  … and {len(found) - _SHOWN} more")


def _print_statistics(statistics: DatasetStatistics) -> None:
    from rich.table import Table

    from core.cli.console import out

    table = Table("class", title="images that show each class, share of pixels")
    for subset in statistics.images:
        table.add_column(f"{subset} ({statistics.images[subset]})", justify="right")
    for index, label in enumerate(statistics.labels):
        cells = []
        for subset in statistics.images:
            pixels = statistics.class_pixels[subset]
            share = pixels[index] / max(sum(pixels), 1)
            cells.append(f"{statistics.class_images[subset][index]}  {share:7.2%}")
        table.add_row(label, *cells)
    out().print(table)


def split(
    folder: FolderArgument,
    val: Annotated[float, typer.Option("--val", help="Share of validation images, 0 to 1.")] = 0.15,
    test: Annotated[float, typer.Option("--test", help="Share of test images, 0 to 1.")] = 0.15,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="REGEX",
            help="Images whose names match with the same text stay together, such as "
            r"'part_\d+'; with a bracketed group, that group's text counts.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", min=0)] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace lists that exist (a .bak is kept).")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Divide a data set into train, val and test lists; related images stay together."""
    from core.cli.console import err, existing_folder, out, print_json
    from core.data.formats.conversion_report import ConversionReport
    from core.data.splitting import split_folder

    report = ConversionReport()
    counts = split_folder(
        existing_folder(folder, option="DIR"),
        val=val,
        test=test,
        group=group,
        seed=seed,
        overwrite=overwrite,
        report=report,
    )
    for text in report.messages:
        err().print(f"warning: {text}", markup=False)
    if json:
        print_json({str(subset): count for subset, count in counts.items()})
    else:
        out().print(", ".join(f"{count} {subset}" for subset, count in counts.items()))
