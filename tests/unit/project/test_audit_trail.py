"""The audit trail: what a project says was done to it."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from project_samples import write_images

from core.project import Project, audit_trail
from core.project.audit_trail import AuditTrail, write_table
from core.system.messages import message


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "项目 a", "P", labels=["Crack"]) as made:
        made.add_images(write_images(tmp_path / "图", 5))
        yield made


def said(project):
    return [str(change.what) for change in project.trail.changes()]


def test_what_people_do_to_a_project_is_told_in_its_order(project):
    ids = project.image_ids()
    size = project.image(ids[0])
    mask = np.zeros((size.height, size.width), np.uint8)
    mask[2:5, 2:5] = 1
    project.save_label_map(ids[0], mask)
    project.save_label_map(ids[0], mask)  # nothing changed
    project.set_state(ids, "reviewed")
    project.set_subset(ids[:1], "val")
    project.rename_class(1, "Hairline")
    removed = project.remove_images(ids[1:2])
    project.restore_images(removed)
    run = project.new_run("train", "FastSCNN")
    first, *rest = said(project)[-8:]
    names = [row.name for row in project.images()]
    assert first.startswith("Imported from ") and "5 new images" in first
    assert rest == [
        f"{names[0]}: labels changed.",
        f"{', '.join(names[:3])} +2: marked as reviewed.",
        f"{names[0]}: moved to val.",
        "The class “Crack” was renamed “Hairline”.",
        f"{names[1]}: removed from the project.",
        "Removed images were brought back.",
        f"Asked for: {run.name} (train).",
    ]
    assert said(project)[0] == "The project was made."


def test_it_says_who_and_when_and_is_there_for_the_next_window(project, monkeypatch):
    monkeypatch.setattr(audit_trail.getpass, "getuser", lambda: "李 Ann")
    before = len(said(project))
    file = project.folder / audit_trail.FILE_NAME
    AuditTrail(file, writable=True).note(message("{name}: opened.", name="缺陷"))
    change = AuditTrail(file, writable=False).changes()[-1]
    assert (change.user, str(change.what)) == ("李 Ann", "缺陷: opened.")
    assert change.time == pytest.approx(file.stat().st_mtime, abs=5)
    AuditTrail(file, writable=False).note(message("Nothing."))
    assert len(said(project)) == before + 1


def test_strokes_on_one_image_are_one_change(project, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(audit_trail.time, "time", lambda: now[0])
    one, other = message("{a}", a="a.png"), message("{a}", a="b.png")
    before = len(said(project))
    for what, moment in ((one, 1000), (one, 1500), (one, 2000), (other, 2001), (one, 2002)):
        now[0] = moment
        project.trail.note(what)
    assert said(project)[before:] == ["a.png", "b.png", "a.png"]
    now[0] = 5000
    project.trail.note(one)
    assert said(project)[before:] == ["a.png", "b.png", "a.png", "a.png"]


def test_damaged_lines_are_left_out_and_the_table_is_for_spreadsheets(project, tmp_path):
    file = project.folder / audit_trail.FILE_NAME
    whole = len(said(project))
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"time": 1, "user": "x", "what": "{other}", "params": {}}\n[]\n{"ti')
    assert len(said(project)) == whole
    rows = [(change.time, change.user, str(change.what)) for change in project.trail.changes()]
    table = tmp_path / "表 a.csv"
    write_table(table, ("When", "Who", "What"), rows)
    with table.open(encoding="utf-8-sig", newline="") as stream:
        read = list(csv.reader(stream))
    assert read[0] == ["When", "Who", "What"]
    assert [line[2] for line in read[1:]] == said(project)
