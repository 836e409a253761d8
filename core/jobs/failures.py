"""What went wrong, in a sentence for the user, and what to do about it."""

from __future__ import annotations

import errno
import re
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
from pydantic import ValidationError

from core.data.broken_images import name_all
from core.portable.portable_error import PortableError
from core.runs.events import Failed, FailureKind, Heartbeat
from core.runs.kind_lookup import job_kind
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec, TrainingFields
from core.runs.spec_errors import validation_problem
from core.system.errors import FilesError, InputError, MissingFilesError, UnreadableFilesError
from core.system.files import is_disk_full, storage_problem
from core.system.gpu_environment.environment_folders import switched_on
from core.system.messages import Message, message
from core.system.reporting import StopRequested

_MIN_SIDE = 64
_OOM_TEXT = re.compile(
    r"out of memory|ResourceExhausted|bad_alloc|cudaErrorMemoryAllocation|ALLOC_FAILED"
    r"|cannot allocate memory|can't allocate memory|(unable|failed?) to alloc|insufficient memory",
    re.IGNORECASE,
)
#: Exit codes that Task Manager and ``psutil`` give to what they end.
_WINDOWS_KILLS = frozenset({1, int(signal.SIGTERM)})
_DISK_FULL_TEXT = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


def classify(
    error: BaseException,
    *,
    spec: JobSpec | None,
    run_dir: Path,
    check: Callable[[], object] = lambda: None,
) -> Failed:
    """Turn an exception of a job into the event that tells the user.

    Where an image cannot be read, all others are read as well: they are named at once.

    Args:
        error: what was raised.
        spec: what the job was asked; None where that is not known.
        run_dir: its folder.
        check: called often while images are read; ``StopRequested`` ends that.
    """
    chain = _chain(error)
    for link in chain:
        if isinstance(link, PortableError):
            link = InputError.from_portable(link)
        if isinstance(link, FilesError):
            return _about_files(_complete(link, spec, check))
        if isinstance(link, InputError):
            return make_failed("bad_input", link.message)
        if isinstance(link, ValidationError):
            return make_failed(
                "bad_input",
                message(
                    "The job description is not valid: {problem}.", problem=validation_problem(link)
                ),
            )
    for link in chain:
        if isinstance(link, OSError) and is_disk_full(link):
            return _disk_full(Path(link.filename) if link.filename else run_dir)
        if isinstance(link, OSError) and (problem := storage_problem(link)) is not None:
            return make_failed("bad_input", problem.message)
    if any(_is_oom(link) for link in chain):
        return out_of_memory(spec)
    if any(_DISK_FULL_TEXT.search(str(link)) for link in chain):
        return _disk_full(run_dir)
    return make_failed(
        "bug",
        message(
            "The job stopped with an unexpected error ({error}).",
            error=f"{type(error).__name__}: {_one_line(str(error))}",
        ),
        message("Details are in {log}.", log=RunFolder(run_dir).log_path),
    )


def _complete(error: FilesError, spec: JobSpec | None, check: Callable[[], object]) -> FilesError:
    data_dir = getattr(spec, "data_dir", None)  # not every kind has one, or needs one
    if data_dir is None or not isinstance(error, UnreadableFilesError):
        return error
    try:
        return name_all(error, data_dir, check=check)
    except StopRequested:  # the first one is enough then
        return error


def _about_files(error: FilesError) -> Failed:
    return replace(
        make_failed("bad_input", error.message),
        files_problem="missing" if isinstance(error, MissingFilesError) else "unreadable",
        files=[str(file) for file in error.files],
    )


def out_of_memory(spec: JobSpec | None) -> Failed:
    """The failure for memory that ran out, with advice that fits the job."""
    return make_failed("oom", message("The memory was not enough for this job."), _relief(spec))


