"""Which file or folder is a model that can draft labels; needs no engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.models.model_folder import DESCRIPTION, exported_file, read_model_info
from core.models.model_verdict import read_verdict
from core.project import Project
from core.project.variants import ModelVariant, VariantKind, VariantReader, located
from core.runs.kinds import MeasureSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.files import read_yaml

_EXPORT_DIR = "export"


def check_model(model_dir: Path) -> None:
    """Raise ``InputError`` where there is plainly no model."""
    file = exported_file(model_dir)
    if file is None:
        read_model_info(model_dir)
    elif not file.is_file():
        raise InputError("{file} does not exist.", file=file)


def check_useful(model_dir: Path) -> None:
    """Refuse a model that was measured and found not usable.

    Raises:
        InputError: its drafts would cost more time than they save.
    """
    folder = model_dir
    if exported_file(model_dir) is not None:  # what it was exported from was measured
        export = model_dir if model_dir.is_dir() else model_dir.parent
        if not (export.parent / "spec.json").is_file():
            return
        made_from = (RunFolder(export.parent).result or {}).get("model_dir")
        if not isinstance(made_from, str):
            return
        folder = Path(made_from)
    verdict = read_verdict(folder)
    if verdict is not None and verdict.is_warning:
        raise InputError(
            "This model drafts nothing that helps. {reason} Label more and train again.",
            reason=str(verdict.summary),
        )


def network_name(model_dir: Path) -> str:
    """Return the class name of the network, or the file's name where it is not known.

    Raises:
        InputError: there is no model.
    """
    file = exported_file(model_dir)
    if file is None:
        return read_model_info(model_dir).name
    description = file.parent / DESCRIPTION
    content: Any = read_yaml(description) if description.is_file() else None
    name = content.get("model") if isinstance(content, dict) else None
    return name if isinstance(name, str) else file.stem


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model of a project that can draft labels.

    Attributes:
        variant: which one.
        path: what to run: an exported file where a job has left one, which is faster and needs
            less memory, or else the model folder.
    """

    variant: ModelVariant
    path: Path


def find_models(
    project: Project, reader: VariantReader, check: Callable[[], None] = lambda: None
) -> tuple[ModelChoice, ...]:
    """Return the trained and compressed models of a project, newest family first.

    Args:
        project: whose runs.
        reader: keeps what it read before.
        check: called between runs; may raise to give up.
    """
    exports: dict[Path, Path] = {}
    for run in project.runs("measure"):  # newest first
        check()
        spec, export = reader.spec(run), run.folder / _EXPORT_DIR
        if isinstance(spec, MeasureSpec) and run.state == "done" and exported_file(export):
            exports.setdefault(located(spec.model_dir, project), export)
    choices = []
    for variant in reader.read(project, check):
        own = variant.folder.parent / _EXPORT_DIR  # of the job that compressed it
        if variant.kind is not VariantKind.FLOAT and exported_file(own):
            exports.setdefault(variant.folder, own)
        choices.append(ModelChoice(variant, exports.get(variant.folder, variant.folder)))
    return tuple(choices)
