"""``evaluate``: how good a model is on one subset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from core.cli.shared_options import (
    AnyModelOption,
    DataOption,
    DeviceOption,
    JsonOption,
    ThresholdsOption,
)

if TYPE_CHECKING:
    from rich.table import Table


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
    object_iou: Annotated[
        float | None,
        typer.Option(
            "--object-iou",
            metavar="SHARE",
            help="Intersection over union from which an object counts as found; 0.2.",
        ),
    ] = None,
    min_area: Annotated[
        int | None,
        typer.Option("--min-area", metavar="PIXELS", help="Smaller objects count as nothing; 1."),
    ] = None,
    false_alarm_rate: Annotated[
        float | None,
        typer.Option(
            "--false-alarm-rate",
            metavar="SHARE",
            help="Share of the good images that may be taken for defective where the detection "
            "rate is told; 0.05.",
        ),
    ] = None,
    thresholds: ThresholdsOption = False,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Measure a model on a subset; nothing is written unless --out says where."""
    from core.cli.console import print_json
    from core.cli.data_source import open_data
    from core.cli.job_runner import job_result, kept_run_folder
    from core.cli.shared_options import check_device, checked, existing_model, given
    from core.prediction.exported_model import read_any_info
    from core.report.evaluation_report import write_evaluation_report
    from core.runs.kinds import EvaluateSpec
    from core.runs.run_folder import RunFolder

    model = existing_model(model_dir)
    read_any_info(model)  # says at once what is wrong with it
    fields = given(
        model_dir=model,
        split=split,
        save_masks=out is not None,
        device=check_device(device),
        object_iou=object_iou,
        min_area=min_area,
        false_alarm_rate=false_alarm_rate,
        thresholds=thresholds,
    )
    checked(EvaluateSpec, {**fields, "data_dir": data})  # before the images are looked at
    with open_data(data, needed=(split,)) as source, kept_run_folder(out, "evaluation") as run_dir:
        spec = checked(EvaluateSpec, {**fields, "data_dir": source.place(run_dir / "dataset")})
        source.write(run_dir / "dataset")
        result = job_result(RunFolder.create(run_dir, spec).path)
        if out is not None:
            write_evaluation_report(run_dir)
    if json:
        print_json(result)
    else:
        print_metrics(result)


def print_metrics(result: dict[str, Any]) -> None:
    """Print verdict, objects and pixels of each class, and whole images on stdout."""
    from rich.table import Table

    from core.cli.console import out
    from core.cli.verdict_words import print_verdict

    console = out()
    print_verdict(result, console)
    console.print(_object_table(result["objects"]))
    images = result["images"]
    if images["auc"] is not None:
        console.print(
            f"good and defective images: AUC {_number(images['auc'])}   average precision "
            f"{_number(images['average_precision'])}   {images['detection_rate']:.1%} detected at "
            f"{images['false_alarm_rate']:.1%} false alarms"
        )
    columns = {
        "IoU": "category_iou",
        "precision": "category_acc",
        "recall": "category_recall",
        "F1": "category_F1-score",
    }
    table = Table("class", *columns, title=f"pixels, {result['split']}, {images['count']} images")
    for column in table.columns[1:]:
        column.justify = "right"
    for index, label in enumerate(result["labels"]):
        values = [result[key][index] for key in columns.values()]
        if index in result["absent_classes"]:
            table.add_row(label, "absent", style="dim")
        else:
            table.add_row(label, *(_number(value) for value in values))
    console.print(table)
    console.print(
        f"mIoU {_number(result['miou'])}   accuracy {_number(result['oacc'])}   "
        f"kappa {_number(result['kappa'])}"
    )


def _object_table(objects: dict[str, Any]) -> Table:
    from rich.table import Table

    columns = ("objects", "found", "missed", "false alarms", "precision", "recall", "F1")
    table = Table("class", *columns, title=f"objects, found from IoU {objects['iou_threshold']}")
    for column in table.columns[1:]:
        column.justify = "right"
    for one in objects["classes"]:
        counts = [str(one[name.replace(" ", "_")]) for name in columns[:4]]
        rates = [_number(one[name.lower()]) for name in columns[4:]]
        table.add_row(one["name"], *counts, *rates)
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
