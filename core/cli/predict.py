"""``predict``: label maps of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import DeviceOption, JsonOption, ModelDirOption

if TYPE_CHECKING:
    from core.model_folder import ModelInfo


def command(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE…", help="Images, or folders of images.")
    ],
    model_dir: ModelDirOption,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")],
    overlay: Annotated[
        bool, typer.Option(help="Also write NAME_overlay.jpg: the classes over the image.")
    ] = True,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Write one mask NAME.png (class indices, coloured) for each image; nothing is overwritten."""
    from core.cli.console import existing_folder, print_json
    from core.cli.jobs import job_result, temporary_run_folder
    from core.cli.options import check_device
    from core.jobs.run_folder import RunFolder
    from core.jobs.spec import PredictSpec
    from core.model_folder import read_model_info

    model = existing_folder(model_dir, option="--model-dir")
    info = read_model_info(model)
    chosen = find_images(images)
    _check_free(out, chosen, overlay=overlay)
    spec = PredictSpec(
        model_dir=model, images=chosen, out_dir=out.absolute(), device=check_device(device)
    )
    with temporary_run_folder("prediction") as run_dir:
        result = job_result(RunFolder.create(run_dir, spec).path)
    if overlay:
        masks = [Path(name) for name in result["files"]]
        result["overlays"] = write_overlays(chosen, masks, info)
    if json:
        print_json(result)
    else:
        for name in result["files"]:
            print(name)


def _check_free(out: Path, images: Iterable[Path], *, overlay: bool) -> None:
    """Refuse before the engine is started; what is written later checks for itself."""
    from core.errors import InputError

    if out.exists() and not out.is_dir():
        raise InputError("{file} is not a folder; choose another output folder.", file=out)
    for image in images:
        names = [f"{image.stem}.png", f"{image.stem}_overlay.jpg"]
        for name in names if overlay else names[:1]:
            if (out / name).exists():
                raise InputError(
                    "{file} already exists: choose another output folder.", file=out / name
                )


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Return the images named, and those inside folders named, each once, absolute.

    Raises:
        InputError: a path does not exist, or there is no image at all.
    """
    from natsort import natsorted

    from core.errors import InputError
    from core.images import IMAGE_SUFFIXES

    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = natsorted(
                one for one in path.iterdir() if one.suffix.lower() in IMAGE_SUFFIXES
            )
            if not inside:
                raise InputError("There are no images in {folder}.", folder=path)
            found.update(dict.fromkeys(one.absolute() for one in inside))
        elif path.is_file():
            found[path.absolute()] = None
        else:
            raise InputError("The image {file} does not exist.", file=path)
    return list(found)


def write_overlays(images: Sequence[Path], masks: Sequence[Path], info: ModelInfo) -> list[str]:
    """Write ``NAME_overlay.jpg`` beside each mask; returns their paths.

    Raises:
        InputError: an image cannot be read, or an overlay exists already.
    """
    from core.cli.jobs import count_progress
    from core.errors import InputError
    from core.images import default_palette, read_image, read_mask, write_image
    from core.inspection import background_class
    from core.report.pictures import paint_label_map

    palette = info.colors or default_palette(info.num_classes)
    background = background_class(info.labels)
    targets = [mask.with_name(f"{mask.stem}_overlay.jpg") for mask in masks]
    for target in targets:
        if target.exists():
            raise InputError("{file} already exists: choose another output folder.", file=target)
    with count_progress("drawing") as update:
        work = zip(images, masks, targets, strict=True)
        for done, (image, mask, target) in enumerate(work, 1):
            painted = paint_label_map(
                read_image(image), read_mask(mask), palette, background=background
            )
            write_image(target, painted)
            update(done, len(images))
    return [str(target) for target in targets]
