"""``quantize``: a network that computes in 8 bits."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.cli.shared_options import (
    DataOption,
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


def command(
    model_dir: ModelDirOption,
    data: DataOption,
    out: OutOption,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            min=0,
            help="Epochs to train the quantised network; without, only some images are looked at.",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="min_max|percentile|entropy",
            help="How ranges follow from the images looked at.",
        ),
    ] = None,
    calibration_images: Annotated[
        int | None,
        typer.Option(
            "--calibration-images", metavar="N", min=1, help="How many images are looked at."
        ),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", metavar="R")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", metavar="B", min=1)] = None,
    image_size: ImageSizeOption = None,
    settings: SettingsOption = None,
    device: DeviceOption = "auto",
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", min=0)] = None,
    json: JsonOption = False,
) -> None:
    """Make a trained network compute in 8 bits; export then writes an int8 file.

    Repeat an interrupted command to go on with it.
    """
    from core.cli.compression_runs import print_result, result_of, run_folder
    from core.cli.console import existing_folder
    from core.cli.data_source import open_data
    from core.models.model_folder import read_model_info
    from core.runs.batch_check import check_batch
    from core.runs.kinds import QuantizeSpec

    model = existing_folder(model_dir, option="--model-dir")
    read_model_info(model)
    fields: dict[str, Any] = parse_settings(settings or (), QuantizeSpec) | given(
        model_dir=model,
        epochs=epochs,
        method=method,
        calibration_images=calibration_images,
        learning_rate=learning_rate,
        batch_size=batch_size,
        image_size=None if image_size is None else parse_size(image_size),
        device=check_device(device),
        seed=seed,
    )
    checked(QuantizeSpec, {**fields, "data_dir": data})  # before every image is looked at
    with open_data(data, needed=("train", "val")) as source:
        place = source.place(out.absolute() / "dataset")
        spec = checked(QuantizeSpec, {**fields, "data_dir": place})
        check_batch(spec, source.count("train"))
        run = run_folder(out, spec, source)
        result = result_of(run)
    print_result(result, json=json)
