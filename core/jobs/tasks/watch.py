"""Judge images as they arrive in a folder."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from core.runs.kinds import WatchSpec
from core.runs.run_folder import RunFolder
from core.system.reporting import Reporter
from core.watch import Watcher, WatchSettings
from core.watch.export_assessor import open_assessor

_TOLD_EVERY_S = 1.0


def run(spec: WatchSpec, _folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Judge until the job is stopped, or with ``once`` until all that is there is judged.

    What is judged stands in the log of ``out_dir``, which a window reads meanwhile. Progress tells
    how many images were judged by this run, and how many with those that wait.
    """
    assessor = open_assessor(spec.export_dir, runtime=spec.runtime, threads=spec.threads)
    settings = WatchSettings(
        folder=spec.folder,
        out=spec.out_dir,
        project=spec.project,
        subfolders=spec.subfolders,
        interval_s=spec.interval,
        broken_after_s=spec.broken_after,
        keep_days=spec.keep_days,
        max_bytes=spec.max_bytes,
        log_days=spec.log_days,
        min_confidence=spec.min_confidence,
        most_to_label=spec.most_to_label,
    )
    outcomes: Counter[str] = Counter()
    told: tuple[int, int] | None = None
    told_at = 0.0

    def turn() -> None:
        nonlocal told, told_at
        reporter.check()
        done = outcomes.total()
        counts = (done, done + watcher.waiting)
        # Only what is new: a folder is watched for weeks, and each event is kept.
        if counts != told and time.monotonic() - told_at >= _TOLD_EVERY_S:
            told, told_at = counts, time.monotonic()
            reporter.progress(*counts, stage="watch")

    with Watcher(
        assessor,
        settings,
        on_turn=turn,
        on_notice=lambda notice: reporter.warn(notice.message),
    ) as watcher:
        for judged in watcher.run(once=spec.once):
            outcomes[judged.outcome] += 1
    total = outcomes.total()
    reporter.progress(total, total, stage="watch")
    return {"out_dir": str(spec.out_dir), "judged": total, "outcomes": dict(outcomes)}
