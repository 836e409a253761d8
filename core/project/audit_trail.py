"""Who changed what in a project, and when: lines that are only ever added."""

from __future__ import annotations

import csv
import getpass
import io
import json
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from core.system.files import write_text_atomic
from core.system.messages import Message

_log = logging.getLogger(__name__)

FILE_NAME: Final = "audit.jsonl"
#: Strokes on one image are one change, until it has been left alone for so long.
_SAME_CHANGE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Change:
    """One line.

    Attributes:
        time: seconds since the epoch.
        user: name of who was logged in, empty where the system does not say.
        what: a sentence.
    """

    time: float
    user: str
    what: Message


class AuditTrail:
    """The lines of one project; may be used by several threads.

    Args:
        file: where they are; made with the first line.
        writable: whether anything may be added.
    """

    def __init__(self, file: Path, *, writable: bool) -> None:
        self._file = file
        self._writable = writable
        self._lock = threading.Lock()
        self._user: str | None = None
        self._last: tuple[Message, float] | None = None

    def note(self, what: Message) -> None:
        """Add a line; the same one again soon after adds none.

        A full disk costs a line of the log: what was changed must not fail for it.
        """
        if not self._writable:
            return
        now = time.time()
        with self._lock:
            before, self._last = self._last, (what, now)
            if before is not None and before[0] == what and now - before[1] < _SAME_CHANGE_S:
                return
            line = json.dumps(
                {
                    "time": round(now, 3),
                    "user": self._user_name(),
                    "what": what.template,
                    "params": dict(what.params),
                },
                ensure_ascii=False,
            )
            try:
                with self._file.open("a", encoding="utf-8", newline="\n") as stream:
                    stream.write(line + "\n")
            except OSError:
                _log.exception("%s could not be written", self._file)

    def changes(self) -> list[Change]:
        """Return all lines, oldest first; damaged ones are left out."""
        try:
            text = self._file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        found = (_read(line) for line in text.splitlines())
        return [change for change in found if change is not None]

    def _user_name(self) -> str:
        if self._user is None:
            try:
                self._user = getpass.getuser()
            except (OSError, KeyError, ImportError):  # no such user, or Windows without USERNAME
                self._user = ""
        return self._user


def write_table(
    file: Path, header: tuple[str, str, str], rows: Iterable[tuple[float, str, str]]
) -> None:
    """Write changes as CSV that spreadsheets open.

    Args:
        file: replaced where there is one.
        header: titles of time, user and sentence.
        rows: seconds since the epoch, user, sentence in the language of whoever reads it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    for moment, user, what in rows:
        when = datetime.fromtimestamp(moment).astimezone().isoformat(timespec="seconds")
        writer.writerow((when, user, what))
    write_text_atomic(file, "\ufeff" + text.getvalue())


def _read(line: str) -> Change | None:
    try:
        content: Any = json.loads(line)
        what = Message(str(content["what"]), dict(content["params"]))
        str(what)  # a foreign template may have other places than its params
        return Change(float(content["time"]), str(content["user"]), what)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
