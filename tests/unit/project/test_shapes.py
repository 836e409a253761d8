"""Shapes in the project: saved with their mask, out of date but never wrong, back after a kill."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from project_samples import SIZE, mask, project, write_images
from shape_samples import outline_of

from core.annotation.document import MaskDocument
from core.annotation.shape_text import joined_texts, shape_text, shapes_from_text, texts_of
from core.annotation.shapes import Outline, Shapes, changed, changes_between
from core.data.formats import ImportedImage, ImportResult
from core.images.io import write_image
from core.project import Project
from core.project.autosave import Autosave, recover
from core.project.journal import FOLDER, Journal, Patch, read_journal

__all__ = ["project"]
rectangle = partial(Outline.between, "rectangle")


@pytest.fixture
def image_id(project: Project, tmp_path: Path) -> int:
    project.add_images(write_images(tmp_path / "图 像", 2))
    return project.image_ids()[0]


def shapes_of(project: Project, image_id: int) -> Shapes:
    return shapes_from_text(project.shapes_text(image_id) or "[]")


def document(project: Project, image_id: int) -> MaskDocument:
    found = project.label_map(image_id)
    values = np.zeros((SIZE[1], SIZE[0]), np.uint8) if found is None else found
    return MaskDocument(values, image_id, shapes=shapes_of(project, image_id))


def save(project: Project, doc: MaskDocument) -> None:
    text = joined_texts(map(shape_text, doc.layers.shapes))
    project.save_label_map(doc.image_id, doc.mask, shapes_text=text)


def two_shapes(project: Project, image_id: int) -> MaskDocument:
    """Class 1 below class 2, both over a stripe of class 2."""
    doc = document(project, image_id)
    doc.mask[2:4] = 2
    doc.add_shape(rectangle((2, 2), (9, 9)), 1, name="x")
    doc.add_shape(Outline.between("ellipse", (8, 5), (15.5, 12)), 2, name="x")
    save(project, doc)
    return doc


def rows(project: Project) -> int:
    with closing(sqlite3.connect(project.folder / "project.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM image_shapes").fetchone()[0])


def test_shapes_come_back_as_they_were_saved(project: Project, image_id: int) -> None:
    assert project.shapes_text(image_id) is None
    doc = two_shapes(project, image_id)
    again = shapes_of(project, image_id)
    assert len(again) == 2 and not changes_between(doc.layers.shapes, again)
    assert again[0].ground == doc.layers.shapes[0].ground != b""
    folder = project.folder
    with Project.open(folder, read_only=True) as reader:
        assert reader.shapes_text(image_id) == project.shapes_text(image_id)
    opened = document(project, image_id)
    edited = opened.open_shape(again[0])
    assert edited is not None
    opened.repaint(edited, None, 1, name="x")
    assert (opened.mask[2:4] == 2).all()  # what was beneath came back, too


def test_shapes_of_another_mask_do_not_count(project: Project, image_id: int) -> None:
    doc = two_shapes(project, image_id)
    with_shapes = doc.mask.copy()
    project.save_label_map(image_id, mask(0, 1))
    assert project.shapes_text(image_id) is None
    project.save_label_map(image_id, with_shapes)
    assert len(shapes_of(project, image_id)) == 2
    project.clear_label_map(image_id)
    assert project.shapes_text(image_id) is None
    project.save_label_map(image_id, with_shapes, shapes_text="[]")
    assert project.shapes_text(image_id) is None and rows(project) == 0


def test_one_list_of_shapes_is_kept_an_image(project: Project, image_id: int) -> None:
    doc = two_shapes(project, image_id)
    for place in range(4):
        doc.add_shape(rectangle((place, 14), (place + 4, 15)), 1, name="x")
        save(project, doc)
        assert rows(project) == 1
    project.save_label_map(image_id, mask(0, 2))
    assert rows(project) == 1
    project.collect_garbage()
    assert rows(project) == 0
    two_shapes(project, image_id)
    project.remove_images([image_id])
    assert rows(project) == 0


def test_undoing_an_import_brings_the_shapes_back(project: Project, image_id: int) -> None:
    doc = two_shapes(project, image_id)
    path = project.image(image_id).path
    imported = mask(2, 1)
    item = ImportedImage(path, lambda: imported, "train")
    names = [label.name for label in project.labels()]
    project.import_result(ImportResult([item], names, []), replace=True)
    assert project.shapes_text(image_id) is None
    project.collect_garbage()
    assert project.undo_last_import() is not None
    assert not changes_between(doc.layers.shapes, shapes_of(project, image_id))


def test_merged_classes_take_their_shapes_along(project: Project, image_id: int) -> None:
    two_shapes(project, image_id)
    project.merge_class(1, 2)
    doc = document(project, image_id)
    assert [shape.class_id for shape in doc.layers.shapes] == [2, 2]
    assert all(doc.open_shape(shape) is not None for shape in doc.layers.shapes)
    opened = doc.open_shape(doc.layers.shapes[0])
    assert opened is not None
    doc.repaint(opened, None, 2, name="x")
    assert (doc.mask[2:4, 2:8] == 2).all()  # the stripe beneath has its new class as well


def test_shapes_of_a_deleted_class_go_and_those_they_covered(
    project: Project,
    image_id: int,
) -> None:
    doc = two_shapes(project, image_id)
    doc.add_shape(rectangle((18, 10), (22, 14)), 1, name="x")
    save(project, doc)
    project.merge_class(2, 0)
    doc = document(project, image_id)
    assert [shape.id for shape in doc.layers.shapes] == [3]
    assert doc.open_shape(doc.layers.shapes[0]) is not None


def test_classes_beneath_shapes_are_replaced_where_the_mask_has_none(
    project: Project,
    image_id: int,
) -> None:
    doc = document(project, image_id)
    doc.mask[5:8, 5:8] = 2
    doc.add_shape(rectangle((4, 4), (9, 9)), 1, name="x")
    save(project, doc)
    assert project.images_with_class(2) == 0
    project.merge_class(2, 0)
    doc = document(project, image_id)
    opened = doc.open_shape(doc.layers.shapes[0])
    assert opened is not None
    doc.repaint(opened, None, 1, name="x")
    assert not doc.mask.any()


def test_damaged_shapes_do_not_keep_classes_from_being_merged(
    project: Project,
    image_id: int,
) -> None:
    for text in ("{", '{"a": 1}', "[[1]]", "[" * 5000, '[[1, 1, "polygon", [["a", 1]]]]', "[{}]"):
        project.save_label_map(image_id, mask(0, 1, 2), shapes_text=text)
        assert project.shapes_text(image_id) == text
        added = project.add_class("extra")
        project.merge_class(added.id, 1)
        assert project.shapes_text(image_id) is None


def random_edit(doc: MaskDocument, rng: np.random.Generator) -> None:
    shapes = doc.layers.shapes
    if not shapes or rng.random() < 0.5:
        doc.add_shape(outline_of(rng, SIZE), int(rng.integers(1, 3)), name="x")
    elif rng.random() < 0.3:
        doc.undo()
    else:
        opened = doc.open_shape(shapes[int(rng.integers(len(shapes)))])
        assert opened is not None
        outline = opened.shape.outline.moved(*rng.integers(-4, 5, 2).tolist())
        doc.repaint(opened, outline, opened.shape.class_id, name="x")


@pytest.mark.parametrize("seed", range(3))
def test_autosave_stores_what_the_document_has(
    project: Project,
    image_id: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    failed: list[Exception] = []
    autosave = Autosave(
        project,
        on_saved=lambda _id, _hash: None,
        on_failed=lambda _id, error: failed.append(error),
        pause_s=0.0,
    )
    for _ in range(3):
        doc = document(project, image_id)
        autosave.open(image_id, doc.mask.copy(), doc.layers.shapes)
        doc.on_committed = lambda boxes, doc=doc: autosave.commit(
            image_id, doc.mask, boxes, shapes=doc.shape_changes
        )
        for _ in range(6):
            random_edit(doc, rng)
        assert autosave.flush()
        autosave.release(image_id)
        saved = project.label_map(image_id)
        assert saved is not None and np.array_equal(saved, doc.mask)
        assert doc.layers.shapes
        assert not changes_between(doc.layers.shapes, shapes_of(project, image_id))
    assert autosave.close() and not failed


def test_every_beginning_of_a_journal_gives_shapes_that_are_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    doc = MaskDocument(np.zeros((SIZE[1], SIZE[0]), np.uint8), 1)
    journal = Journal(tmp_path / "1.journal", SIZE)
    states = [(doc.mask.copy(), doc.layers.shapes)]
    ends = [0]

    def commit(boxes) -> None:
        journal.append(
            [Patch.of(doc.mask, box) for box in boxes], shapes=texts_of(doc.shape_changes)
        )
        states.append((doc.mask.copy(), doc.layers.shapes))
        ends.append(journal.path.stat().st_size)

    doc.on_committed = commit
    for _ in range(12):
        random_edit(doc, rng)
    whole = journal.path.read_bytes()
    cut = tmp_path / "cut.journal"
    for length in range(0, len(whole) + 1, 7):
        cut.write_bytes(whole[:length])
        values, shapes = np.zeros_like(doc.mask), ()
        for change in read_journal(cut, SIZE):
            for patch in change.patches:
                patch.apply(values)
            shapes = changed(shapes, change.shapes)
        expected = states[sum(end <= length for end in ends[1:])]
        assert np.array_equal(values, expected[0])
        assert not changes_between(expected[1], shapes)


@pytest.mark.parametrize("is_saved", [False, True])
def test_shapes_survive_a_kill(project: Project, image_id: int, is_saved: bool) -> None:
    rng = np.random.default_rng(4)
    doc = two_shapes(project, image_id)
    journal = Journal(project.folder / FOLDER / f"{image_id}.journal", SIZE)

    def commit(boxes) -> None:
        journal.append(
            [Patch.of(doc.mask, box) for box in boxes], shapes=texts_of(doc.shape_changes)
        )

    doc.on_committed = commit
    for step in range(10):
        random_edit(doc, rng)
        if is_saved and step == 5:
            save(project, doc)  # some of the journal is in the project already
    assert recover(project) == [project.image(image_id).name]
    saved = project.label_map(image_id)
    assert saved is not None and np.array_equal(saved, doc.mask)
    assert not changes_between(doc.layers.shapes, shapes_of(project, image_id))
    assert recover(project) == []


def test_a_shape_too_large_to_be_journalled_at_once_survives_a_kill(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.png"
    write_image(path, np.zeros((600, 1024, 3), np.uint8))
    project.add_images([path])
    image_id = project.image_ids()[-1]

    def refuse(*_values: object, **_named: object) -> str:
        raise OSError("no disk")

    with monkeypatch.context() as patch:
        patch.setattr(project, "save_label_map", refuse)
        autosave = Autosave(
            project, on_saved=lambda *_: None, on_failed=lambda *_: None, pause_s=0.0
        )
        doc = MaskDocument(np.zeros((600, 1024), np.uint8), image_id)
        autosave.open(image_id, doc.mask.copy())
        doc.on_committed = lambda boxes: autosave.commit(
            image_id, doc.mask, boxes, shapes=doc.shape_changes
        )
        doc.add_shape(rectangle((0, 0), (1023, 599)), 1, name="x")
        assert not autosave.close(timeout_s=20)
    assert recover(project) == ["large.png"]
    assert not changes_between(doc.layers.shapes, shapes_of(project, image_id))
    assert len(doc.layers.shapes) == 1


def test_a_change_of_vertices_alone_survives_a_kill(project: Project, image_id: int) -> None:
    doc = two_shapes(project, image_id)
    journal = Journal(project.folder / FOLDER / f"{image_id}.journal", SIZE)
    doc.on_committed = lambda boxes: journal.append([], shapes=texts_of(doc.shape_changes))
    opened = doc.open_shape(doc.layers.shapes[0])
    assert opened is not None
    doc.repaint(opened, rectangle((2.5, 2.5), (9, 9)), 1, name="x")
    assert recover(project)
    assert shapes_of(project, image_id)[0].outline.polygon.outer[0].tolist() == [2.5, 2.5]


def test_a_journal_with_damaged_shapes_ends_there(tmp_path: Path) -> None:
    good = {1: None}
    values = np.ones((3, 3), np.uint8)
    for text in ("[1", "5 5", json.dumps([1, 1, "circle", []]), "[" * 9000):
        path = tmp_path / "1.journal"
        path.unlink(missing_ok=True)
        journal = Journal(path, SIZE)
        journal.append([Patch((0, 0, 3, 3), values)], shapes=good)
        journal.append([Patch((3, 3, 6, 6), values)], shapes={2: text})
        journal.append([Patch((6, 6, 9, 9), values)])
        assert [dict(change.shapes) for change in read_journal(path, SIZE)] == [good]


def test_journals_from_before_shapes_are_read(project: Project, image_id: int) -> None:
    doc = two_shapes(project, image_id)
    journal = Journal(project.folder / FOLDER / f"{image_id}.journal", SIZE)
    journal.append([Patch((0, 0, 2, 2), np.ones((2, 2), np.uint8))])
    assert recover(project)
    assert not changes_between(doc.layers.shapes, shapes_of(project, image_id))
