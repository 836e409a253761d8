"""From the fields of a job description to a run of a project that a worker can start on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.project import Project, RunRow
from core.project.draft_models import network_name
from core.project.revision import Revision
from core.runs.batch_check import check_batch
from core.runs.kind_lookup import find_kind, job_kind, spec_from_json
from core.runs.kinds import BenchmarkSpec, TrainSpec, WatchSpec
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec, ModelJobSpec
from core.runs.spec_errors import validation_problem
from core.system.errors import InputError, MissingFilesError, named


def prepare_run(
    project: Project, fields: Mapping[str, Any], *, revision: Revision | None = None
) -> RunRow:
    """Freeze the dataset, reserve a run and write its folder.

    Args:
        project: whose images and masks.
        fields: those of a job's spec with ``kind``, without ``data_dir``.
        revision: an earlier data set to take instead of the present one.

    Raises:
        InputError: a subset is empty or smaller than a batch, a field is not valid, or there is no
            such model.
        MissingFilesError: images or masks are gone; all of them are named.
    """
    spec = _checked(fields)  # before a run is spent on bad fields
    kind = job_kind(spec)
    needed = kind.subsets(spec)
    if not needed:
        revision = None
    elif revision is None:
        revision = project.create_revision(needed=needed)
    if revision is not None:
        check_batch(spec, revision.counts["train"])
        _check_files(revision)
    origin = project.run_with(spec.model_dir) if isinstance(spec, ModelJobSpec) else None
    row = project.new_run(
        kind.name,
        _network(spec),
        revision=revision,
        parent=None if origin is None else origin.id,
        name=_subject(spec) if origin is None else origin.name,
    )
    try:
        run = RunFolder(row.folder)
        if revision is not None:
            revision.write_data_folder(run.dataset_dir)
            spec = spec.model_copy(update={"data_dir": run.dataset_dir})
        elif kind.reads_data:  # it could, and this time it does not
            spec = spec.model_copy(update={"data_dir": None})
        RunFolder.create(row.folder, spec)
    except BaseException:
        project.drop_run(row.id)
        raise
    return row


def _check_files(revision: Revision) -> None:
    """Name everything that is gone before a worker is started, which would name the first."""
    gone = [item for item in revision.items if not item.image.is_file()]
    if gone:
        images = [item.image for item in gone]
        raise MissingFilesError(
            "Images of the project are not where they were ({count}): {names}. Locate their "
            "folder, or leave them out.",
            count=len(images),
            names=named(images),
            files=images,
        )
    masks = [item for item in revision.items if not item.mask.is_file()]
    if masks:
        images = [item.image for item in masks]
        raise MissingFilesError(
            "Masks of the project are gone ({count}), those of {names}. Restore its folder “masks” "
            "from a backup, or leave the images out.",
            count=len(images),
            names=named(images),
            files=images,
        )


def _checked(fields: Mapping[str, Any]) -> JobSpec:
    values = dict(fields)
    kind = find_kind(str(values["kind"]))
    if kind is not None and kind.reads_data:
        values["data_dir"] = Path("dataset")  # not known yet
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


def _subject(spec: JobSpec) -> str | None:
    """Return what a job is called that is about no model of the project."""
    match spec:
        case WatchSpec():
            return spec.folder.name
        case BenchmarkSpec():
            return ", ".join(dict.fromkeys(export.name for export in spec.exports))
    return None


def _network(spec: JobSpec) -> str:
    """Return the network's name; empty for a job that is about none."""
    match spec:
        case TrainSpec():
            return spec.model
        case ModelJobSpec():
            return network_name(spec.model_dir)
    return ""
