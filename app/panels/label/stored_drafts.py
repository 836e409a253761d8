"""What jobs have left of models' drafts: read in the background, rejected, and what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.services.background import BackgroundTasks, Progress
from app.services.context import AppContext
from core.annotation.draft import (
    DraftRecord,
    Prediction,
    read_prediction,
    read_records,
    read_rejected,
    write_rejected,
)
from core.annotation.draft_remainder import read_remainder, write_remainder
from core.annotation.edits import Pixels
from core.annotation.uncertainty import Uncertainty
from core.project import ImageRow, Project
from core.runs.events import Progress as JobProgress
from core.system.errors import InputError

_KIND = "draft"
_READ_MS = 1500


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """Where the newest draft of an image is."""

    run_dir: Path
    record: DraftRecord
    is_rejected: bool = False

    @property
    def uncertainty(self) -> Uncertainty | None:
        """How unsure the model was; None where it could not predict."""
        record = self.record
        if record.entropy is None or record.margin is None:
            return None
        return Uncertainty(record.entropy, record.margin)


@dataclass(frozen=True, slots=True)
class ReadDraft:
    """A prediction of an image.

    Attributes:
        image_id: of which one.
        prediction: what the model says.
        stored: where a job keeps it, None for one that was just asked for.
        rest: (H, W) pixels that were not accepted yet, None for all.
    """

    image_id: int
    prediction: Prediction
    stored: StoredDraft | None = None
    rest: Pixels | None = None


class StoredDrafts(QObject):
    """The newest draft of each image; follows the jobs that write them."""

    found = Signal()
    """Drafts of other images are known."""
    finished = Signal()
    """A job has drafted all its images."""

    def __init__(self, context: AppContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._project: Project | None = None
        self._stored: dict[int, StoredDraft] = {}
        self._uncertain: dict[int, Uncertainty] = {}
        self._tasks = BackgroundTasks(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_READ_MS)
        self._timer.timeout.connect(self.read)
        context.job_event.connect(self._on_job_event)
        context.run_state_changed.connect(self._on_run_state_changed)

    @property
    def busy(self) -> bool:
        """Whether something is read or written."""
        return self._tasks.busy

    @property
    def uncertain(self) -> dict[int, Uncertainty]:
        """How unsure the model was of each image; replaced, not changed, by another reading."""
        return self._uncertain

    def get(self, image_id: int) -> StoredDraft | None:
        """Return the newest draft of an image."""
        return self._stored.get(image_id)

    def set_project(self, project: Project | None) -> None:
        """Read the drafts of another project's runs."""
        self._tasks.cancel_and_wait()
        self._timer.stop()
        self._project = project
        self._stored, self._uncertain = {}, {}
        self.read()

    @Slot()
    def read(self) -> None:
        """Read what jobs have written."""
        project = self._project
        if project is None:
            return

        def work(progress: Progress) -> dict[int, StoredDraft]:
            found: dict[int, StoredDraft] = {}
            for run in project.runs(_KIND):  # newest first
                progress.check()
                rejected = read_rejected(run.folder)
                for record in read_records(run.folder):
                    if record.image_id is not None and record.entropy is not None:
                        draft = StoredDraft(run.folder, record, record.index in rejected)
                        found.setdefault(record.image_id, draft)
            return found

        self._tasks.start(
            work,
            on_done=self._on_read,
            on_failed=self._context.error_occurred.emit,
            key="records",
        )

    def load(
        self,
        row: ImageRow,
        stored: StoredDraft,
        *,
        on_done: Callable[[ReadDraft | None], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        """Read the draft of an image; the result is None if nothing of it is left."""
        self._tasks.start(
            lambda _progress: _read_draft(row, stored),
            on_done=on_done,
            on_failed=on_failed,
            key="draft",
        )

    def store_rest(self, stored: StoredDraft, rest: Pixels) -> None:
        """Write which pixels of a draft were not accepted yet."""
        self._tasks.start(
            lambda _progress: write_remainder(stored.run_dir, stored.record.index, rest),
            on_done=lambda _none: None,
            on_failed=self._context.error_occurred.emit,
            key="rest",
        )

    def reject(self, image_id: int) -> None:
        """Never show an image's newest draft again; a newer one will be shown."""
        project, stored = self._project, self._stored.get(image_id)
        if project is None or stored is None or stored.is_rejected:
            return
        self._stored[image_id] = replace(stored, is_rejected=True)
        if project.read_only:
            return
        try:
            write_rejected(stored.run_dir, stored.record.index)
        except OSError as error:
            self._context.error_occurred.emit(error)

    def shut_down(self) -> None:
        """Stop waiting, and wait for what is read or written."""
        self._project = None
        self._timer.stop()
        self._tasks.shut_down()

    def _on_read(self, stored: dict[int, StoredDraft]) -> None:
        if stored == self._stored:
            return
        self._stored = stored
        known = ((id_, one.uncertainty) for id_, one in stored.items())
        self._uncertain = {id_: one for id_, one in known if one is not None}
        self.found.emit()

    @Slot(str, object)
    def _on_job_event(self, run_id: str, event: object) -> None:
        if (
            isinstance(event, JobProgress)
            and event.stage == "predict"
            and not self._timer.isActive()
            and self._kind(run_id) == _KIND
        ):
            self._timer.start()

    @Slot(str, str)
    def _on_run_state_changed(self, run_id: str, state: str) -> None:
        if self._kind(run_id) == _KIND:
            self._timer.start()
            if state == "done":
                self.finished.emit()

    def _kind(self, run_id: str) -> str:
        try:
            return "" if self._project is None else self._project.run(int(run_id)).kind
        except KeyError:
            return ""


def _read_draft(row: ImageRow, stored: StoredDraft) -> ReadDraft | None:
    """Read what a job offers for an image; None if nothing of it is left.

    Raises:
        InputError: files are damaged or belong to another image.
    """
    record = stored.record
    if Path(record.image).name != row.path.name:
        raise InputError(
            "The draft in {folder} belongs to {image}, not to {other}: have the model draft the "
            "image again.",
            folder=stored.run_dir,
            image=record.image,
            other=row.path,
        )
    size, rest = (row.width, row.height), None
    if row.state == "draft":
        rest = read_remainder(stored.run_dir, record.index, size=size)
        if rest is None or not rest.any():
            return None  # a draft of another kind, or looked through
    return ReadDraft(row.id, read_prediction(stored.run_dir, record, size=size), stored, rest)
