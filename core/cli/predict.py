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
    from core.system.errors import InputError


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


def find_images(paths: Iterable[Path], *, also: frozenset[str] = frozenset()) -> list[Path]:
    """Return the images named, and those inside folders named, each once, absolute.

    Args:
        paths: files and folders.
        also: other suffixes that are looked for in folders.

    Raises:
        InputError: a path does not exist, or there is no image at all.
    """
    from natsort import natsorted

    from core.images.io import IMAGE_SUFFIXES
    from core.system.errors import InputError
    from core.system.folders import is_hidden

    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            everything = list(path.iterdir())
            visible = [one for one in everything if not is_hidden(one.name)]
            inside = natsorted(
                (one for one in visible if one.suffix.lower() in IMAGE_SUFFIXES | also), key=str
            )
            _tell_unread(one for one in visible if one.suffix.lower() not in also)
            _tell_hidden(one for one in everything if is_hidden(one.name))
            if not inside:
                raise InputError("There are no images in {folder}.", folder=path)
            found.update(dict.fromkeys(one.absolute() for one in inside))
        elif path.is_file():
            found[path.absolute()] = None
        else:
            raise InputError("The image {file} does not exist.", file=path)
    return list(found)


def _tell_unread(files: Iterable[Path]) -> None:
    """Warn of pictures in formats that are not read."""
    from core.cli.console import err
    from core.images.io import UNREAD_SUFFIXES
    from core.system.messages import printable

    unread = sorted(one for one in files if one.suffix.lower() in UNREAD_SUFFIXES)
    if unread:
        text = f"warning: {len(unread)} files are in formats that are not read, such as "
        err().print(f"{text}{printable(unread[0].name)}", markup=False)


def _tell_hidden(files: Iterable[Path]) -> None:
    """Say how many hidden files were passed over that are called as images are."""
    from core.cli.console import err
    from core.images.io import IMAGE_SUFFIXES
    from core.system.messages import printable

    images = sorted(one for one in files if one.suffix.lower() in IMAGE_SUFFIXES)
    if images:
        text = f"{len(images)} hidden files are passed over, such as {printable(images[0].name)}"
        err().print(f"{text}; name one itself to have it predicted", markup=False)


def usable_images(images: list[Path]) -> tuple[list[Path], list[dict[str, str]]]:
    """Return the images whose names jobs can be told; warns of the others.

    Returns:
        The images, and the others as ``failed`` of the job's result has them.

    Raises:
        InputError: there is none.
    """
    from core.cli.console import err
    from core.system.folders import is_utf8
    from core.system.messages import printable

    usable = [image for image in images if is_utf8(image)]
    other = [image for image in images if not is_utf8(image)]
    if other and not usable:
        raise _misnamed(other[0])
    failed = []
    for image in other:
        name = printable(str(image))
        err().print(f"warning: {name} is left out: its name is not UTF-8; rename it", markup=False)
        failed.append({"image": name, "problem": str(_misnamed(image))})
    return usable, failed


def _misnamed(image: Path) -> InputError:
    from core.system.errors import InputError

    return InputError("The name of {file} is not UTF-8; rename it.", file=image)


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
