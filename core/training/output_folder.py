"""The folder a training writes: model folders, which stay and which go."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from core.models.model_folder import STATE, SUCCESS
from core.system.errors import InputError
from core.system.files import make_folder, recover_folder, replace_folder_atomic
from core.training.checkpoint import TrainingState, read_training_state

#: Locked while a training writes here; the lock of a run folder is the worker's, which trains.
_LOCK = "training.lock"
_EPOCH = re.compile(r"epoch_(\d+)")


class OutputFolder:
    """``save_dir`` of a training.

    Args:
        folder: made if missing.
        keep_epochs: how many of the newest ``epoch_N`` stay; None keeps all.
    """

    def __init__(self, folder: Path, *, keep_epochs: int | None) -> None:
        self.folder = folder
        self._keep_epochs = keep_epochs
        self.best = folder / "best_model"
        self.interrupted = folder / "interrupted"
        self.vdl_log = folder / "vdl_log"

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Within, no other training can write here, in whichever process.

        Raises:
            InputError: another one does.
        """
        make_folder(self.folder)
        lock = FileLock(self.folder / _LOCK, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise InputError(
                "Another training is writing to {folder}: choose another save_dir, or wait for "
                "its end.",
                folder=self.folder,
            ) from error
        try:
            yield
        finally:
            # PaddleX's scripts find in the folder what they know. Windows deletes no locked file.
            # Who opened it in this very moment holds a lock that nobody sees, as before it.
            with contextlib.suppress(OSError):
                (self.folder / _LOCK).unlink()
            lock.release()

    def epoch(self, number: int) -> Path:
        """Model folder after epoch ``number`` (counted from 1)."""
        return self.folder / f"epoch_{number}"

    def move_earlier_aside(self) -> Path | None:
        """Move an earlier training's model folders and curves to ``previous_N``.

        Returns:
            that folder; None when there was nothing to move.
        """
        make_folder(self.folder)
        for name in (self.best, self.interrupted):
            recover_folder(name)
        models = [self.best, self.interrupted, *self._epochs().values()]
        found = [model for model in models if model.exists()]
        if not found:
            return None
        number = 1
        while (aside := self.folder / f"previous_{number}").exists():
            number += 1
        aside.mkdir()
        for path in [*found, self.vdl_log]:
            if path.exists():
                path.rename(aside / path.name)
        return aside

    def continues(self, checkpoint: Path) -> bool:
        """Whether ``checkpoint`` is one of the model folders here."""
        return checkpoint.resolve().parent == self.folder.resolve()

    def adopt_best(self, checkpoint: Path, known: TrainingState) -> TrainingState | None:
        """Make sure that ``best_model`` here is the best of the training being resumed.

        In the same folder that is the one here, even if it was reached after ``checkpoint``. For
        another folder the model that the checkpoint knows as its best is copied.

        Args:
            checkpoint: the model folder being resumed.
            known: its state.

        Returns:
            The state saved with ``best_model``; None when there is none.
        """
        if self.continues(checkpoint):
            here = _finished_state(self.best)
            if here is not None and _score(here) >= _score(known):
                return here
        beside = checkpoint.parent
        for candidate in (checkpoint, beside / "best_model", beside / f"epoch_{known.best_epoch}"):
            state = _finished_state(candidate)
            if known.best_score is None or state is None:
                continue
            if state.epoch == known.best_epoch and state.best_score == known.best_score:
                with replace_folder_atomic(self.best) as temporary:
                    shutil.copytree(candidate, temporary, dirs_exist_ok=True)
                return state
        return None

    def tidy(self, *, keep: Path) -> None:
        """After a new ``epoch_N``: drop the interrupted state before it and the oldest epochs."""
        if self.interrupted.exists():
            shutil.rmtree(self.interrupted)
        if self._keep_epochs is None:
            return
        epochs = self._epochs()
        for number in sorted(epochs)[: -self._keep_epochs]:
            if epochs[number] != keep:
                shutil.rmtree(epochs[number])

    def _epochs(self) -> dict[int, Path]:
        return {
            int(match[1]): path
            for path in self.folder.iterdir()
            if (match := _EPOCH.fullmatch(path.name)) and (path / STATE).exists()
        }


def _finished_state(folder: Path) -> TrainingState | None:
    recover_folder(folder)
    if not (folder / SUCCESS).exists():
        return None
    try:
        return read_training_state(folder)
    except InputError:
        return None


def _score(state: TrainingState) -> float:
    return -1.0 if state.best_score is None else state.best_score
