"""From the fields of a job description to a run of a project that a worker can start on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.datasets import Subset
from core.project import Project, RunRow
from core.project.draft_models import network_name
from core.runs.run_folder import RunFolder, validation_problem
from core.runs.spec import JobSpec, spec_from_json
from core.system.errors import InputError


def prepare_run(project: Project, fields: Mapping[str, Any]) -> RunRow:
    """Freeze the dataset, reserve a run and write its folder.

    Args:
        project: whose images and masks.
        fields: those of a job's spec with ``kind``, without ``data_dir``.

    Raises:
        InputError: a subset is empty, a field is not valid, or there is no such model.
    """
    kind = str(fields["kind"])
    needed = _needed(kind, fields)
    revision = project.create_revision(needed=needed) if needed else None
    _spec(fields, Path("dataset"))  # before a run is spent on bad fields
    row = project.new_run(kind, _model_name(fields), revision=revision)
    try:
        run = RunFolder(row.folder)
        if revision is not None:
            revision.write_data_folder(run.dataset_dir)
        RunFolder.create(row.folder, _spec(fields, run.dataset_dir))
    except BaseException:
        project.delete_runs([row.id])
        raise
    return row


def _needed(kind: str, fields: Mapping[str, Any]) -> tuple[Subset, ...]:
    """Return the subsets that a job reads; none for one that needs no data set."""
    match kind:
        case "train" | "quantize":
            return ("train", "val")
        case "prune":
            return ("train", "val") if fields.get("finetune_epochs") else ("val",)
        case "evaluate" | "sensitivity" | "measure":
            return (fields.get("split", "val"),)
        case _:
            return ()


def _spec(fields: Mapping[str, Any], dataset_dir: Path) -> JobSpec:
    values = dict(fields)
    if _needed(str(values["kind"]), values):
        values["data_dir"] = dataset_dir
    try:
        return spec_from_json(json.dumps(values, default=_plain))
    except ValidationError as error:
        raise InputError(
            "The settings of the job are not valid: {problem}.", problem=validation_problem(error)
        ) from error


def _plain(value: object) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)


def _model_name(fields: Mapping[str, Any]) -> str:
    if "model" in fields:
        return str(fields["model"])
    return network_name(Path(str(fields["model_dir"])))
