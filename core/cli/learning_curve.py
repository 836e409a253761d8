"""``learning-curve``: what more labels would bring."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.cli.shared_options import DataOption, DeviceOption, JsonOption, OutOption, checked, given


def command(
    data: DataOption,
    out: OutOption,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes", metavar="N", help="Time for all trainings together; 30 by default."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="auto, or the name of a network.")
    ] = "auto",
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", min=0)] = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Train on a third, two thirds and all of the labels; say what twice as many would bring.

    Repeat an interrupted command to go on with it.
    """
    from core.cli.compression_runs import result_of, run_folder
    from core.cli.console import print_json
    from core.cli.data_source import open_data
    from core.cli.shared_options import check_device
    from core.models.catalog import NETWORKS
    from core.runs.kinds import LearningCurveSpec
    from core.system.errors import InputError

    if model not in ("auto", *NETWORKS):
        raise InputError(
            "--model {model} is unknown; choose one of {known}.",
            model=model,
            known=", ".join(("auto", *NETWORKS)),
        )
    fields = given(
        minutes=minutes,
        seed=seed,
        device=check_device(device),
        model=None if model == "auto" else model,
    )
    with open_data(data, needed=("train", "val")) as source:
        place = source.place(out.absolute() / "dataset")
        run = run_folder(out, checked(LearningCurveSpec, {**fields, "data_dir": place}), source)
    result = result_of(run)
    if json:
        print_json(result)
    else:
        _print_result(result)


def _print_result(result: dict[str, Any]) -> None:
    for point in result["points"]:
        miou = "–" if point["miou"] is None else f"{point['miou']:.3f}"
        print(f"{point['images']} images: validation mIoU {miou}")
    for sentence in result["sentences"]:
        print(sentence)
