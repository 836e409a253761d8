"""``rules``: what an exported model decides by, and what that comes to."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from core.cli.shared_options import JsonOption

if TYPE_CHECKING:
    from core.deploy.rule_effect import Effect
    from core.portable.line_predictor import LinePredictor
    from core.portable.settings import Settings


def command(
    export: Annotated[
        Path, typer.Option("--export", metavar="DIR", help="Folder that an export wrote.")
    ],
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="TEXT",
            help='Decide by this, such as "any Crack longer than 2 mm -> reject"; may be given '
            "several times, and replaces the rules that there are.",
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FILE", help="Rules from a text file, one a line."),
    ] = None,
    no_rules: Annotated[
        bool, typer.Option("--no-rules", help="Remove all rules: any object rejects then.")
    ] = False,
    pixel_size: Annotated[
        float | None,
        typer.Option("--pixel-size", metavar="MM", help="Side of a pixel; 0 for not known."),
    ] = None,
    minimum_area: Annotated[
        list[str] | None,
        typer.Option(
            "--minimum-area",
            metavar="[CLASS=]AREA",
            help="Smaller objects count as nothing: Crack=0.5mm2, or 20px2 for all other classes.",
        ),
    ] = None,
    fill_holes: Annotated[
        list[str] | None,
        typer.Option(
            "--fill-holes", metavar="[CLASS=]AREA", help="Holes in objects up to this are filled."
        ),
    ] = None,
    inconclusive_below: Annotated[
        float | None,
        typer.Option(
            "--inconclusive-below",
            metavar="SCORE",
            help="Objects of a lower mean score cannot reject, but make an image inconclusive; 0 "
            "for none.",
        ),
    ] = None,
    thresholds: Annotated[
        bool | None,
        typer.Option(
            "--thresholds/--no-thresholds", help="Choose classes by the model's own thresholds."
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            "--regions",
            metavar="FILE",
            help="Image of the same size as those that are judged: what is not 0 is inspected.",
        ),
    ] = None,
    dont_care: Annotated[
        Path | None,
        typer.Option(
            "--dont-care", metavar="FILE", help="The same, of what is not to be inspected."
        ),
    ] = None,
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Forget regions and don't-care areas.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Also tell what this comes to on labelled images: a folder with lists, or a "
            "project.",
        ),
    ] = None,
    split: Annotated[
        Literal["train", "val", "test"], typer.Option("--split", help="Which subset.")
    ] = "val",
    try_only: Annotated[
        bool, typer.Option("--try", help="Change nothing in the export; with --data.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show or change the rules of an exported model, and what else decides.

    Without options that change something, it only tells.
    """
    from core.cli.console import existing_folder, print_json
    from core.deploy.export_settings import remember_settings
    from core.deploy.opening import open_export
    from core.system.errors import InputError

    folder = existing_folder(export, option="--export")
    predictor = open_export(folder)
    if no_rules and (rule or rules is not None):
        raise InputError("--no-rules and other rules exclude each other.")
    texts = None if not (rule or rules is not None or no_rules) else _texts(rule or (), rules)
    changes: dict[str, Any] = {
        "rules": texts,
        "pixel_size_mm": pixel_size,
        "minimum_area": _areas(minimum_area),
        "fill_holes": _areas(fill_holes),
        "inconclusive_below": inconclusive_below,
        "thresholds": thresholds,
        "regions_file": regions,
        "dont_care_file": dont_care,
    }
    if whole_image:
        changes |= {"regions": [], "dont_care": []}
    changes = {name: value for name, value in changes.items() if value is not None}
    with tempfile.TemporaryDirectory(prefix="maskwright-") as temporary:
        settings = _changed(predictor, folder, changes, Path(temporary))
        effect = None if data is None else _effect(predictor, settings, data, split)
        if changes and not try_only:
            remember_settings(folder, settings)
    if json:
        print_json(
            {
                "export": str(folder),
                "changed": bool(changes) and not try_only,
                **settings.to_dict(),
                "effect": None if effect is None else {"split": split, **effect.to_dict()},
            }
        )
        return
    _print(settings, effect)


