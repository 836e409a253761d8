"""Shapes above the mask: they stay while the mask shows them, and can be edited meanwhile."""

from __future__ import annotations

import json

import numpy as np
import pytest
from shape_samples import outline_of

from core.annotation.brush import Brush
from core.annotation.document import MaskDocument, OpenShape
from core.annotation.edits import PaintRule, Region
from core.annotation.polygon import Polygon
from core.annotation.shape_text import (
    changes_from_text,
    joined_texts,
    shape_text,
    shapes_from_text,
    texts_of,
)
from core.annotation.shapes import Outline, Shape, Shapes, changed, changes_between
from core.annotation.undo import UndoStack

SIZE = (70, 50)


def document() -> MaskDocument:
    return MaskDocument(np.zeros((SIZE[1], SIZE[0]), np.uint8), 1)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Outline:
    return Outline.between("rectangle", (x0, y0), (x1, y1))


def add(doc: MaskDocument, outline: Outline, class_id: int = 1) -> OpenShape:
    opened = doc.add_shape(outline, class_id, name="shape")
    assert opened is not None
    return opened


def ids(doc: MaskDocument) -> list[int]:
    return [shape.id for shape in doc.layers.shapes]


def shown_shapes(mask: np.ndarray, shapes: Shapes) -> list[int]:
    """Ids of the shapes that a mask shows, by looking at all pixels of all of them."""
    covered = np.zeros(mask.shape, bool)
    kept = []
    for shape in reversed(shapes):
        region = shape.outline.region(SIZE)
        pixels = np.zeros(mask.shape, bool) if region is None else region.in_box((0, 0, *SIZE))
        seen = pixels & ~covered
        if seen.any() and (mask[seen] == shape.class_id).all():
            kept.append(shape.id)
            covered |= pixels
    return sorted(kept)


def random_step(doc: MaskDocument, rng: np.random.Generator) -> None:
    action = rng.integers(0, 9)
    doc.rule = PaintRule(frozenset({3})) if rng.random() < 0.1 else PaintRule()
    class_id = int(rng.integers(1, 4))
    shapes = doc.layers.shapes
    if action < 3 or not shapes:
        doc.add_shape(outline_of(rng, SIZE), class_id, name="shape")
    elif action == 3:
        doc.begin_stroke(Brush(int(rng.integers(1, 8))), int(rng.integers(0, 4)), name="brush")
        for _ in range(3):
            doc.stroke_to(*rng.uniform((0, 0), SIZE).tolist())
        doc.finish_stroke()
    elif action == 4:
        doc.undo()
    elif action == 5:
        doc.redo()
    else:
        opened = doc.open_shape(shapes[int(rng.integers(len(shapes)))])
        assert opened is not None, "a stored shape is shown"
        shape = opened.shape
        moved = shape.outline.moved(*rng.integers(-9, 9, 2).tolist())
        choices = [(moved, shape.class_id), (shape.outline, class_id), (None, 1)]
        outline, class_id = choices[action - 6]
        doc.repaint(opened, outline, class_id, name="edit")


@pytest.mark.parametrize("seed", range(12))
def test_shapes_are_those_that_the_mask_shows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    doc = document()
    told: Shapes = ()

    def commit(_boxes: object) -> None:
        nonlocal told
        told = changed(told, doc.shape_changes)

    doc.on_committed = commit
    most = 0
    for _ in range(60):
        random_step(doc, rng)
        assert ids(doc) == shown_shapes(doc.mask, doc.layers.shapes)
        assert [shape.id for shape in told] == ids(doc)
        assert not changes_between(told, doc.layers.shapes)
        most = max(most, len(told))
    assert most > 4
    now = doc.mask.copy(), doc.layers.shapes
    steps = len(doc.undo_stack)
    while doc.undo() is not None:
        assert ids(doc) == shown_shapes(doc.mask, doc.layers.shapes)
    assert not doc.mask.any() and not doc.layers.shapes and not told
    for _ in range(steps):
        doc.redo()
    assert np.array_equal(doc.mask, now[0]) and not changes_between(now[1], doc.layers.shapes)


