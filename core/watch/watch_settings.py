"""What a watcher is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.system.errors import InputError
from core.system.files import as_path


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """What is watched, and what is kept of it.

    Attributes:
        folder: where images arrive.
        out: log, pictures and images to label; one watcher at a time.
        project: where images to label go; None: they stay in ``out``.
        subfolders: watch the folders in ``folder``, too.
        interval_s: seconds between two looks; where a look takes long, it is made less often.
        settle_s: how long a file must stay as it is before it is read.
        broken_after_s: how long a file that cannot be read is tried.
        keep_days: how long pictures are kept.
        max_bytes: how large all pictures together may become.
        log_days: how long rows of images that are not in the folder any more are kept.
        min_confidence: an image is odd where the model is less sure of it, 0 … 1.
        odd_limit: an image is odd where it is so many deviations from what is usual.
        learn_from: how many images teach what is usual, where the export does not say it.
        most_to_label: how many images a day are chosen to be labelled.
    """

    folder: Path
    out: Path
    project: Path | None = None
    subfolders: bool = False
    interval_s: float = 0.5
    settle_s: float = 0.4
    broken_after_s: float = 30.0
    keep_days: float = 30.0
    max_bytes: int = 2 * 2**30
    log_days: float = 365.0
    min_confidence: float = 0.8
    odd_limit: float = 4.0
    learn_from: int = 50
    most_to_label: int = 200

    def check(self) -> None:
        """Refuse folders that would be in each other's way.

        Raises:
            InputError: with the reason.
        """
        folder, out = (as_path(one, name="folder").resolve() for one in (self.folder, self.out))
        if out == folder:
            raise InputError(
                "{folder} is watched, so results cannot go into it; choose another --out.",
                folder=self.folder,
            )
        if folder.is_relative_to(out):
            raise InputError(
                "{folder} lies in the output folder {out}; choose another --out.",
                folder=self.folder,
                out=self.out,
            )
