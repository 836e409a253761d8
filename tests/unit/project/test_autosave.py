"""Document, journal and autosave: what was painted is saved, or comes back."""

from __future__ import annotations

import threading
import zlib
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from core.annotation.brush import Brush
from core.annotation.document import MaskDocument
from core.annotation.edits import PaintRule, Region
from core.annotation.polygon import rectangle_region
from core.annotation.shapes import Outline
from core.images.io import write_image
from core.project import Project, State
from core.project.autosave import Autosave, recover
from core.project.journal import FOLDER, Change, Journal, LabelStatus, Patch, read_journal
from core.system.errors import InputError

SIZE = (60, 40)


@pytest.fixture
def project(tmp_path: Path):
    paths = [tmp_path / f"图 {number}.png" for number in range(3)]
    for path in paths:
        write_image(path, np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    with Project.create(tmp_path / "项目 1", labels=["background", "a", "b"]) as made:
        made.add_images(paths)
        yield made


def blank() -> np.ndarray:
    return np.zeros((SIZE[1], SIZE[0]), np.uint8)


def box_of(x0: int, y0: int, x1: int, y1: int) -> Region:
    found = rectangle_region((x0, y0), (x1 - 1, y1 - 1), size=SIZE)
    assert found is not None
    return found


def patches_of(path: Path) -> list[Patch]:
    return [patch for change in read_journal(path, SIZE) for patch in change.patches]


class Watcher:
    """An ``Autosave`` whose callbacks are counted."""

    def __init__(self, project: Project, *, pause_s: float = 0.0) -> None:
        self.saved: list[tuple[int, str | None]] = []
        self.failed: list[Exception] = []
        self.autosave = Autosave(
            project,
            on_saved=lambda id_, hash_: self.saved.append((id_, hash_)),
            on_failed=lambda _id, error: self.failed.append(error),
            pause_s=pause_s,
        )

    def open(self, image_id: int, mask: np.ndarray) -> MaskDocument:
        self.autosave.open(image_id, mask.copy())
        document = MaskDocument(mask, image_id)
        document.on_committed = lambda boxes: self.autosave.commit(image_id, document.mask, boxes)
        return document


def test_document_tells_strokes_when_drawn_and_once_when_done() -> None:
    document = MaskDocument(blank(), 1)
    drawn: list[object] = []
    committed: list[object] = []
    document.on_drawn, document.on_committed = drawn.append, committed.append
    document.rule = PaintRule(frozenset({2}))
    document.mask[:, 30:] = 2
    document.begin_stroke(Brush(4), 1, name="brush")
    document.stroke_to(20, 20)
    document.stroke_to(40, 20)
    assert len(drawn) == 2 and not committed
    assert document.finish_stroke() and len(committed) == 1
    assert (document.mask[:, 30:] == 2).all() and document.mask[20, 25] == 1
    assert document.undo() is not None and not (document.mask == 1).any()
    assert document.redo() is not None and document.mask[20, 25] == 1
    assert not document.paint(box_of(30, 0, 40, 10), 1, name="all protected")
    assert document.class_at(59.9, 39.9) == 2
    assert document.class_at(60, 10) is None and document.class_at(-0.1, 0) is None


def test_shape_painted_again_gives_back_what_it_covered() -> None:
    document = MaskDocument(blank(), 1)
    document.mask[:, 20:] = 2
    before = document.mask.copy()
    between = partial(Outline.between, "rectangle")
    opened = document.add_shape(between((10, 10), (29, 29)), 1, name="shape")
    assert opened is not None
    opened = document.repaint(opened, between((5, 5), (14, 14)), 1, name="shape")
    assert opened is not None
    expected = before.copy()
    expected[5:15, 5:15] = 1
    assert np.array_equal(document.mask, expected)
    document.repaint(opened, None, 1, name="shape")
    assert np.array_equal(document.mask, before)
    for _ in range(3):
        document.undo()
    assert np.array_equal(document.mask, before)
    document.redo()
    assert (document.mask[10:30, 10:30] == 1).all()


def test_last_state_wins_and_the_journal_goes(project: Project) -> None:
    watcher = Watcher(project, pause_s=0.05)
    image_id = project.image_ids()[0]
    document = watcher.open(image_id, blank())
    for step in range(20):
        document.paint(box_of(step, step, step + 5, step + 5), 1 + step % 2, name="x")
    journal = project.folder / FOLDER / f"{image_id}.journal"
    assert journal.stat().st_size > 0
    assert watcher.autosave.flush()
    saved = project.label_map(image_id)
    assert saved is not None and np.array_equal(saved, document.mask)
    assert project.image(image_id).mask_hash == watcher.saved[-1][1]
    assert len(watcher.saved) < 20, "strokes in a row should become one save"
    assert not journal.exists()
    document.undo()
    watcher.autosave.release(image_id)
    assert watcher.autosave.close()
    again = project.label_map(image_id)
    assert again is not None and np.array_equal(again, document.mask)
    assert project.image(image_id).state == "labelled"


def test_several_images_are_saved_after_they_were_left(project: Project) -> None:
    watcher = Watcher(project, pause_s=10.0)
    masks = {}
    for image_id in project.image_ids():
        document = watcher.open(image_id, blank())
        document.paint(box_of(image_id, 0, image_id + 3, 3), 1, name="x")
        masks[image_id] = document.mask
        watcher.autosave.release(image_id)
    assert watcher.autosave.close()
    for image_id, mask in masks.items():
        saved = project.label_map(image_id)
        assert saved is not None and np.array_equal(saved, mask)


def test_change_during_a_save_is_saved_too(project: Project, monkeypatch) -> None:
    watcher = Watcher(project)
    image_id = project.image_ids()[0]
    document = watcher.open(image_id, blank())
    inside, go_on = threading.Event(), threading.Event()
    really = project.save_label_map

    def slow(id_: int, mask: np.ndarray, *, state: State | None, shapes_text: str) -> str:
        inside.set()
        assert go_on.wait(20)
        return really(id_, mask)

    monkeypatch.setattr(project, "save_label_map", slow)
    document.paint(box_of(0, 0, 5, 5), 1, name="x")
    assert inside.wait(20)
    document.paint(box_of(10, 10, 20, 20), 2, name="x")
    go_on.set()
    assert watcher.autosave.close()
    saved = project.label_map(image_id)
    assert saved is not None and np.array_equal(saved, document.mask)
    assert len(watcher.saved) == 2


def test_failed_save_is_told_and_tried_again(project: Project, monkeypatch) -> None:
    watcher = Watcher(project)
    image_id = project.image_ids()[0]
    document = watcher.open(image_id, blank())
    really = project.save_label_map
    problem = InputError("The disk is full.")

    def refuse(_id: int, _mask: np.ndarray, *, state: State | None, shapes_text: str) -> str:
        raise problem

    monkeypatch.setattr(project, "save_label_map", refuse)
    document.paint(box_of(0, 0, 5, 5), 1, name="x")
    assert not watcher.autosave.flush(timeout_s=20)
    assert watcher.failed[0] is problem and watcher.autosave.pending(image_id)
    assert (project.folder / FOLDER / f"{image_id}.journal").exists()
    monkeypatch.setattr(project, "save_label_map", really)
    assert watcher.autosave.close()
    saved = project.label_map(image_id)
    assert saved is not None and np.array_equal(saved, document.mask)


def test_unsaved_strokes_come_back(project: Project) -> None:
    watcher = Watcher(project, pause_s=1000.0)
    first, second, third = project.image_ids()
    project.save_label_map(second, np.full_like(blank(), 2))
    documents = {
        first: watcher.open(first, blank()),
        second: watcher.open(second, np.full_like(blank(), 2)),
    }
    for document in documents.values():
        document.paint(box_of(3, 3, 9, 9), 1, name="x")
        document.paint(box_of(5, 5, 20, 20), 0, name="x")
        document.undo()
    # As after a kill: nothing was saved, the journals are there, one of them torn.
    torn = project.folder / FOLDER / f"{second}.journal"
    torn.write_bytes(torn.read_bytes() + b"\x00\x01torn")
    (project.folder / FOLDER / f"{third}.journal").write_bytes(b"nonsense")
    assert recover(project) == [project.image(id_).name for id_ in (first, second)]
    for image_id, document in documents.items():
        saved = project.label_map(image_id)
        assert saved is not None and np.array_equal(saved, document.mask)
    assert project.label_map(third) is None
    assert list((project.folder / FOLDER).iterdir()) == []
    assert recover(project) == []


def test_replay_over_a_mask_that_has_some_patches_already(project: Project) -> None:
    image_id = project.image_ids()[0]
    journal = Journal(project.folder / FOLDER / f"{image_id}.journal", SIZE)
    mask = blank()
    states = []
    for step in range(4):
        mask[step : step + 10, step : step + 10] = 1 + step % 2
        journal.append([Patch.of(mask, (step, step, step + 10, step + 10))])
        states.append(mask.copy())
    for saved in states:
        replayed = saved.copy()
        for patch in patches_of(journal.path):
            patch.apply(replayed)
        assert np.array_equal(replayed, mask)


@pytest.mark.parametrize("damage", ["box", "checksum", "size", "empty"])
def test_damaged_journals_change_nothing(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "1.journal"
    journal = Journal(path, SIZE)
    journal.append([Patch((0, 0, 5, 5), np.ones((5, 5), np.uint8))])
    data = bytearray(path.read_bytes())
    if damage == "box":
        body = data[20:]
        body[8:12] = (1000).to_bytes(4, "little")
        data[16:] = zlib.crc32(body).to_bytes(4, "little") + body
    elif damage == "checksum":
        data[-1] ^= 255
    elif damage == "empty":
        data.clear()
    path.write_bytes(data)
    size = (59, 40) if damage == "size" else SIZE
    assert list(read_journal(path, size)) == []


def test_change_that_was_cut_off_is_left_out_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "1.journal"
    mask = np.ones((SIZE[1], SIZE[0]), np.uint8)
    journal = Journal(path, SIZE)
    journal.append([Patch.of(mask, (0, 0, 5, 5))])
    whole = path.stat().st_size
    journal.append([Patch.of(mask, (x, 0, x + 5, 5)) for x in (10, 20, 30)])
    data = path.read_bytes()
    for end in range(whole, len(data)):
        path.write_bytes(data[:end])
        assert [patch.box for patch in patches_of(path)] == [(0, 0, 5, 5)]
    path.write_bytes(data)
    assert len(patches_of(path)) == 4


def test_large_change_goes_to_the_journal_in_the_thread(tmp_path: Path) -> None:
    side = 1400
    path = tmp_path / "large.png"
    write_image(path, np.zeros((side, side, 3), np.uint8))
    with Project.create(tmp_path / "p", labels=["background", "a"]) as project:
        project.add_images([path])
        image_id = project.image_ids()[0]
        watcher = Watcher(project)
        document = watcher.open(image_id, np.zeros((side, side), np.uint8))
        whole = Region((0, 0, side, side), np.ones((side, side), np.bool_))
        document.paint(whole, 1, name="all")
        document.paint(Region((0, 0, 9, 9), np.ones((9, 9), np.bool_)), 0, name="corner")
        assert watcher.autosave.close()
        saved = project.label_map(image_id)
        assert saved is not None and np.array_equal(saved, document.mask)


def test_large_change_is_journalled_while_a_save_goes_on(project: Project, monkeypatch) -> None:
    monkeypatch.setattr("core.project.autosave._AT_ONCE_PIXELS", 10)
    saving, go_on = threading.Event(), threading.Event()
    save = project.save_label_map

    def slow(image_id: int, mask: np.ndarray, *, state: State | None, shapes_text: str) -> str:
        saving.set()
        assert go_on.wait(20)
        return save(image_id, mask, state=state)

    monkeypatch.setattr(project, "save_label_map", slow)
    watcher = Watcher(project)
    image_id = project.image_ids()[0]
    document = watcher.open(image_id, blank())
    document.paint(box_of(0, 0, 10, 10), 1, name="first")
    assert saving.wait(20)
    document.paint(box_of(20, 20, 30, 30), 2, name="second")
    journal = project.folder / FOLDER / f"{image_id}.journal"
    found = blank()
    for _ in range(200):
        for patch in patches_of(journal):
            patch.apply(found)
        if np.array_equal(found, document.mask):
            break
        threading.Event().wait(0.02)
    try:
        assert np.array_equal(found, document.mask)
    finally:
        go_on.set()
        assert watcher.autosave.close()
    saved = project.label_map(image_id)
    assert saved is not None and np.array_equal(saved, document.mask)


UNTOUCHED = LabelStatus("unlabelled", has_mask=False)


def paint_and_undo(watcher: Watcher, image_id: int, status: LabelStatus, start: np.ndarray) -> None:
    """A stroke, and then all undone."""
    document = watcher.open(image_id, start)
    document.paint(box_of(3, 3, 9, 9), 1, name="x")
    watcher.autosave.flush()
    document.on_committed = lambda boxes: watcher.autosave.commit(
        image_id, document.mask, boxes, status=status
    )
    document.undo()


def test_an_image_can_be_without_a_mask_again(project: Project) -> None:
    watcher = Watcher(project)
    first, second = project.image_ids()[:2]
    project.save_label_map(second, np.full_like(blank(), 2), state="reviewed")
    paint_and_undo(watcher, first, UNTOUCHED, blank())
    paint_and_undo(watcher, second, LabelStatus("unlabelled"), np.full_like(blank(), 2))
    assert watcher.autosave.close()
    assert watcher.saved[1] == (first, None)
    assert project.label_map(first) is None and project.image(first).state == "unlabelled"
    kept = project.label_map(second)
    assert kept is not None and (kept == 2).all() and project.image(second).state == "unlabelled"


@pytest.mark.parametrize("is_saved", [False, True])
def test_after_a_kill_an_image_without_strokes_has_no_mask(project: Project, is_saved) -> None:
    image_id = project.image_ids()[0]
    mask = blank()
    mask[3:9, 3:9] = 1
    if is_saved:
        project.save_label_map(image_id, mask)
    journal = Journal(project.folder / FOLDER / f"{image_id}.journal", SIZE)
    if not is_saved:
        journal.append([Patch.of(mask, (3, 3, 9, 9))])
    journal.append([Patch.of(blank(), (3, 3, 9, 9))], UNTOUCHED)
    assert [change.status for change in read_journal(journal.path, SIZE)][-1] == UNTOUCHED
    assert bool(recover(project)) is is_saved  # nothing came back where nothing was saved
    assert project.label_map(image_id) is None and project.image(image_id).state == "unlabelled"


def test_after_a_kill_a_step_done_again_has_its_state_again(project: Project) -> None:
    image_id = project.image_ids()[0]
    mask = blank()
    mask[3:9, 3:9] = 1
    journal = Journal(project.folder / FOLDER / f"{image_id}.journal", SIZE)
    journal.append([Patch.of(blank(), (3, 3, 9, 9))], UNTOUCHED)
    journal.append([Patch.of(mask, (3, 3, 9, 9))], LabelStatus("draft"))
    assert recover(project)
    saved = project.label_map(image_id)
    assert saved is not None and np.array_equal(saved, mask)
    assert project.image(image_id).state == "draft"


def test_a_journal_with_an_unknown_state_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "1.journal"
    journal = Journal(path, SIZE)
    journal.append([Patch.of(blank(), (3, 3, 9, 9))])
    journal.append([Patch.of(blank(), (3, 3, 9, 9))], LabelStatus(cast("State", "done")))
    changes: list[Change] = list(read_journal(path, SIZE))
    assert len(changes) == 1
