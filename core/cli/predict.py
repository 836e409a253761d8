"""``predict``: label maps of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.environment import EXIT_BAD_INPUT
from core.cli.shared_options import AnyModelOption, DeviceOption, JsonOption, ThresholdsOption

if TYPE_CHECKING:
    from core.models.model_folder import ModelInfo


def command(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE…", help="Images, or folders of images.")
    ],
    model_dir: AnyModelOption,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")],
    overlay: Annotated[
        bool, typer.Option(help="Also write NAME_overlay.jpg: the classes over the image.")
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace masks and overlays that exist.")
    ] = False,
    thresholds: ThresholdsOption = False,
    judge: Annotated[
        bool,
        typer.Option(
            "--judge",
            help="Of an export: also decide about each image, by the export's rules; writes "
            "results.csv, objects.csv and results.json. Videos are judged frame by frame.",
        ),
    ] = False,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules", metavar="FILE", help="Judge by the rules in this text file, one a line."
        ),
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option("--pixel-size", metavar="MM", help="Judge with this side of a pixel."),
    ] = None,
    every: Annotated[
        int, typer.Option("--every", metavar="N", min=1, help="Take every Nth frame of videos.")
    ] = 1,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Write one mask NAME.png (class indices, coloured) for each image.

    An image that cannot be read does not stop the others; the exit code is 2 then. Of folders,
    files that systems hide, such as ._a.png, are passed over, and counted.
    """
    if judge or rules is not None or pixel_size is not None:
        from core.cli.judged_images import JudgingOptions, judge_images

        options = JudgingOptions(
            out=out.absolute(),
            overlay=overlay,
            overwrite=overwrite,
            thresholds=thresholds,
            rules=rules,
            pixel_size=pixel_size,
            every=every,
            device=device,
        )
        judge_images(model_dir, images, options, json=json)
        return
    from core.cli.console import complain, print_json
    from core.cli.given_images import find_images, usable_images
    from core.cli.job_runner import job_result, temporary_run_folder
    from core.cli.shared_options import check_device, existing_model
    from core.prediction.exported_model import read_any_info
    from core.runs.kinds import PredictSpec
    from core.runs.run_folder import RunFolder

    _refuse_videos(images)
    model = existing_model(model_dir)
    info = read_any_info(model)
    chosen, misnamed = usable_images(find_images(images))
    _check_free(out.absolute(), chosen, overlay=overlay, overwrite=overwrite)
    spec = PredictSpec(
        model_dir=model,
        images=chosen,
        out_dir=out.absolute(),
        overwrite=overwrite,
        thresholds=thresholds,
        device=check_device(device),
    )
    with temporary_run_folder("prediction") as run_dir:
        result = job_result(RunFolder.create(run_dir, spec).path)
    failed = {Path(one["image"]) for one in result["failed"]}
    if overlay:
        predicted = [image for image in chosen if image not in failed]
        masks = [Path(name) for name in result["files"]]
        result["overlays"] = write_overlays(predicted, masks, info, overwrite=overwrite)
    result["failed"] += misnamed
    if json:
        print_json(result)
    else:
        for name in result["files"]:
            print(name)
    if result["failed"]:
        complain(
            f"{len(result['failed'])} of {len(chosen) + len(misnamed)} images could not be "
            "predicted, see above; put them right and repeat the command with --overwrite"
        )
        raise typer.Exit(EXIT_BAD_INPUT)


def _refuse_videos(paths: Iterable[Path]) -> None:
    from core.portable.sources import VIDEO_SUFFIXES
    from core.system.errors import InputError

    for path in paths:
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
            raise InputError(
                "{file} is a video: exported models take videos, with --judge.", file=path
            )


def _check_free(out: Path, images: Sequence[Path], *, overlay: bool, overwrite: bool) -> None:
    """Refuse before the engine is started; what is written later checks for itself."""
    from core.jobs.prediction_files import check_targets, overlay_path, prediction_paths
    from core.system.errors import InputError
    from core.system.files import require_writable

    if out.exists() and not out.is_dir():
        raise InputError("{file} is not a folder; choose another output folder.", file=out)
    targets = prediction_paths(images, out)
    if overlay:
        targets += [overlay_path(mask) for mask in targets]
    check_targets(targets, images, overwrite=overwrite)
    require_writable(out)


def write_overlays(
    images: Sequence[Path], masks: Sequence[Path], info: ModelInfo, *, overwrite: bool = False
) -> list[str]:
    """Write ``NAME_overlay.jpg`` beside each mask; returns their paths.

    Raises:
        InputError: an image cannot be read, or an overlay exists already.
    """
    from core.cli.job_runner import count_progress
    from core.images.io import read_image, read_mask, write_image
    from core.images.palette import default_palette
    from core.jobs.prediction_files import check_targets, overlay_path
    from core.prediction.inspection import background_class
    from core.report.example_pictures import paint_label_map

    palette = info.colors or default_palette(info.num_classes)
    background = background_class(info.labels)
    targets = [overlay_path(mask) for mask in masks]
    check_targets(targets, images, overwrite=overwrite)
    with count_progress("drawing") as update:
        work = zip(images, masks, targets, strict=True)
        for done, (image, mask, target) in enumerate(work, 1):
            painted = paint_label_map(
                read_image(image), read_mask(mask), palette, background=background
            )
            write_image(target, painted)
            update(done, len(images))
    return [str(target) for target in targets]
