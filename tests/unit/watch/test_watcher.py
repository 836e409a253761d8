"""Each image that arrives is judged once, whatever happens to it, the program and the disk."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from watch_parts import BLUE, GREEN, RED, Line, encoded, line, picture, put, refuse, told

from core.system.errors import InputError
from core.system.files import write_bytes_atomic
from core.watch import WatchLog, patience, watcher
from core.watch.assessment import ImageArray

__all__ = ["line"]


class Killed(BaseException):
    """Stands for the end of the process in the middle of something."""


def rows(line: Line, columns: str = "path, outcome") -> list[tuple]:
    with sqlite3.connect(line.out / "watch.db") as connection:
        return connection.execute(f"SELECT {columns} FROM image ORDER BY id").fetchall()


def test_each_image_is_judged_once_and_a_restart_judges_none_again(line: Line) -> None:
    put(line.folder / "b2.png")
    put(line.folder / "b10.png", RED)
    put(line.folder / "c.png", BLUE)
    put(line.folder / ".hidden.png")
    put(line.folder / "sub" / "e.png")
    for name in ("d.png.part", "notes.txt"):
        put(line.folder / "x.png").rename(line.folder / name)
    assert told(line.once()) == [
        ("b2.png", "accept"),
        ("b10.png", "reject"),
        ("c.png", "inconclusive"),
    ]
    assert line.once() == []
    assert len(line.assessor.seen) == 3
    with WatchLog(line.out, read_only=True) as log:
        (day,) = log.counts_by_day()
        assert day.outcomes == {"accept": 1, "reject": 1, "inconclusive": 1}
        assert (day.images, day.objects, day.total) == ({"Crack": 2}, {"Crack": 3}, 3)
        newest = log.recent(1)[0]
        assert (newest.path, newest.reasons, newest.model) == (
            "c.png",
            ("a blue one",),
            line.assessor.model,
        )
        assert newest.arrived <= newest.judged <= time.time()
        assert newest.milliseconds > 0 and newest.revision == "rev1" and newest.confidence == 0.99
        assert [one.path for one in log.recent(5, outcome="reject")] == ["b10.png"]
        assert log.status().state == "ended"
    assert told(line.once(subfolders=True)) == [("sub/e.png", "accept")]


def test_pictures_are_kept_of_what_is_not_accepted(line: Line) -> None:
    put(line.folder / "good.png")
    put(line.folder / "bad.png", RED)
    bad, good = line.once()
    assert (good.overlay, good.mask) == (None, None)
    assert bad.overlay and (line.out / bad.overlay).stat().st_size
    assert bad.mask and (line.out / bad.mask).stat().st_size
    assert len(list((line.out / "pictures").rglob("*.*"))) == 2


def test_files_that_are_still_written_are_waited_for(line: Line) -> None:
    whole = encoded(RED, suffix=".png")
    file = line.folder / "a.png"
    results = line.live(
        lambda: file.write_bytes(whole[:100]),
        lambda: file.write_bytes(whole[: len(whole) // 2]),
        lambda: file.write_bytes(whole),
        broken_after_s=60,
    )
    assert told(results) == [("a.png", "reject")]
    assert rows(line) == [("a.png", "reject")]


def test_a_file_whose_end_is_reserved_but_empty_is_waited_for(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A BMP of which only the beginning is there decodes, into a picture with a black end."""
    monkeypatch.setattr(watcher, "_TAIL_SETTLE_S", 0.5)
    whole = encoded(RED, suffix=".bmp")
    file = line.folder / "a.bmp"
    results = line.live(
        lambda: file.write_bytes(whole[:300] + bytes(len(whole) - 300)),
        lambda: file.write_bytes(whole),
    )
    assert told(results) == [("a.bmp", "reject")]
    file.write_bytes(whole[:300] + bytes(len(whole) - 300))
    began = time.monotonic()
    assert told(line.once()) == [("a.bmp", "accept")]  # nobody writes it any more
    assert time.monotonic() - began > 0.5


def test_names_that_come_by_renaming(line: Line) -> None:
    hidden = put(line.folder / "x.png").rename(line.folder / ".x.tmp")
    results = line.live(lambda: None, lambda: hidden.rename(line.folder / "x.png"))
    assert told(results) == [("x.png", "accept")]


def test_a_broken_file_is_logged_once_and_judged_when_it_changes(line: Line) -> None:
    file = line.folder / "a.png"
    file.write_bytes(encoded()[:200])
    (broken,) = line.once()
    assert (broken.outcome, broken.confidence, broken.objects) == ("broken", None, {})
    assert "a.png" in broken.reasons[0]
    assert line.once() == []
    file.write_bytes(encoded())
    assert told(line.once()) == [("a.png", "accept")]
    assert rows(line) == [("a.png", "accept")]
    with WatchLog(line.out) as log:
        assert log.counts_by_day()[0].outcomes == {"accept": 1}


