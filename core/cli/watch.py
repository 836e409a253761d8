"""``watch``: judge images as they arrive in a folder."""

from __future__ import annotations

import contextlib
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from core.system.child_processes import STOP_SIGNALS
from core.system.errors import InputError

if TYPE_CHECKING:
    from core.watch import Judged, Notice, Watcher

_UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


def command(
    export: Annotated[
        Path, typer.Option("--export", metavar="DIR", help="Folder that an export wrote.")
    ],
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Folder in which images arrive.")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Log, pictures and images to label; goes on."),
    ],
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", metavar="DIR", help="Project that inconclusive and odd images go into."
        ),
    ] = None,
    subfolders: Annotated[
        bool, typer.Option("--subfolders", help="Watch the folders in the folder, too.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Judge what is there, and end.")] = False,
    interval: Annotated[
        float,
        typer.Option("--interval", metavar="S", min=0.05, max=3600, help="Seconds between looks."),
    ] = 0.5,
    broken_after: Annotated[
        float,
        typer.Option(
            "--broken-after",
            metavar="S",
            min=0,
            help="Seconds after which a file that cannot be read is logged as broken.",
        ),
    ] = 30.0,
    keep_days: Annotated[
        float, typer.Option("--keep-days", metavar="N", min=0, help="How long pictures are kept.")
    ] = 30.0,
    max_bytes: Annotated[
        str,
        typer.Option(
            "--max-bytes", metavar="SIZE", help="How large they may become, such as 500M or 2G."
        ),
    ] = "2G",
    log_days: Annotated[
        float,
        typer.Option(
            "--log-days", metavar="N", min=1, help="How long the log keeps images that are gone."
        ),
    ] = 365.0,
    min_confidence: Annotated[
        float,
        typer.Option(
            "--min-confidence", metavar="P", min=0, max=1, help="Below it an image is odd."
        ),
    ] = 0.8,
    most_to_label: Annotated[
        int,
        typer.Option(
            "--most-to-label", metavar="N", min=0, help="Images a day that are chosen to label."
        ),
    ] = 200,
    runtime: Annotated[
        str, typer.Option("--runtime", metavar="auto|onnxruntime|openvino", help="What computes.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", min=1, help="Threads that compute.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line, for each image.")
    ] = False,
) -> None:
    """Judge each image that arrives in a folder, once, until SIGTERM or Ctrl-C.

    One line an image; what was judged stands in DIR/watch.db. Killed at any moment, the same
    command goes on where it was.
    """
    from core.cli.console import existing_folder
    from core.watch import Watcher, WatchSettings
    from core.watch.export_assessor import open_assessor

    tell = _JsonLines() if json else _TextLines()
    with _stop_in_order() as stops:
        settings = WatchSettings(
            folder=folder.absolute(),
            out=out.absolute(),
            project=None if project is None else existing_folder(project, option="--project"),
            subfolders=subfolders,
            interval_s=interval,
            broken_after_s=broken_after,
            keep_days=keep_days,
            max_bytes=parse_bytes(max_bytes),
            log_days=log_days,
            min_confidence=min_confidence,
            most_to_label=most_to_label,
        )
        assessor = open_assessor(
            existing_folder(export, option="--export"), runtime=runtime, threads=threads
        )
        with Watcher(assessor, settings, on_notice=tell.notice) as watcher:
            stops(watcher.stop)
            tell.started(settings.folder, assessor.model)
            for judged in watcher.run(once=once):
                tell.judged(judged)
            tell.ended(watcher)


def parse_bytes(text: str) -> int:
    """Turn ``500M``, ``2 GB`` or a plain number into bytes; units are powers of 1024.

    Raises:
        InputError: it is no such text.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InputError(
            "--max-bytes {value} is no size; write it like 500M or 2G.", value=repr(text)
        )
    return round(float(match[1]) * _UNITS[match[2].lower()])


@contextlib.contextmanager
def _stop_in_order() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Have SIGTERM and Ctrl-C end the watching after the image in hand, a second one at once.

    Yields:
        Takes what is to be called; at once where the signal has come already.
    """
    called: list[Callable[[], None]] = []
    came = False

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal came
        if came:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        came = True
        for stop in called:
            stop()

    def take(stop: Callable[[], None]) -> None:
        called.append(stop)
        if came:
            stop()

    before = {number: signal.signal(number, on_signal) for number in STOP_SIGNALS}
    try:
        yield take
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _TextLines:
    """Lines for people."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()

    def started(self, folder: Path, model: str) -> None:
        """The model is ready."""
        from core.cli.console import err

        err().print(f"watching {folder} with {model}", markup=False)

    def notice(self, notice: Notice) -> None:
        """Something to know."""
        from core.cli.console import err, one_line

        err().print(one_line(str(notice.message)), markup=False)

    def judged(self, judged: Judged) -> None:
        """One image."""
        from core.cli.console import one_line

        self._outcomes[judged.outcome] += 1
        objects = ", ".join(f"{number} {name}" for name, number in judged.objects.items())
        facts = [objects, *judged.reasons, *judged.oddities]
        if judged.to_label:
            facts.append("to label")
        at = time.strftime("%H:%M:%S", time.localtime(judged.judged))
        told = " · ".join(fact for fact in facts if fact)
        line = f"{at}  {judged.outcome:12}  {judged.path}  {judged.milliseconds:.0f} ms  {told}"
        print(one_line(line.rstrip()), flush=True)

    def ended(self, watcher: Watcher) -> None:
        """Nothing more comes."""
        from core.cli.console import err

        counts = ", ".join(f"{number} {outcome}" for outcome, number in self._outcomes.items())
        err().print(f"{self._outcomes.total()} images judged{f' ({counts})' if counts else ''}")
        if watcher.waiting:
            err().print(f"{watcher.waiting} wait; the same command goes on with them")


class _JsonLines:
    """One JSON object a line."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()

    def started(self, folder: Path, model: str) -> None:
        """The model is ready."""
        self._print({"event": "started", "folder": str(folder), "model": model})

    def notice(self, notice: Notice) -> None:
        """Something to know."""
        self._print({"event": "notice", "kind": notice.kind, "message": str(notice.message)})

    def judged(self, judged: Judged) -> None:
        """One image."""
        self._outcomes[judged.outcome] += 1
        self._print(judged.to_dict())

    def ended(self, watcher: Watcher) -> None:
        """Nothing more comes."""
        self._print(
            {
                "event": "ended",
                "judged": self._outcomes.total(),
                "outcomes": dict(self._outcomes),
                "waiting": watcher.waiting,
            }
        )

    @staticmethod
    def _print(content: dict[str, Any]) -> None:
        from core.cli.console import print_json

        print_json(content)
