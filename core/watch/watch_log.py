"""``watch.db``: what arrived, what became of it, and how much of what there was each day.

One row an image. A row without ``judged`` is a claim: the image was begun and not finished. One
process writes results (the watcher); others may read all the time, and note what was delivered.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, cast

from core.system.errors import InputError
from core.watch.folder_scan import Stamp
from core.watch.log_rows import LogEntry, Pictures, Result, ToLabel
from core.watch.reports import DayCounts, Judged, Outcome, WatchStatus

DATABASE: Final = "watch.db"
_VERSION = 1
_BUSY_TIMEOUT_S = 10
_SCHEMA = """
CREATE TABLE image (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    hash TEXT NOT NULL,
    arrived REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 1,
    judged REAL,
    day TEXT,
    outcome TEXT,
    reasons TEXT NOT NULL DEFAULT '[]',
    objects TEXT NOT NULL DEFAULT '{}',
    milliseconds REAL,
    confidence REAL,
    oddities TEXT NOT NULL DEFAULT '[]',
    model TEXT,
    revision TEXT,
    overlay TEXT,
    mask TEXT,
    picture_bytes INTEGER NOT NULL DEFAULT 0,
    to_label TEXT,
    delivered REAL,
    announced INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX image_by_path ON image (path, id);
CREATE INDEX image_with_pictures ON image (id) WHERE picture_bytes > 0;
CREATE INDEX image_to_label ON image (id) WHERE to_label IS NOT NULL AND delivered IS NULL;
CREATE INDEX image_unannounced ON image (id) WHERE announced = 0;
CREATE TABLE day_outcome (
    day TEXT NOT NULL, outcome TEXT NOT NULL, images INTEGER NOT NULL,
    PRIMARY KEY (day, outcome)
) WITHOUT ROWID;
CREATE TABLE day_class (
    day TEXT NOT NULL, class TEXT NOT NULL, images INTEGER NOT NULL, objects INTEGER NOT NULL,
    PRIMARY KEY (day, class)
) WITHOUT ROWID;
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_JUDGED = (
    "SELECT id, path, hash, arrived, judged, outcome, reasons, objects, milliseconds, confidence,"
    " oddities, model, revision, overlay, mask, to_label IS NOT NULL FROM image"
)


class WatchLog:
    """The log of one output folder; a context manager.

    Args:
        out: the output folder.
        create: make the log where there is none.
        read_only: refuse to write.

    Raises:
        InputError: there is no log, it is damaged, or from a newer version.
    """

    def __init__(self, out: Path, *, create: bool = False, read_only: bool = False) -> None:
        self._path = out / DATABASE
        if not create and not self._path.is_file():
            raise InputError(
                "{folder} holds no {name}: nothing was watched there.", folder=out, name=DATABASE
            )
        mode = "ro" if read_only else "rwc" if create else "rw"
        self._uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        self._connection: sqlite3.Connection | None = None
        try:
            connection = self._open()
            if create:
                self._make(connection)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            self.close()
            if is_passing(error):
                raise
            raise InputError(
                "{file} is damaged ({reason}); move it away and start again.",
                file=self._path,
                reason=error,
            ) from error
        if version != _VERSION:
            self.close()
            raise InputError(
                "{file} was written by another version of this program; choose another folder.",
                file=self._path,
            )

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._uri,
                uri=True,
                timeout=_BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,  # a window reads in threads of its own, one at a time
            )
        return self._connection

    @staticmethod
    def _make(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            connection.executescript(
                f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next call opens it again, as after a share was gone."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Commit all or nothing; ``durable`` survives a power cut, the rest a kill."""
        connection = self._open()
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # the failed statement may have done it
                connection.execute("ROLLBACK")
            raise

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._open().execute(sql, parameters).fetchall()

    # What the watcher writes

    def last(self, path: str) -> LogEntry | None:
        """Return the newest row of a path."""
        rows = self._all(
            "SELECT id, size, modified_ns, hash, arrived, attempts, outcome FROM image"
            " WHERE path = ? ORDER BY id DESC LIMIT 1",
            (path,),
        )
        if not rows:
            return None
        id_, size, modified_ns, content, arrived, attempts, outcome = rows[0]
        return LogEntry(id_, Stamp(size, modified_ns), content, arrived, attempts, outcome)

    def claim(self, path: str, stamp: Stamp, content: str, *, arrived: float) -> tuple[int, int]:
        """Note that an image is begun; goes on with an earlier claim of the same content.

        A row that calls the file broken, and claims of content that is gone, give way.

        Returns:
            The row's id, and how often the image was begun, this time included.
        """
        with self._transaction(durable=False) as connection:
            rows = connection.execute(
                "SELECT id, hash, attempts FROM image WHERE path = ? AND judged IS NULL", (path,)
            ).fetchall()
            for id_, known, attempts in rows:
                if known == content:
                    connection.execute(
                        "UPDATE image SET size = ?, modified_ns = ?, attempts = ? WHERE id = ?",
                        (*stamp, attempts + 1, id_),
                    )
                    return id_, attempts + 1
                connection.execute("DELETE FROM image WHERE id = ?", (id_,))
            last = self.last(path)
            if last is not None and last.outcome == "broken":
                self._uncount_broken(connection, last.id)
            cursor = connection.execute(
                "INSERT INTO image (path, size, modified_ns, hash, arrived) VALUES (?, ?, ?, ?, ?)",
                (path, *stamp, content, arrived),
            )
            return cast(int, cursor.lastrowid), 1

    @staticmethod
    def _uncount_broken(connection: sqlite3.Connection, id_: int) -> None:
        connection.execute(
            "UPDATE day_outcome SET images = images - 1 WHERE outcome = 'broken'"
            " AND day = (SELECT day FROM image WHERE id = ?)",
            (id_,),
        )
        connection.execute("DELETE FROM image WHERE id = ?", (id_,))

    def release(self, id_: int) -> None:
        """Take a claim back: the file is not whole yet."""
        with self._transaction(durable=False) as connection:
            connection.execute("DELETE FROM image WHERE id = ? AND judged IS NULL", (id_,))

    def restamp(self, id_: int, stamp: Stamp) -> None:
        """Note that a file was touched, or copied anew, without other content."""
        with self._transaction(durable=False) as connection:
            connection.execute(
                "UPDATE image SET size = ?, modified_ns = ? WHERE id = ?", (*stamp, id_)
            )

    def finish(self, id_: int, result: Result, *, settings: Mapping[str, Any]) -> None:
        """Write the result of a claimed image, count it, and keep ``settings`` with it."""
        day = time.strftime("%Y-%m-%d", time.localtime(result.judged))
        with self._transaction(durable=True) as connection:
            changed = connection.execute(
                "UPDATE image SET judged = ?, day = ?, outcome = ?, reasons = ?, objects = ?,"
                " milliseconds = ?, confidence = ?, oddities = ?, model = ?, revision = ?,"
                " overlay = ?, mask = ?, picture_bytes = ?, to_label = ?"
                " WHERE id = ? AND judged IS NULL",
                (
                    result.judged,
                    day,
                    result.outcome,
                    _json(list(result.reasons)),
                    _json(dict(result.objects)),
                    result.milliseconds,
                    result.confidence,
                    _json(list(result.oddities)),
                    result.model,
                    result.revision,
                    result.overlay,
                    result.mask,
                    result.picture_bytes,
                    result.to_label,
                    id_,
                ),
            ).rowcount
            if not changed:
                raise RuntimeError(f"image {id_} of the log was not claimed")
            connection.execute(
                "INSERT INTO day_outcome VALUES (?, ?, 1)"
                " ON CONFLICT DO UPDATE SET images = images + 1",
                (day, result.outcome),
            )
            connection.executemany(
                "INSERT INTO day_class VALUES (?, ?, 1, ?)"
                " ON CONFLICT DO UPDATE SET images = images + 1,"
                " objects = objects + excluded.objects",
                [(day, name, number) for name, number in result.objects.items() if number],
            )
            _set(connection, settings)

    def mark_announced(self, id_: int) -> None:
        """Note that a result was told."""
        with self._transaction(durable=False) as connection:
            connection.execute("UPDATE image SET announced = 1 WHERE id = ?", (id_,))

    def unannounced(self) -> list[Judged]:
        """Return the results that may not have been told, oldest first."""
        return self._judged("WHERE announced = 0 AND judged IS NOT NULL ORDER BY id", ())

    def judged(self, id_: int) -> Judged:
        """Return the result of one image."""
        return self._judged("WHERE id = ?", (id_,))[0]

    def unfinished(self) -> list[int]:
        """Return the rows of images that were begun and have no result."""
        return [row[0] for row in self._all("SELECT id FROM image WHERE judged IS NULL")]

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Keep values of JSON's types by name."""
        with self._transaction(durable=False) as connection:
            _set(connection, settings)

    def setting(self, key: str) -> Any:
        """Return a value that was kept, None where there is none."""
        rows = self._all("SELECT value FROM setting WHERE key = ?", (key,))
        return json.loads(rows[0][0]) if rows else None

    def write_status(self, status: WatchStatus) -> None:
        """Keep what the watcher does."""
        values = {"state": status.state, "waiting": status.waiting, "since": status.since}
        self.write_settings({"status": values})

    # Rotation

    def pictures(self) -> list[Pictures]:
        """Return what was kept of images, oldest first."""
        rows = self._all(
            "SELECT id, judged, overlay, mask, picture_bytes FROM image WHERE picture_bytes > 0"
            " ORDER BY id"
        )
        return [
            Pictures(id_, judged, tuple(one for one in files if one is not None), size)
            for id_, judged, *files, size in rows
        ]

    def forget_pictures(self, ids: Iterable[int]) -> None:
        """Note that the pictures of images were deleted."""
        with self._transaction(durable=False) as connection:
            connection.executemany(
                "UPDATE image SET overlay = NULL, mask = NULL, picture_bytes = 0 WHERE id = ?",
                [(id_,) for id_ in ids],
            )

    def older_than(self, judged: float) -> list[tuple[int, str]]:
        """Return (id, path) of finished images without pictures that wait for nothing."""
        rows = self._all(
            "SELECT id, path FROM image WHERE judged < ? AND picture_bytes = 0 AND announced"
            " AND (to_label IS NULL OR delivered IS NOT NULL) ORDER BY id",
            (judged,),
        )
        return [(id_, path) for id_, path in rows]

    def remove(self, ids: Iterable[int]) -> None:
        """Delete rows; what was counted stays counted."""
        with self._transaction(durable=False) as connection:
            connection.executemany("DELETE FROM image WHERE id = ?", [(id_,) for id_ in ids])

    # Images to label

    def to_label(self) -> list[ToLabel]:
        """Return the images that wait to be labelled, oldest first."""
        rows = self._all(
            "SELECT id, path, to_label, judged, outcome, reasons, oddities FROM image"
            " WHERE to_label IS NOT NULL AND delivered IS NULL ORDER BY id"
        )
        return [
            ToLabel(id_, path, file, judged, (outcome, *json.loads(reasons), *json.loads(odd)))
            for id_, path, file, judged, outcome, reasons, odd in rows
        ]

    def chosen_to_label_on(self, day: str) -> int:
        """Return how many of a day's images were chosen to be labelled."""
        sql = "SELECT count(*) FROM image WHERE day = ? AND to_label IS NOT NULL"
        return int(self._all(sql, (day,))[0][0])

    def mark_delivered(self, ids: Iterable[int], *, when: float) -> None:
        """Note that images are in a project now."""
        with self._transaction(durable=True) as connection:
            connection.executemany(
                "UPDATE image SET delivered = ? WHERE id = ?", [(when, id_) for id_ in ids]
            )

    # What others ask

    def counts_by_day(self, *, days: int | None = None) -> list[DayCounts]:
        """Return what was judged each day, the newest first; at most ``days`` of them."""
        rows = self._all(
            "SELECT DISTINCT day FROM day_outcome WHERE images > 0 ORDER BY day DESC LIMIT ?",
            (-1 if days is None else days,),
        )
        if not rows:
            return []
        first = rows[-1][0]
        outcomes: dict[str, dict[str, int]] = defaultdict(dict)
        images: dict[str, dict[str, int]] = defaultdict(dict)
        objects: dict[str, dict[str, int]] = defaultdict(dict)
        for day, outcome, number in self._all(
            "SELECT day, outcome, images FROM day_outcome WHERE day >= ? AND images > 0", (first,)
        ):
            outcomes[day][outcome] = number
        for day, name, number, found in self._all(
            "SELECT day, class, images, objects FROM day_class WHERE day >= ?", (first,)
        ):
            images[day][name], objects[day][name] = number, found
        return [
            DayCounts(day=day, outcomes=outcomes[day], images=images[day], objects=objects[day])
            for (day,) in rows
        ]

    def recent(self, limit: int = 100, *, outcome: Outcome | None = None) -> list[Judged]:
        """Return the newest results, the newest first."""
        if outcome is None:
            return self._judged("WHERE judged IS NOT NULL ORDER BY id DESC LIMIT ?", (limit,))
        return self._judged("WHERE outcome = ? ORDER BY id DESC LIMIT ?", (outcome, limit))

    def status(self) -> WatchStatus:
        """Return what the watcher wrote last of what it does; it may have been killed since."""
        values = self.setting("status")
        return WatchStatus() if values is None else WatchStatus(**values)

    def _judged(self, where: str, parameters: Sequence[Any]) -> list[Judged]:
        return [_to_judged(row) for row in self._all(f"{_JUDGED} {where}", parameters)]


def is_passing(error: BaseException) -> bool:
    """Whether an error of SQLite may go away by itself: no room, no access, somebody is writing."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    )


def _to_judged(row: tuple[Any, ...]) -> Judged:
    id_, path, content, arrived, judged, outcome, reasons, objects, milliseconds, *rest = row
    confidence, oddities, model, revision, overlay, mask, to_label = rest
    return Judged(
        id=id_,
        path=path,
        hash=content,
        arrived=arrived,
        judged=judged,
        outcome=outcome,
        reasons=tuple(json.loads(reasons)),
        objects=json.loads(objects),
        milliseconds=milliseconds,
        confidence=confidence,
        oddities=tuple(json.loads(oddities)),
        model=model,
        revision=revision,
        overlay=overlay,
        mask=mask,
        to_label=bool(to_label),
    )


def _set(connection: sqlite3.Connection, settings: Mapping[str, Any]) -> None:
    connection.executemany(
        "INSERT INTO setting VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        [(key, _json(value)) for key, value in settings.items()],
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
