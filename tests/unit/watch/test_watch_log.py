"""The log answers other processes while it is written, and refuses what it is not."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from core.system.errors import InputError
from core.watch import WatchLog, WatchStatus
from core.watch.folder_scan import Stamp
from core.watch.log_rows import Result

STAMP = Stamp(10, 20)


def add(log: WatchLog, path: str, *, at: float, **fields) -> int:
    id_, _ = log.claim(path, STAMP, f"hash of {path}", arrived=at)
    log.finish(id_, Result(**{"outcome": "accept", "judged": at, **fields}), settings={})
    return id_


def test_counts_by_day_and_class(tmp_path: Path) -> None:
    noon = time.mktime((2026, 3, 1, 12, 0, 0, 0, 0, -1))
    with WatchLog(tmp_path, create=True) as log:
        add(log, "a", at=noon)
        add(log, "b", at=noon, outcome="reject", objects={"Crack": 3, "Dent": 0})
        add(log, "c", at=noon + 86_400, outcome="reject", objects={"Crack": 1, "Dent": 2})
        with WatchLog(tmp_path, read_only=True) as reader:
            second, first = reader.counts_by_day()
            assert (first.day, second.day) == ("2026-03-01", "2026-03-02")
            assert first.outcomes == {"accept": 1, "reject": 1}
            assert (first.images, first.objects) == ({"Crack": 1}, {"Crack": 3})
            assert second.objects == {"Crack": 1, "Dent": 2}
            assert [one.day for one in reader.counts_by_day(days=1)] == ["2026-03-02"]
            with pytest.raises(sqlite3.OperationalError):
                reader.write_settings({"a": 1})


def test_a_result_is_written_once(tmp_path: Path) -> None:
    with WatchLog(tmp_path, create=True) as log:
        id_ = add(log, "a", at=1.0)
        with pytest.raises(RuntimeError, match="not claimed"):
            log.finish(id_, Result(outcome="reject", judged=2.0), settings={})
        assert log.judged(id_).outcome == "accept"
        assert log.counts_by_day()[0].total == 1


def test_a_claim_goes_on_and_gives_way_to_other_content(tmp_path: Path) -> None:
    with WatchLog(tmp_path, create=True) as log:
        first = log.claim("a", STAMP, "x", arrived=1.0)
        assert first[1] == 1 and log.unfinished() == [first[0]]
        assert log.claim("a", Stamp(1, 1), "x", arrived=5.0) == (first[0], 2)
        other, attempts = log.claim("a", STAMP, "y", arrived=5.0)
        assert attempts == 1 and log.unfinished() == [other] and other != first[0]
        log.release(other)
        assert log.unfinished() == [] and log.last("a") is None


def test_the_status_of_a_watcher(tmp_path: Path) -> None:
    with WatchLog(tmp_path, create=True) as log:
        assert log.status() == WatchStatus()
        status = WatchStatus(state="watching", waiting=3, since=1.5)
        log.write_status(status)
        with WatchLog(tmp_path, read_only=True) as reader:
            assert reader.status() == status


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing was watched"):
        WatchLog(tmp_path)
    (tmp_path / "watch.db").write_bytes(b"something else" * 100)
    with pytest.raises(InputError, match="damaged"):
        WatchLog(tmp_path, create=True)
    (tmp_path / "watch.db").unlink()
    WatchLog(tmp_path, create=True).close()
    with sqlite3.connect(tmp_path / "watch.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="another version"):
        WatchLog(tmp_path)
