"""A folder that is watched from the Ship panel."""

from __future__ import annotations

import sqlite3

import numpy as np
import ship_parts as parts
from PySide6.QtWidgets import QFileDialog
from ship_parts import context, panel, project, refresh, root, show

from app.panels.ship.stage_bar import Stage
from app.panels.ship.watch_follower import results_folder
from core.images.io import write_image, write_mask
from core.runs.events import Warned
from core.watch import WatchLog
from core.watch.folder_scan import Stamp
from core.watch.log_rows import Result

__all__ = ["context", "panel", "project", "root"]


def log_image(log: WatchLog, path: str, outcome: str, **result) -> None:
    id_, _ = log.claim(path, Stamp(10, 5), path, arrived=1000.0)
    log.finish(
        id_,
        Result(judged=1_700_000_000.0, outcome=outcome, **result),
        settings={},
    )


def test_a_folder_is_watched_with_the_export(
    qtbot, panel, project, root, context, tmp_path, monkeypatch
) -> None:
    show(qtbot, panel, project)
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    refresh(qtbot, panel)
    live = tmp_path / "line 3"
    live.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(live))
    watch = panel.page.exports.watch
    watch.empty.button.click()
    out = results_folder(project, live)
    assert context.started == [
        {"kind": "watch", "export_dir": export, "folder": live, "out_dir": out}
    ]
    assert out.is_relative_to(project.folder)


def test_without_an_export_watching_begins_with_one(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    panel.page.exports.watch.empty.button.click()
    assert [one["kind"] for one in context.started] == ["export"]


def test_what_was_watched_is_counted_and_shown(
    qtbot, panel, project, root, context, tmp_path, monkeypatch
) -> None:
    live, out = tmp_path / "line 3", tmp_path / "out"
    live.mkdir()
    out.mkdir()
    write_image(live / "a.png", np.zeros((20, 30, 3), np.uint8))
    (out / "pictures").mkdir()
    write_mask(out / "pictures" / "a.png", np.ones((20, 30), np.uint8))
    write_image(out / "pictures" / "b.jpg", np.zeros((20, 30, 3), np.uint8))
    with WatchLog(out, create=True) as log:
        log_image(log, "a.png", "reject", reasons=("too long",), objects={"hole 孔": 2},
                  mask="pictures/a.png", overlay="pictures/a.jpg")  # fmt: skip
        log_image(log, "b.png", "inconclusive", overlay="pictures/b.jpg", to_label="b-1.png")
        log_image(log, "c.png", "broken", reasons=("It cannot be read.",))
    run_id = parts.record_watch(project, root, live, out, "running")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.EXPORT)
    panel.page.exports.show_tab("watch")
    watch = panel.page.exports.watch
    assert (watch.folder.text(), watch.state.text()) == (str(live), "watching")
    header = [watch.days.horizontalHeaderItem(i).text() for i in range(watch.days.columnCount())]
    assert header == ["Day", "Images", "inconclusive", "reject", "not readable", "hole 孔"]
    cells = [watch.days.item(0, i).text() for i in range(6)]
    assert cells[1:] == ["3", "1", "1", "1", "2"]
    newest = watch.review.images
    assert [one.image.name for one in newest] == ["c.png", "b.png", "a.png"]
    assert newest[1].picture == out / "pictures/b.jpg"  # the image was moved on
    assert (newest[2].picture, newest[2].label_map) == (None, out / "pictures/a.png")
    assert panel.watch_facts.isVisibleTo(panel.choices)
    assert not panel.export_choices.isVisibleTo(panel.choices)
    assert "1 image is" in watch.queue.text()

    panel.job_event(str(run_id), Warned("The disk is full."))
    assert watch.problem.text() == "The disk is full."
    stopped = []
    monkeypatch.setattr(context.jobs, "stop", stopped.append)
    watch.stop_button.click()
    assert stopped == [str(run_id)]
    project.set_run_state(run_id, "cancelled")
    refresh(qtbot, panel)
    assert watch.state.text() == "stopped"
    assert len(watch.review.images) == 3  # what it came to is still shown
    with sqlite3.connect(out / "watch.db") as connection:
        connection.execute("DROP TABLE day_class")
    refresh(qtbot, panel)  # a log that cannot be read now is passed over


def test_what_is_to_be_labelled_comes_into_the_project(
    qtbot, panel, project, root, context, tmp_path
) -> None:
    out = tmp_path / "out"
    (out / "to_label").mkdir(parents=True)
    write_image(out / "to_label" / "b-1.png", np.full((20, 30, 3), 9, np.uint8))
    with WatchLog(out, create=True) as log:
        log_image(log, "b.png", "inconclusive", reasons=("of 1.5 mm",), to_label="b-1.png")
    parts.record_watch(project, root, tmp_path, out, "cancelled")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.EXPORT)
    panel.page.exports.show_tab("watch")
    changed = []
    context.dataset_changed.connect(lambda: changed.append(True))
    before = len(project.images())
    watch = panel.page.exports.watch
    watch.deliver_button.click()
    qtbot.waitUntil(lambda: not watch.deliver_button.isVisibleTo(watch), timeout=10_000)
    assert len(project.images()) == before + 1
    assert changed