def _texts(rule: Sequence[str], file: Path | None) -> list[str]:
    from core.system.files import read_text

    return [*rule, *([] if file is None else read_text(file).splitlines())]


def _areas(texts: Sequence[str] | None) -> dict[str, str] | None:
    """Turn ``CLASS=AREA`` into areas by class name; ``*`` for an area alone."""
    if texts is None:
        return None
    pairs = [text.rpartition("=") for text in texts]
    return {name.strip() or "*": area.strip() for name, _, area in pairs}


def _changed(
    predictor: LinePredictor, folder: Path, changes: dict[str, Any], temporary: Path
) -> Settings:
    from core.deploy.export_settings import region_file
    from core.portable.settings import Settings
    from core.system.errors import portable_errors

    with portable_errors():
        settings = predictor.settings
    if not changes:
        return settings
    content, changes = settings.to_dict(), dict(changes)
    for name in ("minimum_area", "fill_holes"):
        if name in changes:
            merged = {**content[name], **changes[name]}
            changes[name] = {key: area for key, area in merged.items() if area not in ("0", "")}
    for name in ("pixel_size_mm", "inconclusive_below"):
        if changes.get(name) == 0:
            changes[name] = None
    whole = {"regions_file": None, "dont_care_file": None}
    kept = whole if "regions" in changes else {}
    new = {name: changes.pop(name, None) for name in ("regions_file", "dont_care_file")}
    with portable_errors():
        settings = Settings.from_dict(
            {**content, **kept, **changes},
            labels=predictor.labels,
            background=predictor.manifest.background,
            folder=folder,
        )
    area = settings.area
    if (regions := new["regions_file"]) is not None:
        area = replace(area, regions_file=region_file(regions, temporary / "regions.png"))
    if (dont_care := new["dont_care_file"]) is not None:
        area = replace(area, dont_care_file=region_file(dont_care, temporary / "dont_care.png"))
    return replace(settings, area=area)


def _effect(
    predictor: LinePredictor, settings: Settings, data: Path, split: Literal["train", "val", "test"]
) -> Effect:
    from core.cli.data_source import open_data
    from core.cli.job_runner import count_progress
    from core.datasets import open_data_folder
    from core.deploy.rule_effect import measure_effect
    from core.system.errors import portable_errors

    with (
        open_data(data, needed=(split,)) as source,
        count_progress("judging") as update,
        portable_errors(),
    ):
        dataset = open_data_folder(source.folder).dataset(split)
        return measure_effect(predictor, dataset, settings, progress=update).judge(settings)


def _print(settings: Settings, effect: Effect | None) -> None:
    from rich.table import Table

    from core.cli.console import out
    from core.portable.deciding import OUTCOMES

    console = out()
    if not settings.rules:
        console.print("no rules: any object rejects", markup=False)
    for rule in settings.rules:
        console.print(str(rule), markup=False)
    for name, value in settings.to_dict().items():
        if name != "rules" and value not in (None, {}, []):
            console.print(f"{name.replace('_', ' ')}: {_spoken(value)}", markup=False)
    if effect is None:
        return
    table = Table("images", *OUTCOMES, title="what the rules come to")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, is_defective in (("good", False), ("defective", True)):
        counts = effect.counts(defective=is_defective)
        table.add_row(name, *(str(counts[outcome]) for outcome in OUTCOMES))
    console.print(table)
    for title, images in (("missed", effect.missed), ("false rejects", effect.false_rejects)):
        console.print(f"{title}: {len(images)}", markup=False)
        for one in images[:20]:
            reasons = "; ".join(str(reason) for reason in one.reasons)
            console.print(f"  {one.name}{f' – {reasons}' if reasons else ''}", markup=False)
        if len(images) > 20:
            console.print(f"  … and {len(images) - 20} more; --json names all", markup=False)


def _spoken(value: Any) -> str:
    if isinstance(value, dict):
        # "*" stands for those that are not named
        others = "other classes" if len(value) > 1 else "all classes"
        return ", ".join(f"{others if k == '*' else k} {one}" for k, one in value.items())
    return str(value)
