"""``train``: a network from a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.shared_options import (
    DataOption,
    JsonOption,
    TrainDeviceOption,
    check_device,
    parse_settings,
    parse_size,
)
from core.models.catalog import NETWORKS, alternatives

#: As ``--model``: the network that fits.
AUTO = "auto"


def command(
    data: DataOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Run folder; best_model/ appears in it.")
    ],
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME", help=f"auto, {alternatives(NETWORKS)}."),
    ] = AUTO,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes", metavar="N", help="Time that the training may take; 30 by default."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", metavar="N", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", metavar="B", min=1)] = None,
    image_size: Annotated[
        str | None,
        typer.Option("--image-size", metavar="WxH", help="What images are resized to."),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", metavar="R")] = None,
    pretrain_weights: Annotated[
        str | None,
        typer.Option(
            "--pretrain-weights",
            metavar="W",
            help="none, a .pdparams file, a model folder, or a name such as CITYSCAPES.",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="DIR",
            help="Go on from this run folder or epoch_N folder. The same folder as --out "
            "continues that run.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting, such as early_stop=true or augmentation.blur=0.1. May be "
            "given several times.",
        ),
    ] = None,
    device: TrainDeviceOption = "auto",
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", min=0)] = None,
    skip_check: Annotated[
        bool, typer.Option("--skip-check", help="Do not look at every image and mask first.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Train a network. What you do not choose is chosen to fit the data and this machine.

    Ctrl-C stops at the next step and keeps the last checkpoint; --resume goes on from there.
    """
    from core.cli.training_run import Request, run_training
    from core.runs.kinds import TrainSpec

    chosen: dict[str, Any] = parse_settings(settings or (), TrainSpec)
    given = {
        "epochs": epochs,
        "minutes": minutes,
        "batch_size": batch_size,
        "image_size": None if image_size is None else parse_size(image_size),
        "learning_rate": learning_rate,
        "seed": seed,
        "device": None if device == "auto" else check_device(device),
    }
    chosen |= {name: value for name, value in given.items() if value is not None}
    if pretrain_weights is not None:
        named = pretrain_weights.strip()
        chosen["pretrain_weights"] = None if named.lower() == "none" else named
    request = Request(
        model=model, data=data, out=out, resume=resume, chosen=chosen, skip_check=skip_check
    )
    result = run_training(request)
    _print_result(result, json=json)


def _print_result(result: dict[str, Any], *, json: bool) -> None:
    from core.cli.console import err, print_json
    from core.cli.job_runner import format_seconds
    from core.cli.verdict_words import print_verdict

    if json:
        print_json(result)
        return
    console = err()
    print_verdict(result, console)
    if result.get("miou") is not None:
        console.print(f"validation mIoU {result['miou']:.4f}")
    seconds = result.get("seconds")
    if seconds is not None:
        console.print(
            f"{format_seconds(seconds)}, {result.get('images_per_second') or 0:.1f} images/s"
        )
    print(result.get("best_model"))