def test_the_same_name_with_other_content_is_another_image(line: Line) -> None:
    file = put(line.folder / "a.png", seed=1)
    first = line.once()
    put(file, RED, seed=2)
    second = line.once()
    put(file, seed=1)  # as the first one
    third = line.once()
    assert told(first + second + third) == [
        ("a.png", "accept"),
        ("a.png", "reject"),
        ("a.png", "accept"),
    ]


def test_a_file_that_is_only_touched_or_copied_anew_is_not(line: Line) -> None:
    """Shares show other times after the clocks went back."""
    file = put(line.folder / "a.png", seed=1)
    line.once()
    os.utime(file, (1, 1))
    assert line.once() == []
    file.unlink()
    assert line.once() == []
    put(file, seed=1)
    assert line.once() == []
    assert len(line.assessor.seen) == 1


def test_what_is_deleted_while_it_waits_leaves_no_trace(line: Line) -> None:
    file = line.folder / "a.png"
    results = line.live(lambda: file.write_bytes(encoded()[:50]), file.unlink, broken_after_s=60)
    assert results == [] and rows(line) == []


def test_a_burst_in_folders_of_the_folder(line: Line) -> None:
    def burst(first: int) -> None:
        for number in range(first, first + 40):
            put(line.folder / f"{number % 3}" / f"{number}.jpg", seed=number)

    results = line.live(lambda: burst(0), lambda: burst(40), lambda: burst(80), subfolders=True)
    results += line.once(subfolders=True)
    assert len(results) == 120
    assert len({one.path for one in results}) == 120


