"""Imports: one step in, one step back, nothing overwritten."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from project_samples import SIZE, labelled, mask, project, write_images

from core.data.formats import ImportedImage, ImportResult, labelme
from core.images.io import write_image, write_mask
from core.project import Dropped, ImageQuery, LabelClass, Project
from core.project.class_matching import plan_classes
from core.system.errors import InputError
from core.system.files import sha256_file
from core.system.messages import message

__all__ = ["project"]


def result(paths: list[Path], *masks, labels=("background", "scratch", "dent")) -> ImportResult:
    items = [
        ImportedImage(path, None if values is None else (lambda values=values: values), "train")
        for path, values in zip(paths, masks, strict=True)
    ]
    return ImportResult(items, list(labels), [])


def current(project: Project) -> dict[str, tuple]:
    return {row.name: (row.mask_hash, row.state, row.subset) for row in project.images()}


def write_data_folder(folder: Path) -> Path:
    images = write_images(folder / "JPEGImages", 5)
    (folder / "Annotations").mkdir()
    for number, image in enumerate(images):
        write_mask(folder / "Annotations" / image.name, mask(0, 1 + number % 2))
    (folder / "labels.txt").write_text("background\n划痕\ndent\n", encoding="utf-8")
    lines = [f"JPEGImages/{path.name}\tAnnotations/{path.name}\n" for path in images]
    (folder / "train_list.txt").write_text("".join(lines[:3]))
    (folder / "val_list.txt").write_text("".join(lines[3:]))
    return folder


def test_a_data_folder_comes_in_with_classes_masks_and_subsets(tmp_path: Path) -> None:
    folder = write_data_folder(tmp_path / "数据 set")
    seen: list[tuple[int, int]] = []
    with Project.create(tmp_path / "p") as project:
        report = project.import_data_folder(folder, progress=lambda *at: seen.append(at))
        assert (report.added, report.masks, report.lost) == (5, 5, ())
        assert report.classes == ("background", "划痕", "dent")
        assert [label.name for label in project.labels()] == ["background", "划痕", "dent"]
        assert project.counts().by_subset == {"train": 3, "val": 2, "test": 0, "none": 0}
        assert project.counts().by_state["labelled"] == 5
        rows = project.images()
        assert [row.path.parent for row in rows] == [folder / "JPEGImages"] * 5
        np.testing.assert_array_equal(project.label_map(rows[1].id), mask(0, 2))
        again = project.import_data_folder(folder)
        assert (again.added, again.masks, again.unchanged) == (0, 0, 5)
    assert seen == [(number, 5) for number in range(1, 6)]


@pytest.mark.parametrize("embedded", [False, True])
def test_labelme_files_come_in(tmp_path: Path, embedded: bool) -> None:
    folder = tmp_path / "标注 labelme"
    (path,) = write_images(folder, 1)
    content = path.read_bytes()
    if embedded:
        path.unlink()
    shape = {"label": "hole", "shape_type": "rectangle", "points": [[2, 2], [9, 9]]}
    data = {
        "version": "5.0.0",
        "flags": {},
        "shapes": [{**shape, "group_id": None, "flags": {}}],
        "imagePath": path.name,
        "imageData": base64.b64encode(content).decode() if embedded else None,
        "imageHeight": SIZE[1],
        "imageWidth": SIZE[0],
    }
    path.with_suffix(".json").write_text(json.dumps(data))
    with Project.create(tmp_path / "p", labels=["background"]) as project:
        source = labelme.read(folder, extract_to=project.folder / "images")
        report = project.import_result(source)
        assert report.classes == ("hole",)
        assert project.images()[0].path.read_bytes() == content
        assert (report.added, report.masks) == (1, 1)
        hole = next(label.id for label in project.labels() if label.name == "hole")
        label_map = project.label_map(project.image_ids()[0])
        assert label_map is not None
        assert label_map[5, 5] == hole
        assert label_map[14, 20] == 0


def test_classes_are_matched_by_name_and_ids_translated(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "a", 1)
    source = result(paths, mask(0, 1, 2, 3, 255), labels=["rust", "dent", "background", "hair"])
    report = project.import_result(source, class_map={"hair": Dropped.IGNORE, "rust": "rust 锈"})
    assert report.classes == ("rust 锈",)
    assert [label.name for label in project.labels()] == [
        "background",
        "scratch",
        "dent",
        "rust 锈",
    ]
    np.testing.assert_array_equal(
        project.label_map(project.image_ids()[0]), mask(3, 2, 0, 255, 255)
    )


def test_classes_left_out_become_background(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "左 out", 1)
    source = result(paths, mask(0, 1, 2, 255), labels=["hair", "dent", "rust"])
    report = project.import_result(
        source, class_map={"hair": Dropped.BACKGROUND, "rust": Dropped.IGNORE}
    )
    assert report.classes == ()
    np.testing.assert_array_equal(project.label_map(project.image_ids()[0]), mask(0, 2, 255, 255))


@pytest.mark.parametrize(
    ("existing", "names", "expected", "lut"),
    [
        # Nothing is background: the class is added, before the others if the project is empty.
        ([], ["rust", "hair"], ["background", "rust"], [1, 0]),
        (["sky"], ["rust", "hair"], ["sky", "background", "rust"], [2, 1]),
        # The project's own background, whatever it is called.
        (["sky", "背景"], ["hair"], ["sky", "背景"], [1]),
        (["Background"], ["hair", "rust"], ["Background", "rust"], [0, 1]),
        # The import's background where it is taken over as such.
        ([], ["rust", "_background_", "hair"], ["_background_", "rust"], [1, 0, 0]),
    ],
)
def test_where_classes_left_out_go(
    existing: list[str], names: list[str], expected: list[str], lut: list[int]
) -> None:
    labels = [LabelClass(number, name, (0, 0, 0)) for number, name in enumerate(existing)]
    colors = [(10 * number, 20, 30) for number in range(len(names))]
    plan = plan_classes(
        labels,
        names,
        free=range(len(labels), 255),
        colors=colors,
        class_map={"hair": Dropped.BACKGROUND},
    )
    assert [*existing, *(label.name for label in plan.new)] == expected
    assert [label.id for label in plan.new] == list(range(len(existing), len(expected)))
    np.testing.assert_array_equal(plan.lut[: len(names)], lut)
    assert (plan.lut[len(names) :] == 255).all()
    # The import's colours, the added background's aside.
    taken = {label.name: label.color for label in plan.new}
    for name, color in zip(names, colors, strict=True):
        if name in taken:
            assert taken[name] == color


def test_an_existing_mask_is_reported_not_replaced(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "a", 3)
    labelled(project, paths[:1], 0, 1, subset="val")
    project.add_images(paths[1:2])
    before = current(project)
    report = project.import_result(result(paths, mask(0, 2), mask(0, 2), mask(0, 2)))
    assert report.conflicts == (paths[0],)
    assert (report.added, report.masks, report.replaced) == (1, 2, 0)
    after = current(project)
    assert after["im0.png"] == before["im0.png"]
    assert after["im1.png"][1:] == ("labelled", "train")
    replaced = project.import_result(result(paths[:1], mask(0, 2)), replace=True)
    assert (replaced.replaced, replaced.conflicts) == (1, (paths[0],))
    first = project.find_image(paths[0])
    assert first is not None
    assert [version.hash for version in project.mask_history(first)] == [before["im0.png"][0]]
    assert project.image(first).subset == "val"


def test_undo_brings_everything_back(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "a", 3)
    labelled(project, paths[:1], 0, 1)
    project.add_images(paths[1:2])
    before = current(project)
    labels = project.labels()
    project.import_result(
        result(paths, mask(0, 3), mask(0, 3), mask(0, 3), labels=["background", "x", "y", "rust"]),
        replace=True,
        source="elsewhere",
    )
    assert len(project.labels()) == 6
    info = project.last_import()
    assert info is not None and info.source == "elsewhere"
    report = project.undo_last_import()
    assert report is not None
    assert (report.removed, report.restored, report.kept) == (1, 2, ())
    assert current(project) == before
    assert project.labels() == labels


def test_undo_keeps_what_was_worked_on_since(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "a", 4)
    project.import_result(
        result(paths, *[mask(0, 1)] * 4, labels=["background", "rust"]), source="x"
    )
    ids = project.image_ids()
    project.save_label_map(ids[0], mask(0, 3, 0))
    project.set_comment(ids[1], "look again")
    report = project.undo_last_import()
    assert report is not None
    assert report.removed == 2
    assert report.kept == (paths[0], paths[1])
    assert [row.id for row in project.images()] == ids[:2]
    np.testing.assert_array_equal(project.label_map(ids[0]), mask(0, 3, 0))
    assert "rust" in [label.name for label in project.labels()]
    assert project.undo_last_import() is None


def test_imports_are_undone_newest_first(project: Project, tmp_path: Path) -> None:
    project.add_images(write_images(tmp_path / "a", 2))
    project.add_images(write_images(tmp_path / "b", 3))
    project.add_images(write_images(tmp_path / "b", 3))  # nothing new, so nothing to undo
    for left in (2, 0):
        assert project.undo_last_import() is not None
        assert project.counts().total == left


def test_what_cannot_be_read_is_reported_and_the_rest_comes_in(
    project: Project, tmp_path: Path
) -> None:
    paths = write_images(tmp_path / "图", 5)
    paths[0].write_bytes(b"no image")
    wrong = mask(0, 1)
    wrong[0, :3] = 200

    def fail():
        raise InputError("The mask {file} is unreadable.", file="m.png")

    source = result(paths, mask(0), wrong, np.zeros((3, 3), np.uint8), None, mask(0, 1))
    source.items[3] = ImportedImage(paths[3], fail)
    source.items.append(ImportedImage(paths[4]))
    source.report.left_out(message("A sentence of the reader."))
    report = project.import_result(source)
    sentences = [str(sentence) for sentence in report.lost]
    assert len(sentences) == 6
    for part in ("reader", "im0.png", "value 200 in 3 pixels", "3×3", "m.png", "more than once"):
        assert sum(part in sentence for sentence in sentences) == 1, part
    assert (report.added, report.masks) == (4, 1)
    assert project.counts(ImageQuery(state="unlabelled")).total == 3


def test_an_import_that_is_cancelled_leaves_no_trace(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "a", 3)

    class CancelError(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        if done == 2:
            raise CancelError

    with pytest.raises(CancelError):
        project.import_result(
            result(paths, *[mask(0, 1)] * 3, labels=["background", "new"]), progress=cancel
        )
    assert project.counts().total == 0
    assert len(project.labels()) == 3
    assert project.last_import() is None
    assert project.collect_garbage().files == 1


def test_copied_images_are_inside_and_known_by_their_origin(
    project: Project, tmp_path: Path
) -> None:
    first, second = write_images(tmp_path / "a", 1), write_images(tmp_path / "b", 1)
    write_image(second[0], np.full((SIZE[1], SIZE[0], 3), 99, np.uint8))
    project.add_images(first + second, copy=True)
    rows = project.images()
    folder = project.folder / "images"
    assert sorted(row.path.name for row in rows) == ["im0-2.png", "im0.png"]
    assert {row.path.parent for row in rows} == {folder}
    assert sorted(sha256_file(row.path) for row in rows) == sorted(
        sha256_file(path) for path in first + second
    )
    assert project.find_image(first[0]) is not None
    report = project.import_result(result(first + second, mask(0, 1), mask(0, 2)), copy=True)
    assert (report.added, report.masks) == (0, 2)
    assert len(list(folder.iterdir())) == 2


def test_a_copy_left_by_an_undone_import_is_used_again(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "a", 2)
    project.add_images(paths, copy=True)
    project.undo_last_import()
    project.add_images(paths, copy=True)
    assert len(list((project.folder / "images").iterdir())) == 2
    assert all(row.path.is_file() for row in project.images())


def test_classes_beyond_255_are_refused_before_anything_changes(
    project: Project, tmp_path: Path
) -> None:
    source = result(
        write_images(tmp_path / "a", 1), mask(0), labels=[f"c{number}" for number in range(253)]
    )
    with pytest.raises(InputError, match="no room"):
        project.import_result(source)
    assert project.counts().total == 0
    assert len(project.labels()) == 3