def worker_died(
    exitcode: int, run: RunFolder, *, spec: JobSpec | None, oom_kills: int = 0
) -> Failed:
    """The failure of a worker that ended without a word.

    Args:
        exitcode: as ``multiprocessing`` gives it; ``-N`` for signal N.
        run: its run folder; the last heartbeat and the log are looked at.
        spec: what it was asked to do.
        oom_kills: how many processes the system killed for memory while the worker ran.
    """
    killed = {-getattr(signal, name) for name in ("SIGKILL", "SIGTERM") if hasattr(signal, name)}
    if sys.platform == "win32" and run.heartbeat is not None:  # before it, 1 is a failed start
        killed |= _WINDOWS_KILLS
    if exitcode == -getattr(signal, "SIGKILL", 0) and (oom_kills or _was_short(run.heartbeat)):
        return out_of_memory(spec)
    if exitcode not in killed and _OOM_TEXT.search(run.log_tail(4096)):
        return out_of_memory(spec)
    if exitcode in killed:
        advice = (
            message("Resume it from the last checkpoint.")
            if run.last_checkpoint
            else message("Start it again.")
        )
        return make_failed("killed", message("The job was ended from outside."), advice)
    return make_failed(
        "bug",
        message("The job's process crashed (exit code {exitcode}).", exitcode=exitcode),
        _crash_advice(run, spec),
    )


def _crash_advice(run: RunFolder, spec: JobSpec | None) -> Message:
    uses_gpu = spec is not None and not spec.device.startswith("cpu") and switched_on() is not None
    if uses_gpu:
        return message(
            "Details are in {log}. Should it happen on the GPU only, go back to the processor in "
            "the settings, or by the command gpu off.",
            log=run.log_path,
        )
    return message("Details are in {log}.", log=run.log_path)


def oom_kill_count() -> int:
    """How many processes this system has killed for memory; 0 where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def make_failed(kind: FailureKind, what: Message, advice: Message | None = None) -> Failed:
    """``Failed`` with both sentences, as text and for translation."""
    return Failed(
        kind=kind,
        message=str(what),
        advice=str(advice) if advice else "",
        template=what.template,
        params=dict(what.params),
        advice_template=advice.template if advice else "",
        advice_params=dict(advice.params) if advice else {},
    )


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _is_oom(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    if isinstance(error, OSError):  # its text may name a file
        return error.errno == errno.ENOMEM
    return bool(_OOM_TEXT.search(str(error)))


def _relief(spec: JobSpec | None) -> Message:
    batch = getattr(spec, "batch_size", 0)
    if batch >= 4:  # batch norm learns nothing from a batch of one
        return message(
            "Lower the batch size from {batch} to {smaller}.", batch=batch, smaller=batch // 2
        )
    if isinstance(spec, TrainingFields) and spec.image_size is not None:
        width, height = spec.image_size
        return message(
            "Lower the image size from {width}x{height} to {new_width}x{new_height}.",
            width=width,
            height=height,
            new_width=_shrink(width),
            new_height=_shrink(height),
        )
    advice = None if spec is None else job_kind(spec).memory_advice
    return advice or message("Close other programs and try again.")


def _shrink(side: int) -> int:
    return max(_MIN_SIDE, side * 3 // 4 // 32 * 32)


def _disk_full(place: Path) -> Failed:
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free // 2**20
    return make_failed(
        "disk_full",
        # The unfinished file is gone by now, so the disk may have room again.
        message(
            "The disk that holds {path} ran out of room while writing; without the unfinished "
            "file it has {free} MiB free.",
            path=place,
            free=free,
        ),
        message("Make more room than that, then resume."),
    )


def _was_short(heartbeat: Heartbeat | None) -> bool:
    if heartbeat is None or heartbeat.available is None:
        return False
    return heartbeat.available < psutil.virtual_memory().total // 20


def _one_line(text: str, limit: int = 200) -> str:
    # Engine errors are pages of C++ frames; their last line says what went wrong.
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[-1] if lines else ""
    return line if len(line) <= limit else line[: limit - 1] + "…"
