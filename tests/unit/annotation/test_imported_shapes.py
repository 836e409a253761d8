"""Shapes of labelme's files stay editable in the project as far as its masks show them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from project_samples import SIZE, mask, project, write_images

from core.annotation.document import MaskDocument
from core.annotation.shape_text import shapes_from_text
from core.data.formats import ImportResult, labelme
from core.project import Dropped, Project

__all__ = ["project"]


def entry(label: str, kind: str, *points: tuple[float, float]) -> dict[str, object]:
    return {"label": label, "shape_type": kind, "points": points}


ENTRIES = [
    entry("scratch", "polygon", (1.2, 1.7), (9.9, 1.1), (8, 8.5)),
    entry("dent", "rectangle", (16, 10), (12, 4)),
    entry("dent", "circle", (19, 6), (22, 6)),
    entry("dent", "line", (1, 13), (6, 13)),
    entry("_background_", "polygon", (18, 5), (20, 5), (20, 7)),  # on the circle
    entry("scratch", "polygon", (14, 8), (20, 9), (14, 14)),  # on the rectangle
]


def read(folder: Path, entries: list[dict[str, object]]) -> ImportResult:
    (path,) = write_images(folder, 1)
    data = {"imagePath": path.name, "shapes": entries, "imageData": None}
    path.with_suffix(".json").write_text(json.dumps(data), encoding="utf-8")
    return labelme.read(folder)


def imported(project: Project) -> MaskDocument:
    image_id = project.image_ids()[0]
    found = project.label_map(image_id)
    assert found is not None
    shapes = shapes_from_text(project.shapes_text(image_id) or "[]")
    return MaskDocument(found, image_id, shapes=shapes)


def test_polygons_and_boxes_stay_editable(project: Project, tmp_path: Path) -> None:
    result = read(tmp_path / "标注 a", ENTRIES)
    assert result.items[0].mask is not None
    drawn = result.items[0].mask()
    project.import_result(result)
    doc = imported(project)
    names = {label.name: label.id for label in project.labels()}
    assert [(shape.class_id, shape.outline.kind) for shape in doc.layers.shapes] == [
        (names["scratch"], "polygon"),
        (names["dent"], "rectangle"),
        (names["scratch"], "polygon"),
    ]
    assert all(doc.open_shape(shape) is not None for shape in doc.layers.shapes)
    lut = np.array([names.get(name, 0) for name in result.labels], np.uint8)
    assert np.array_equal(doc.mask, lut[drawn])
    first = doc.open_shape(doc.layers.shapes[0])
    assert first is not None
    pixel = first.shape.outline.polygon.outer.astype(int).tolist()
    assert pixel == [[1, 1], [9, 1], [8, 8]]
    doc.repaint(first, None, 1, name="x")
    assert not doc.mask[:5, :9].any()


@pytest.mark.parametrize("kind", ["circle", "rectangle"])
def test_boxes_of_whole_pixels_are_shown_exactly(project: Project, tmp_path: Path, kind) -> None:
    project.import_result(read(tmp_path / "a", [entry("dent", kind, (8, 7), (11, 10))]))
    (shape,) = imported(project).layers.shapes
    assert shape.outline.is_box


def test_classes_that_are_dropped_have_no_shapes(project: Project, tmp_path: Path) -> None:
    result = read(tmp_path / "a", ENTRIES[:2])
    project.import_result(result, class_map={"dent": Dropped.BACKGROUND, "scratch": "dent"})
    (shape,) = imported(project).layers.shapes
    assert shape.outline.kind == "polygon" and shape.class_id == 2


def test_undoing_an_import_brings_other_shapes_back(project: Project, tmp_path: Path) -> None:
    project.import_result(read(tmp_path / "a", ENTRIES[:1]))
    before = imported(project).layers.shapes
    project.import_result(read(tmp_path / "a", ENTRIES[1:2]), replace=True)
    assert [shape.outline.kind for shape in imported(project).layers.shapes] == ["rectangle"]
    assert project.undo_last_import() is not None
    again = imported(project).layers.shapes
    assert len(again) == len(before) == 1 and again[0].same_as(before[0])


def test_labelme_gets_the_vertices_back(project: Project, tmp_path: Path) -> None:
    entries = [
        *ENTRIES[:2],
        entry("dent", "circle", (19, 12), (21, 12)),
        entry("scratch", "polygon", (0, 10), (5, 10.5), (5, 15), (2, 12.25)),
        entry("scratch", "polygon", (4, 13), (9, 13), (9, 15)),  # touches the one before
    ]
    project.import_result(read(tmp_path / "a", entries))
    doc = imported(project)
    labelme.write(project.labelled_dataset(), tmp_path / "b")
    written = json.loads((tmp_path / "b" / "im0.json").read_text(encoding="utf-8"))
    kinds = [(shape["label"], shape["shape_type"]) for shape in written["shapes"]]
    assert sorted(kinds) == [
        ("dent", "polygon"),  # labelme's circles are not our ellipses
        ("dent", "rectangle"),
        ("scratch", "polygon"),
        ("scratch", "polygon"),
    ]
    points = [shape["points"] for shape in written["shapes"]]
    assert [[1.1875, 1.6875], [9.875, 1.0625], [8, 8.5]] in points
    assert [[12, 4], [16, 10]] in points
    labels = [label.name for label in project.labels()]
    with Project.create(tmp_path / "again", labels=labels) as other:
        other.import_result(labelme.read(tmp_path / "b"))
        assert np.array_equal(imported(other).mask, doc.mask)


def test_a_file_that_goes_away_meanwhile_costs_the_shapes_only(
    project: Project, tmp_path: Path
) -> None:
    result = read(tmp_path / "a", ENTRIES[:1])
    path = tmp_path / "a" / "im0.json"
    item = result.items[0]
    assert item.mask is not None

    def read_mask() -> np.ndarray:
        path.unlink()
        return mask(0, 1, size=SIZE)

    gone = type(item)(item.image_path, read_mask, item.subset, item.shapes)
    report = project.import_result(ImportResult([gone], result.labels, result.colors))
    assert report.masks == 1 and len(report.lost) == 1
    assert not imported(project).layers.shapes
