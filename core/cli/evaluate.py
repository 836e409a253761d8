"""``evaluate``: how good a model is on one subset."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from core.cli.shared_options import AnyModelOption, DataOption, DeviceOption, JsonOption


def command(
    model_dir: AnyModelOption,
    data: DataOption,
    split: Annotated[
        Literal["train", "val", "test"], typer.Option("--split", help="Which subset.")
    ] = "val",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Keep predicted masks, metrics.json, per_image.json and report.html here.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Measure a model on a subset; nothing is written unless --out says where."""
    from core.cli.console import print_json
    from core.cli.data_source import open_data
    from core.cli.job_runner import job_result
    from core.cli.shared_options import check_device, existing_model
    from core.prediction.exported_model import read_any_info
    from core.report.collect import write_evaluation_report
    from core.runs.kinds import EvaluateSpec
    from core.runs.run_folder import RunFolder

    model = existing_model(model_dir)
    read_any_info(model)  # says at once what is wrong with it
    device = check_device(device)
    with open_data(data, needed=(split,)) as source, _run_folder(out) as run_dir:
        spec = EvaluateSpec(
            model_dir=model,
            data_dir=source.place(run_dir / "dataset"),
            split=split,
            save_masks=out is not None,
            device=device,
        )
        source.write(run_dir / "dataset")
        result = job_result(RunFolder.create(run_dir, spec).path)
        if out is not None:
            write_evaluation_report(run_dir)
    if json:
        print_json(result)
    else:
        print_metrics(result)


@contextlib.contextmanager
def _run_folder(out: Path | None) -> Iterator[Path]:
    from core.cli.job_runner import temporary_run_folder
    from core.system.errors import InputError

    if out is None:
        with temporary_run_folder("evaluation") as temporary:
            yield temporary
        return
    folder = out.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("{folder} is not empty; choose a new or an empty --out.", folder=folder)
    yield folder


def print_metrics(result: dict[str, Any]) -> None:
    """Print metrics per class as a table on stdout."""
    from rich.table import Table

    from core.cli.console import out

    columns = {
        "IoU": "category_iou",
        "precision": "category_acc",
        "recall": "category_recall",
        "F1": "category_F1-score",
    }
    table = Table("class", *columns, title=f"{result['split']}, {result['images']} images")
    for column in table.columns[1:]:
        column.justify = "right"
    for index, label in enumerate(result["labels"]):
        values = [result[key][index] for key in columns.values()]
        if index in result["absent_classes"]:
            table.add_row(label, "absent", style="dim")
        else:
            table.add_row(label, *(_number(value) for value in values))
    console = out()
    console.print(table)
    console.print(
        f"mIoU {_number(result['miou'])}   accuracy {_number(result['oacc'])}   "
        f"kappa {_number(result['kappa'])}"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
