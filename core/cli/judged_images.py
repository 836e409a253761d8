"""``predict --judge``: what an exported model decides about images and videos."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import typer

from core.cli.console import complain, err, print_json
from core.cli.environment import EXIT_BAD_INPUT
from core.cli.given_images import find_images, usable_images
from core.cli.job_runner import count_progress
from core.cli.shared_options import check_device, existing_model
from core.deploy.opening import open_export
from core.images.io import read_image
from core.jobs.prediction_files import check_targets, overlay_path, prediction_paths
from core.portable.judging import Judgement
from core.portable.line_predictor import LinePredictor
from core.portable.portable_error import PortableError
from core.portable.result_files import IMAGES_TABLE, OBJECTS_TABLE, RESULTS, ResultFiles
from core.portable.rules import parse_rules
from core.portable.settings import Settings, pixel_size
from core.portable.sources import VIDEO_SUFFIXES, ImageSource
from core.system.device_choice import parse_device
from core.system.errors import InputError, portable_errors
from core.system.files import read_text, require_writable
from core.system.messages import message, printable

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingOptions:
    """What ``predict`` was asked for besides model and images."""

    out: Path
    overlay: bool
    overwrite: bool
    thresholds: bool
    rules: Path | None
    pixel_size: float | None
    every: int
    device: str


@dataclass(frozen=True, slots=True)
class _Picture:
    """An image, or why there is none; ``mask`` is where its mask goes."""

    name: str
    mask: Path
    image: Image | None
    error: ValueError | None = None


def judge_images(
    model_dir: Path, images: Sequence[Path], options: JudgingOptions, *, json: bool
) -> None:
    """Judge images and videos, write what is said of them, and print it.

    Raises:
        InputError: the model is no export, an option is wrong, or files are in the way.
        typer.Exit: an image could not be judged.
    """
    judge = open_export(existing_model(model_dir))
    if any(name.startswith("gpu") for name in parse_device(check_device(options.device)).names):
        err().print("warning: exported models compute on the processor here", markup=False)
    settings = _settings(judge, options)
    files, misnamed = usable_images(find_images(images, also=VIDEO_SUFFIXES))
    _check_free(files, options)
    facts = {
        "model": judge.manifest.model,
        "labels": list(judge.manifest.labels),
        "revision": judge.manifest.revision,
        "settings": settings.to_dict(),
    }
    judged: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    started = time.monotonic()
    with (
        portable_errors(),
        ResultFiles(
            options.out, judge.manifest, facts=facts, overlays=options.overlay, beside=True
        ) as results,
        count_progress("judging") as update,
    ):
        for done, picture in enumerate(_pictures(files, options), 1):
            try:
                if picture.image is None:
                    raise picture.error or InputError("{file} is no image.", file=picture.name)
                judgement = judge.judge(picture.image, settings=settings)
            except (InputError, PortableError) as error:
                results.add_error(picture.name, error)
                failed.append({"image": picture.name, "problem": str(error)})
                problem = printable(str(error))
                where = "" if picture.name in problem else f"{picture.name}: "
                err().print(f"warning: {where}{problem}", markup=False)
                continue
            results.add(picture.name, picture.image, judgement, stem=picture.mask.stem)
            judged.append(_told(picture, judgement, options))
            if not json:
                print(_line(picture.name, judgement), flush=True)
            update(done, max(done, len(files)))
    failed += misnamed
    if json:
        seconds = time.monotonic() - started
        print_json(
            {
                "out_dir": str(options.out),
                "images": len(judged),
                "files": [one["mask"] for one in judged],
                "overlays": [one["overlay"] for one in judged if one["overlay"]],
                "results": str(options.out / RESULTS),
                "tables": [str(options.out / name) for name in (IMAGES_TABLE, OBJECTS_TABLE)],
                "counts": results.counts,
                "judged": judged,
                "failed": failed,
                "seconds": seconds,
                "images_per_second": len(judged) / max(seconds, 1e-9),
            }
        )
    else:
        counts = ", ".join(f"{count} {name}" for name, count in results.counts.items() if count)
        print(counts or "no images")
    if failed:
        complain(
            str(
                message(
                    "{count} {count:image|images} could not be judged, see above; put them right "
                    "and repeat the command with --overwrite",
                    count=len(failed),
                )
            )
        )
        raise typer.Exit(EXIT_BAD_INPUT)


def _settings(judge: LinePredictor, options: JudgingOptions) -> Settings:
    """Return the export's settings with what the command line changes."""
    labels, background = judge.labels, judge.manifest.background
    with portable_errors():
        settings = judge.settings
        if options.pixel_size is not None:
            settings = replace(settings, pixel_size_mm=pixel_size(options.pixel_size))
        if options.rules is not None:
            lines = read_text(options.rules).splitlines()
            settings = replace(settings, rules=parse_rules(lines, labels, background=background))
        if options.thresholds:
            settings = replace(settings, thresholds=True)
        settings.check()
    return settings


def _check_free(files: Sequence[Path], options: JudgingOptions) -> None:
    """Refuse before anything is computed; frames of videos are looked at as they come."""
    if options.out.exists() and not options.out.is_dir():
        raise InputError("{file} is not a folder; choose another output folder.", file=options.out)
    masks = _masks(files, options.out)
    targets = [mask for file, mask in masks.items() if not _is_video(file)]
    if options.overlay:
        targets += [overlay_path(mask) for mask in targets]
    targets += [options.out / name for name in (RESULTS, IMAGES_TABLE, OBJECTS_TABLE)]
    check_targets(targets, files, overwrite=options.overwrite)
    require_writable(options.out)


def _masks(files: Sequence[Path], out: Path) -> dict[Path, Path]:
    return dict(zip(files, prediction_paths(files, out), strict=True))


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in VIDEO_SUFFIXES


def _pictures(files: Sequence[Path], options: JudgingOptions) -> Iterator[_Picture]:
    for file, mask in _masks(files, options.out).items():
        if _is_video(file):
            yield from _frames(file, mask, options)
            continue
        try:
            yield _Picture(str(file), mask, read_image(file))
        except InputError as error:
            yield _Picture(str(file), mask, None, error)


def _frames(file: Path, mask: Path, options: JudgingOptions) -> Iterator[_Picture]:
    with ImageSource([str(file)], every=options.every) as source:
        for frame in source:
            number = frame.name.rpartition("#")[2]
            target = mask.with_name(f"{mask.stem}_{number}{mask.suffix}")
            if frame.image is not None:
                targets = [target, overlay_path(target)] if options.overlay else [target]
                check_targets(targets, [file], overwrite=options.overwrite)
            yield _Picture(frame.name, target, frame.image, frame.error)


def _told(picture: _Picture, judgement: Judgement, options: JudgingOptions) -> dict[str, Any]:
    return {
        "image": picture.name,
        "outcome": judgement.outcome,
        "reasons": [str(one) for one in judgement.reasons],
        "objects": len(judgement.objects),
        "mask": str(picture.mask),
        "overlay": str(overlay_path(picture.mask)) if options.overlay else None,
    }


def _line(name: str, judgement: Judgement) -> str:
    reasons = "; ".join(str(one) for one in judgement.reasons)
    return f"{name}: {judgement.outcome}{f' – {reasons}' if reasons else ''}"
