"""``prune``: a smaller network from a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.shared_options import (
    CriterionOption,
    DeviceOption,
    ImageSizeOption,
    JsonOption,
    ModelDirOption,
    OutOption,
    SettingsOption,
    check_device,
    checked,
    given,
    parse_settings,
    parse_size,
)

if TYPE_CHECKING:
    from core.runs.kinds import PruneSpec


def command(
    model_dir: ModelDirOption,
    flops: Annotated[
        float,
        typer.Option(
            "--flops", metavar="SHARE", help="Share of the operations to remove, such as 0.3."
        ),
    ],
    out: OutOption,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Data set, to train on and to measure the result."
        ),
    ] = None,
    sensitivity: Annotated[
        Path | None,
        typer.Option(
            "--sensitivity",
            metavar="DIR",
            help="Result of the sensitivity command; without it, channels of the whole network "
            "are compared with each other.",
        ),
    ] = None,
    criterion: CriterionOption = None,
    finetune_epochs: Annotated[
        int | None,
        typer.Option("--finetune-epochs", metavar="N", min=0, help="Epochs to train on."),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", metavar="R")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", metavar="B", min=1)] = None,
    image_size: ImageSizeOption = None,
    settings: SettingsOption = None,
    device: DeviceOption = "auto",
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", min=0)] = None,
    json: JsonOption = False,
) -> None:
    """Remove channels from a trained network, and train the rest on if asked to.

    Repeat an interrupted command to go on with it.
    """
    from core.cli.compression_runs import print_result
    from core.cli.console import existing_folder
    from core.models.compression_records import check_prunable
    from core.models.model_folder import read_model_info
    from core.runs.kinds import PruneSpec
    from core.system.errors import InputError

    model = existing_folder(model_dir, option="--model-dir")
    info = read_model_info(model)
    check_prunable(info.pruning, info.quantization)
    fields: dict[str, Any] = parse_settings(settings or (), PruneSpec) | given(
        model_dir=model,
        flops=flops,
        criterion=criterion,
        sensitivity=None if sensitivity is None else _existing(sensitivity),
        finetune_epochs=finetune_epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        image_size=None if image_size is None else parse_size(image_size),
        device=check_device(device),
        seed=seed,
    )
    spec = checked(PruneSpec, fields)  # before every image is looked at
    if spec.finetune_epochs and data is None:
        raise InputError("--finetune-epochs needs --data: say which images to train on.")
    print_result(_run(out, data, spec), json=json)


def _run(out: Path, data: Path | None, spec: PruneSpec) -> dict[str, Any]:
    from core.cli.compression_runs import result_of, run_folder
    from core.cli.data_source import open_data
    from core.runs.batch_check import check_batch
    from core.runs.kind_lookup import job_kind

    if data is None:
        return result_of(run_folder(out, spec))
    with open_data(data, needed=job_kind(spec).subsets(spec)) as source:
        check_batch(spec, source.count("train"))
        place = source.place(out.absolute() / "dataset")
        run = run_folder(out, spec.model_copy(update={"data_dir": place}), source)
        return result_of(run)


def _existing(path: Path) -> Path:
    from core.system.errors import InputError

    if not path.exists():
        raise InputError("There is no sensitivity analysis {file}.", file=path)
    return path.absolute()