@pytest.mark.parametrize("seed", range(6))
def test_only_shapes_that_are_not_shown_any_more_go(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    doc = document()
    for _ in range(8):
        doc.add_shape(outline_of(rng, SIZE), int(rng.integers(1, 4)), name="shape")
    for _ in range(10):
        before = doc.layers.shapes
        doc.begin_stroke(Brush(3), int(rng.integers(0, 4)), name="brush")
        doc.stroke_to(*rng.uniform((0, 0), SIZE).tolist())
        doc.finish_stroke()
        assert ids(doc) == shown_shapes(doc.mask, before)
    doc.replace_all(np.full_like(doc.mask, 9), name="all")
    assert not doc.layers.shapes


def test_an_edited_shape_uncovers_what_it_was_painted_over() -> None:
    doc = document()
    doc.begin_stroke(Brush(9), 3, name="brush")
    doc.stroke_to(20, 20)
    doc.finish_stroke()
    start = doc.mask.copy()
    below = add(doc, rectangle(10, 10, 25, 25), 1)
    top = add(doc, rectangle(15, 15, 40, 40), 2)
    doc.repaint(top, rectangle(45, 5, 60, 12), 2, name="move")
    assert (doc.mask[10:26, 10:26] == 1).all()
    opened = doc.open_shape(doc.layers.shapes[0])
    assert opened is not None and opened.shape.outline.same_as(below.shape.outline)
    doc.repaint(opened, None, 1, name="delete")
    expected = start.copy()
    expected[5:13, 45:61] = 2
    assert np.array_equal(doc.mask, expected)
    assert ids(doc) == [2]


def test_a_shape_edited_below_another_stays_below() -> None:
    doc = document()
    below = add(doc, rectangle(0, 0, 10, 10), 1)
    add(doc, rectangle(20, 0, 30, 10), 2)
    doc.repaint(below, rectangle(15, 0, 25, 10), 1, name="move")
    assert doc.mask[5, 22] == 2 and doc.mask[5, 18] == 1 and doc.mask[5, 5] == 0
    assert ids(doc) == [1, 2]
    found = doc.layers.shape_at(22, 5)
    assert found is not None and found.id == 2


def test_a_shape_that_a_rule_kept_from_its_pixels_is_not_stored() -> None:
    doc = document()
    doc.mask[:, 20:] = 2
    doc.rule = PaintRule(frozenset({2}))
    opened = add(doc, rectangle(10, 10, 30, 30))
    assert doc.mask[20, 15] == 1 and doc.mask[20, 25] == 2
    assert not doc.layers.shapes
    opened = doc.repaint(opened, rectangle(10, 10, 19, 30), 1, name="edit")
    assert opened is not None and doc.layers.shapes == (opened.shape,)
    assert not (doc.mask[:, :20] == 2).any() and (doc.mask[:, 20:] == 2).all()


def test_what_could_not_be_read_again_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    far = Outline.of(Polygon.of([(5, 5), (2e6, 5), (5, 40)]))
    doc = document()
    add(doc, far)
    assert doc.mask[6, 60] == 1 and not doc.layers.shapes
    monkeypatch.setattr("core.annotation.shapes.MOST_VERTICES", 5)
    ring = [(5, 5), (9, 5), (9, 9), (5, 9)]
    add(doc, Outline.of(Polygon.of([*ring, (5, 8), (5, 7)])))
    assert not doc.layers.shapes
    add(doc, Outline.of(Polygon.of(ring)))
    assert len(doc.layers.shapes) == 1


def test_a_brush_of_the_same_class_leaves_the_shape_another_takes_it() -> None:
    doc = document()
    add(doc, rectangle(10, 10, 30, 30), 1)
    for class_id, left in ((1, [1]), (2, [])):
        doc.begin_stroke(Brush(5), class_id, name="brush")
        doc.stroke_to(30, 20)
        doc.finish_stroke()
        assert ids(doc) == left
    doc.undo()
    assert ids(doc) == [1]


def test_what_lies_under_a_dropped_shape_has_to_show_itself() -> None:
    doc = document()
    add(doc, rectangle(0, 0, 30, 30), 1)
    add(doc, rectangle(20, 20, 40, 40), 2)
    doc.begin_stroke(Brush(3), 3, name="brush")
    doc.stroke_to(38, 38)  # on the upper one alone
    doc.finish_stroke()
    assert ids(doc) == []


def test_a_shape_that_another_covers_goes() -> None:
    doc = document()
    add(doc, rectangle(10, 10, 12, 12), 1)
    add(doc, rectangle(5, 5, 20, 20), 2)
    assert ids(doc) == [2]
    doc.undo()
    assert ids(doc) == [1]


def test_painted_parts_opened_as_a_shape_are_stored_by_the_first_edit() -> None:
    doc = document()
    add(doc, rectangle(10, 10, 20, 20), 1)
    doc.begin_stroke(Brush(5), 1, name="brush")
    doc.stroke_to(20, 15)
    doc.stroke_to(30, 15)
    doc.finish_stroke()
    part = Region((0, 0, *SIZE), doc.mask == 1)
    opened = doc.open_region(rectangle(9, 9, 33, 21), part, 1)
    assert ids(doc) == [1] and opened.absorbed == {1}
    doc.repaint(opened, rectangle(40, 30, 50, 40), 1, name="edit")
    assert ids(doc) == [2]
    assert (doc.mask == 1).sum() == 11 * 11 and doc.mask[35, 45] == 1


def test_a_shape_that_the_mask_does_not_show_is_not_opened() -> None:
    lost = Shape(4, 1, rectangle(5, 5, 9, 9))
    doc = MaskDocument(np.zeros((SIZE[1], SIZE[0]), np.uint8), 1, shapes=(lost,))
    assert doc.layers.shape_at(6, 6) is lost
    assert doc.open_shape(lost) is None


def test_an_edit_that_changes_nothing_is_no_step() -> None:
    doc = document()
    opened = add(doc, rectangle(5, 5, 9, 9))
    again = doc.repaint(opened, rectangle(5, 5, 9, 9), 1, name="edit")
    assert again is opened and len(doc.undo_stack) == 1


def test_vertices_moved_within_their_pixels_are_a_step() -> None:
    doc = document()
    opened = add(doc, rectangle(5, 5, 9, 9))
    told: list[object] = []
    doc.on_committed = told.append
    doc.repaint(opened, rectangle(5.5, 5.5, 9, 9), 1, name="edit")
    assert told == [()] and list(doc.shape_changes) == [1]
    doc.undo()
    assert doc.layers.shapes[0].outline.polygon.outer[0].tolist() == [5, 5]


def test_steps_count_only_the_shapes_that_are_new() -> None:
    stack = UndoStack()
    doc = MaskDocument(np.zeros((SIZE[1], SIZE[0]), np.uint8), 1, undo=stack)
    sizes = []
    for place in range(6):
        before = stack.nbytes
        add(doc, rectangle(place * 8, 0, place * 8 + 6, 6))
        sizes.append(stack.nbytes - before)
    assert max(sizes) - min(sizes) <= 8 * 6
    small = sum(shape.nbytes for shape in doc.layers.shapes)
    assert small < stack.nbytes < 4 * small


def test_vertices_never_leave_their_pixel() -> None:
    ring = np.random.default_rng(3).uniform(-50, 900, (1000, 2))
    stepped = Outline.of(Polygon.of(ring)).polygon.outer
    assert np.array_equal(np.trunc(stepped), np.trunc(ring))
    assert np.abs(stepped - ring).max() < 1 / 16
    assert np.array_equal(Outline.of(Polygon.of(stepped)).polygon.outer, stepped)


@pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
def test_boxes_follow_their_handles(kind) -> None:
    box = Outline.between(kind, (10, 20), (30, 60))
    (points,) = box.handles()
    assert points.tolist() == [
        [10, 20], [20, 20], [30, 20], [30, 40], [30, 60], [20, 60], [10, 60], [10, 40],
    ]  # fmt: skip
    corner = box.with_handle(4, (35, 50))
    assert corner.kind == kind and corner.polygon.outer.tolist() == [[10, 20], [35, 50]]
    assert box.with_handle(7, (0, 0)).polygon.outer.tolist() == [[0, 20], [30, 60]]
    assert box.with_handle(1, (0, 5)).polygon.outer.tolist() == [[10, 5], [30, 60]]


def many(rng: np.random.Generator) -> Shapes:
    doc = document()
    doc.mask[:25] = 3
    while len(doc.layers.shapes) < 6:
        doc.add_shape(outline_of(rng, SIZE), int(rng.integers(1, 3)), name="shape")
    return doc.layers.shapes


def test_text_gives_the_same_shapes_again() -> None:
    shapes = many(np.random.default_rng(5))
    text = joined_texts(map(shape_text, shapes))
    again = shapes_from_text(text)
    assert len(again) == len(shapes) and not changes_between(shapes, again)
    assert [shape.ground for shape in again] == [shape.ground for shape in shapes]
    assert any(shape.ground for shape in shapes)
    changes = {3: None, shapes[0].id: shapes[0]}
    read = changes_from_text(
        joined_texts(str(id_) if text is None else text for id_, text in texts_of(changes).items())
    )
    assert read[3] is None and read[shapes[0].id].same_as(shapes[0])


GOOD = [1, 2, "polygon", [[1, 1, 9, 1, 9, 9]]]
BAD = [
    "", "{", "1", "{}", "null", "[[]]", "[null]", "[[1,2]]", "[true]", "[1.5]", "[0]", "[-1]",
    "[" * 100_000, "[1" + "0" * 5000 + "]", '["polygon"]',
    "[5]",  # an id alone, in a list of shapes
    json.dumps([GOOD, GOOD]),
    *(
        json.dumps([[*GOOD[:place], wrong, *GOOD[place + 1 :]]])
        for place, wrongs in {
            0: (0, -1, True, 1.0, "1", None, 2**60),
            1: (0, 256, -1, True, 1.0, None),
            2: ("circle", None, [], "rectangle", "ellipse"),
            3: ([], {}, [[]], [[1, 2]], [[1, 2, 3, 4, 5]], [["a", 1, 2, 3]], [[1, 2, None, 4]],
                [[float("nan"), 1, 2, 3]], [[float("inf"), 1, 2, 3]], [[1e300, 1, 2, 3]],
                [[10**400, 1, 2, 3]], [[True, 1, 2, 3]], [GOOD[3][0], 5]),
        }.items()
        for wrong in wrongs
    ),
    *(json.dumps([[*GOOD, wrong]]) for wrong in (5, None, "#", "AAA", [])),
    json.dumps([[*GOOD, "", ""]]),
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_damaged_text_is_refused(text: str) -> None:
    shapes_from_text(json.dumps([GOOD]))
    with pytest.raises(ValueError):
        shapes_from_text(text)


def test_a_damaged_ground_is_background() -> None:
    box = (1, 1, 10, 10)
    for ground in (b"nonsense", b"x\x9c\x03\x00\x00\x00\x00\x01"):
        shape = Shape(1, 2, rectangle(1, 1, 9, 9), ground)
        assert not shape.ground_in(box).any()
