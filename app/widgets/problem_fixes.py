"""From an error, or the failure of a job, to what is said of it and the buttons that help."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget

from app.look.translation import tr, trn
from app.services.context import AppContext
from app.services.image_fixes import ImageFixes
from app.widgets.dialogs import error_text
from app.widgets.problem_bar import Fix, Problem
from core.runs.events import Failed
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec
from core.system.errors import FilesError, InputError, MissingFilesError

_LOG_BYTES = 8000
#: Fields of specs that name a folder which a job reads, and which may have been moved.
_READ = ("model_dir", "export_dir", "folder", "resume")
_log = logging.getLogger(__name__)


def describe(
    error: BaseException | Failed, context: AppContext, owner: QWidget, *, run_id: str = ""
) -> Problem:
    """Return what to show of an error.

    Args:
        error: what was raised, or how the job failed.
        context: carries out what the buttons say.
        owner: parent of the folder dialogs.
        run_id: of the job that failed.
    """
    run = context.run_folder(run_id) if run_id else None
    return replace(
        plain_problem(error),
        name=context.run_name(run_id) if run_id else "",
        details=_details(error, run),
        fixes=tuple(_fixes(error, context, owner, run_id, run)),
    )


def plain_problem(error: BaseException | Failed) -> Problem:
    """Return what to show of an error where nothing but closing it can be done."""
    if isinstance(error, BaseException) and _is_bug(error):
        _log.error("unexpected error", exc_info=error)
    text, advice = error_text(error)
    return Problem(text, advice, details=_details(error, None))


def _fixes(
    error: BaseException | Failed,
    context: AppContext,
    owner: QWidget,
    run_id: str,
    run: RunFolder | None,
) -> list[Fix]:
    again = _again(error, context, run_id)
    is_writable = context.project is not None and not context.project.read_only
    found: list[Fix] = []
    files, is_missing = _files(error)
    if files and is_writable:
        images = ImageFixes(context)
        if is_missing:
            found.append(_locate_images(images, owner, files, again))
        found.append(_leave_out(images, files, again))
    elif run is not None and isinstance(error, Failed) and is_writable:
        found += _of_run(error, context, owner, run_id, run)
    if _is_bug(error):
        found.append(
            Fix(
                tr("Save a diagnostic bundle…"),
                context.diagnosis_requested.emit,
                tr("Logs, settings and versions in one file, without images"),
            )
        )
    return found


def _files(error: BaseException | Failed) -> tuple[list[Path], bool]:
    """Return the images that an error is about, and whether they are gone."""
    if isinstance(error, FilesError):
        return list(error.files), isinstance(error, MissingFilesError)
    if isinstance(error, Failed):
        return [Path(file) for file in error.files], error.files_problem == "missing"
    return [], False


def _is_bug(error: BaseException | Failed) -> bool:
    if isinstance(error, Failed):
        return error.kind == "bug"
    return not isinstance(error, (InputError, OSError))


def _again(
    error: BaseException | Failed, context: AppContext, run_id: str
) -> Callable[[], object] | None:
    """Return what begins once more the run that failed, or that could not be begun."""
    if run_id:
        return lambda: context.restart_run(run_id)
    fields = context.refused_fields(error)
    return None if fields is None else (lambda: context.start_run(fields))


def _leave_out(
    images: ImageFixes, files: Sequence[Path], again: Callable[[], object] | None
) -> Fix:
    count = len(files)
    if again is None:
        text = trn("Leave this image out", "Leave these {count} out", count)
    else:
        text = trn("Skip this image and go on", "Skip these {count} and go on", count)
    return Fix(
        text,
        lambda: images.leave_out(files, again),
        tr("They are taken out of all subsets; this can be undone"),
    )


def _locate_images(
    images: ImageFixes,
    owner: QWidget,
    files: Sequence[Path],
    again: Callable[[], object] | None,
) -> Fix:
    def ask() -> None:
        folder = ask_folder(owner, tr("Where are the images now?"), files[0])
        if folder is not None:
            images.locate(folder, again)

    return Fix(
        tr("Locate the folder…"),
        ask,
        tr("Choose where the images are now, or a folder above; all that are missing are found"),
    )


def _of_run(
    failed: Failed, context: AppContext, owner: QWidget, run_id: str, run: RunFolder
) -> list[Fix]:
    """Return what helps a job whose memory ran out, or whose folders were moved."""
    try:
        spec = run.spec
    except InputError:  # too damaged to be begun again
        return []
    if failed.kind == "oom":
        return _with_less(failed.advice_params, context, run_id)
    return [
        _locate_folder(context, owner, run_id, name, path)
        for name, path in _missing_folders(spec).items()
    ]


def _with_less(params: Mapping[str, Any], context: AppContext, run_id: str) -> list[Fix]:
    if "smaller" in params:
        batch = params["smaller"]
        text = tr("Try again with a batch of {count}", count=batch)
        changes: dict[str, Any] = {"batch_size": batch}
    elif "new_width" in params:
        size = params["new_width"], params["new_height"]
        text = tr("Try again with {width} × {height}", width=size[0], height=size[1])
        changes = {"image_size": size}
    else:
        return []
    return [Fix(text, lambda: context.restart_run(run_id, changes))]


def _missing_folders(spec: JobSpec) -> dict[str, Path]:
    """Return the fields of a spec that name a folder to read which is not there."""
    return {
        name: value
        for name, value in spec
        if name in _READ and isinstance(value, Path) and not value.exists()
    }


def _locate_folder(context: AppContext, owner: QWidget, run_id: str, name: str, path: Path) -> Fix:
    def ask() -> None:
        folder = ask_folder(owner, tr("Where is {folder} now?", folder=path.name), path)
        if folder is not None:
            context.restart_run(run_id, {name: folder})

    return Fix(
        tr("Locate the folder…"),
        ask,
        tr("{folder} is not there any more; choose where it is now", folder=path),
    )


def ask_folder(owner: QWidget, title: str, gone: Path) -> Path | None:
    """Ask where something is now, beginning at the nearest folder that is there."""
    start = next((place for place in gone.parents if place.is_dir()), Path.home())
    folder = QFileDialog.getExistingDirectory(owner, title, str(start))
    return Path(folder) if folder else None


def _details(error: BaseException | Failed, run: RunFolder | None) -> Callable[[], str] | None:
    files, _ = _files(error)
    listed = "\n".join(str(file) for file in files)
    if run is not None:
        return lambda: "\n\n".join(
            part for part in (listed, str(run.path), run.log_tail(_LOG_BYTES).strip()) if part
        )
    if isinstance(error, BaseException) and (_is_bug(error) or isinstance(error, OSError)):
        trace = "".join(traceback.format_exception(error))
        return lambda: trace
    return (lambda: listed) if len(files) > 1 else None
