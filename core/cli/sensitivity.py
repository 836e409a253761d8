"""``sensitivity``: what pruning each part of a network costs."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from core.cli.shared_options import (
    CriterionOption,
    DataOption,
    DeviceOption,
    JsonOption,
    ModelDirOption,
    OutOption,
    checked,
    given,
)


def command(
    model_dir: ModelDirOption,
    data: DataOption,
    out: OutOption,
    criterion: CriterionOption = None,
    fast: Annotated[
        bool,
        typer.Option("--fast", help="A part of the images only; the order of the groups stays."),
    ] = False,
    split: Annotated[
        Literal["train", "val", "test"], typer.Option("--split", help="Which subset.")
    ] = "val",
    batch_size: Annotated[int | None, typer.Option("--batch-size", metavar="B", min=1)] = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Measure how much mIoU is lost as each group of channels is pruned.

    prune --sensitivity DIR uses the result. Repeat an interrupted command to go on with it.
    """
    from core.cli.compression_runs import result_of, run_folder
    from core.cli.console import existing_folder, print_json
    from core.cli.data_source import open_data
    from core.cli.shared_options import check_device
    from core.models.compression_records import check_prunable
    from core.models.model_folder import read_model_info
    from core.runs.kinds import SensitivitySpec

    model = existing_folder(model_dir, option="--model-dir")
    info = read_model_info(model)
    check_prunable(info.pruning, info.quantization)
    fields = given(
        model_dir=model,
        split=split,
        criterion=criterion,
        fast=fast,
        batch_size=batch_size,
        device=check_device(device),
    )
    with open_data(data, needed=(split,)) as source:
        place = source.place(out.absolute() / "dataset")
        run = run_folder(out, checked(SensitivitySpec, {**fields, "data_dir": place}), source)
    result = result_of(run)
    if json:
        print_json(result)
    else:
        print(result["sensitivity"])