@pytest.mark.parametrize("moment", ["assess", "pictures", "finish", "after"])
def test_a_killed_program_goes_on_with_the_image_in_hand(
    line: Line, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(line.folder / "a.png", RED)
    put(line.folder / "b.png", BLUE)

    def kill(*_args: object, **_options: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        if moment == "assess":
            patch.setattr(line.assessor, "before", kill)
        elif moment == "pictures":
            patch.setattr("core.watch.kept_pictures.write_bytes_atomic", kill)
        elif moment == "finish":
            patch.setattr(WatchLog, "finish", kill)
        else:
            patch.setattr(WatchLog, "mark_announced", kill)
        line.once()
    results = line.once()
    assert told(results) == [("a.png", "reject"), ("b.png", "inconclusive")]
    assert [one.again for one in results] == [moment == "after", False]
    assert rows(line) == told(results)
    files = sorted(path.name for path in (line.out / "pictures").rglob("*.*"))
    noted = [Path(one).name for row in results for one in (row.overlay, row.mask) if one]
    assert files == sorted(noted)


def test_an_image_that_ends_the_program_again_and_again_is_given_up(line: Line) -> None:
    put(line.folder / "a.png", RED)
    put(line.folder / "b.png")

    def die_at_red(image: ImageArray) -> None:
        if image[..., 2].mean() > 200:
            raise Killed

    line.assessor.before = die_at_red
    results = []
    for _ in range(watcher._MOST_ATTEMPTS):
        with pytest.raises(Killed), line.watcher() as one:
            for judged in one.run(once=True):
                results.append(judged)
    assert told(results) == [("b.png", "accept")]  # the others do not wait behind it
    (last,) = line.once()
    assert (last.path, last.outcome) == ("a.png", "broken")
    assert "ended 5 times" in last.reasons[0]


def test_an_image_that_is_none_for_the_model_is_broken(line: Line) -> None:
    put(line.folder / "a.png")
    line.assessor.before = refuse
    (result,) = line.once()
    assert (result.outcome, result.reasons) == ("broken", ("this image is none for the model",))


def test_a_model_that_fails_at_one_image_goes_on_and_at_all_ends(line: Line) -> None:
    def fail_at_red(image: ImageArray) -> None:
        if image[..., 2].mean() > 200:
            raise RuntimeError("bad allocation")

    line.assessor.before = fail_at_red
    put(line.folder / "a.png", RED)
    put(line.folder / "b.png")
    good, bad = line.once()
    assert (good.path, bad.path, bad.outcome) == ("b.png", "a.png", "broken")
    assert "bad allocation" in bad.reasons[0]
    for number in range(6):
        put(line.folder / f"red{number}.png", RED)
    with pytest.raises(RuntimeError, match="bad allocation"):
        line.once()
    line.assessor.before = lambda image: None
    assert {one.outcome for one in line.once()} == {"reject"}  # none of them was given up
    assert len(rows(line)) == 8


@pytest.mark.parametrize("what", ["pictures", "log", "copies"])
def test_a_full_disk_is_waited_for(line: Line, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_RETRY_S", 0.01)
    for number in range(3):
        put(line.folder / f"{number}.png", BLUE)
    place = {
        "pictures": "core.watch.kept_pictures.write_bytes_atomic",
        "log": "core.watch.watch_log.WatchLog.finish",
        "copies": "core.watch.label_queue.write_bytes_atomic",
    }[what]
    real = WatchLog.finish if what == "log" else write_bytes_atomic
    tries = 0

    def full(*args: object, **options: object) -> object:
        nonlocal tries
        tries += 1
        if tries <= 5:
            if what != "log":
                raise OSError(errno.ENOSPC, "No space left on device")
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return real(*args, **options)

    monkeypatch.setattr(place, full)
    results = line.live(lambda: None, wait=60)
    assert told(results) == [(f"{number}.png", "inconclusive") for number in range(3)]
    assert line.kinds[:2] == ["no_room", "room_again"]
    assert "full" in str(line.notices[0].message)
    assert rows(line) == told(results)


def test_a_full_disk_can_be_given_up_and_nothing_is_lost(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(line.folder / "a.png", RED)
    with monkeypatch.context() as patch:

        def full(*_args: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("core.watch.kept_pictures.write_bytes_atomic", full)
        with pytest.raises(InputError, match="is full"):
            line.once()
        patch.setattr(patience, "_RETRY_S", 0.01)
        count = 0

        def on_turn() -> None:
            nonlocal count
            count += 1
            if count > 20:
                one.stop()

        with line.watcher(on_turn) as one:
            assert list(one.run()) == []
    assert told(line.once()) == [("a.png", "reject")]


def test_a_folder_that_goes_away_and_comes_back(line: Line) -> None:
    away = line.folder.with_name("away")
    put(line.folder / "a.png")
    results = line.live(
        lambda: None,
        lambda: line.folder.rename(away),
        lambda: put(away / "b.png"),
        lambda: away.rename(line.folder),
        lambda: None,
    )
    assert told(results) == [("a.png", "accept"), ("b.png", "accept")]
    assert line.kinds == ["folder_gone", "folder_back"]
    line.folder.rename(away)
    line.folder.mkdir()  # the empty place where a share is mounted
    assert line.once() == []
    line.folder.rmdir()
    away.rename(line.folder)
    assert line.once() == []
    line.folder.rename(away)
    with pytest.raises(InputError, match="cannot be read"):
        line.once()
    assert line.live(lambda: None, lambda: away.rename(line.folder), lambda: None) == []
    assert len(line.assessor.seen) == 2


def test_the_end_comes_after_the_image_in_hand(line: Line) -> None:
    for number in range(5):
        put(line.folder / f"{number}.png")
    with line.watcher() as one:
        line.assessor.before = lambda image: one.stop() if len(line.assessor.seen) == 1 else None
        assert len(list(one.run())) == 2
        assert one.waiting == 3
    assert len(line.once()) == 3


def test_one_watcher_at_a_time_and_folders_that_are_not_in_the_way(line: Line) -> None:
    with line.watcher(), pytest.raises(InputError, match="Another watcher"):
        line.watcher()
    line.once()
    other = line.folder.with_name("other")
    other.mkdir()
    with pytest.raises(InputError, match="holds results of the folder"):
        line.watcher(folder=other)
    for wrong in ({"out": line.folder}, {"folder": line.out / "in"}, {"out": line.folder.parent}):
        with pytest.raises(InputError, match="choose another --out"):
            line.watcher(**wrong)
    with pytest.raises(InputError, match="is not a folder"):
        line.watcher(folder=other / "none", out=line.out.with_name("new"))
    with pytest.raises(InputError, match="no project"):
        line.watcher(project=other)


def test_results_in_the_folder_itself_are_not_watched(line: Line) -> None:
    line.out = line.folder / "results"
    put(line.folder / "a.png", RED)
    put(line.folder / "sub" / "b.png", BLUE)
    assert len(line.once(subfolders=True)) == 2
    assert line.once(subfolders=True) == []


def test_a_name_that_is_no_unicode(line: Line) -> None:
    name = os.fsdecode(b"\xd6l.png")
    try:
        shutil.copy(put(line.folder.parent / "o.png", BLUE), line.folder / name)
    except OSError:
        pytest.skip("this disk takes no such names")
    (result,) = line.once()
    assert (result.path, result.outcome) == ("\\xd6l.png", "inconclusive")
    assert line.once() == []
    assert (line.out / "to_label").is_dir()


def test_names_as_long_as_the_disk_takes_them(line: Line) -> None:
    name = "零件" * 41 + ".png"
    put(line.folder / name, BLUE)
    (result,) = line.once()
    assert result.path == name
    assert result.overlay and (line.out / result.overlay).is_file()
    (copy,) = (line.out / "to_label").iterdir()
    assert copy.name.startswith("零件零件") and copy.suffix == ".png"


def test_old_and_large_pictures_go_and_the_log_stays(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        put(line.folder / f"{number}.png", RED)
    results = line.once()
    size = sum((line.out / one).stat().st_size for one in (results[3].overlay, results[3].mask))
    line.once(max_bytes=int(size * 1.5))
    left = [path.name for path in (line.out / "pictures").rglob("*_mask.png")]
    assert left == [Path(results[3].mask).name]
    with WatchLog(line.out) as log:
        assert [one.overlay for one in log.recent()][1:] == [None, None, None]
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 40 * 86_400)
    line.once(keep_days=30)
    assert not list((line.out / "pictures").rglob("*.*"))
    assert len(rows(line)) == 4


def test_the_log_forgets_what_is_old_and_gone_but_not_the_counts(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(line.folder / "a.png")
    put(line.folder / "b.png")
    line.once()
    (line.folder / "b.png").unlink()
    line.once(log_days=1)
    assert len(rows(line)) == 2
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 3 * 86_400)
    line.once(log_days=1)
    assert rows(line) == [("a.png", "accept")]  # it would be judged again
    assert line.once(log_days=1) == []
    with WatchLog(line.out) as log:
        assert log.counts_by_day()[0].total == 2


def test_a_clock_that_jumps_deletes_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    put(line.folder / "a.png", RED)
    (result,) = line.once()
    real = time.time
    line.live(
        lambda: monkeypatch.setattr(time, "time", lambda: real() + 400 * 86_400),
        lambda: put(line.folder / "b.png"),
        keep_days=30,
    )
    assert line.kinds == ["clock"]
    assert (line.out / result.overlay).is_file()
    with WatchLog(line.out) as log:
        assert [one.path for one in log.recent()] == ["b.png", "a.png"]
    monkeypatch.setattr(time, "time", lambda: real() - 400 * 86_400)
    put(line.folder / "c.png")
    assert told(line.once()) == [("c.png", "accept")]


def test_odd_images_are_chosen_to_be_labelled(line: Line) -> None:
    for number in range(20):
        put(line.folder / f"{number}.png", seed=number)
    assert not any(one.to_label for one in line.once(learn_from=20))
    put(line.folder / "dark.png", (2, 9, 2))
    put(line.folder / "usual.png")
    dark, usual = line.once(learn_from=20)  # what is usual was kept
    assert "darker than usual" in dark.oddities[0] and dark.to_label
    assert usual.oddities == () and not usual.to_label
    line.assessor.confidence = 0.5
    put(line.folder / "unsure.png")
    (unsure,) = line.once(learn_from=20)
    assert "confidence 0.50" in unsure.oddities[0] and unsure.outcome == "accept"
    names = sorted(path.name.rpartition("-")[0] for path in (line.out / "to_label").iterdir())
    assert names == ["dark", "unsure"]


def test_statistics_of_the_training_count_from_the_first_image(line: Line) -> None:
    usual = {"images": 100, "brightness": {"mean": 0.9, "deviation": 0.02}}
    line.assessor.statistics = usual
    put(line.folder / "a.png")
    (result,) = line.once()
    assert "darker than usual: brightness" in result.oddities[0]


def test_no_more_are_chosen_a_day_than_people_can_label(line: Line) -> None:
    for number in range(5):
        put(line.folder / f"{number}.png", BLUE, seed=number)
    assert [one.to_label for one in line.once(most_to_label=3)] == [True] * 3 + [False] * 2
    assert line.kinds == ["label_limit"]
    with WatchLog(line.out) as log:
        assert len(log.to_label()) == 3


def test_grey_and_deep_images_are_judged_as_networks_see_them(line: Line) -> None:
    import cv2

    deep = (picture(GREEN)[..., 0].astype("uint16")) * 16
    cv2.imwrite(str(line.folder.parent / "deep.png"), deep)
    shutil.copy(line.folder.parent / "deep.png", line.folder)
    assert told(line.once()) == [("deep.png", "accept")]
