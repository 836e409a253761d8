"""Merging and deleting classes rewrites the masks that have them; ids stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from project_samples import mask_file

from core.annotation.document import MaskDocument
from core.annotation.shape_text import joined_texts, shape_text, shapes_from_text
from core.annotation.shapes import Outline
from core.data.formats import ImportedImage, ImportResult, registry
from core.datasets import open_data_folder
from core.images.io import IGNORE_INDEX, read_mask, write_image
from core.project import Project
from core.project.mask_store import count_values
from core.system.errors import InputError

LABELS = ("background", "scratch", "pit", "dent")


@pytest.fixture
def project(tmp_path: Path):
    paths = [tmp_path / f"图 {number}.png" for number in range(3)]
    for path in paths:
        write_image(path, np.zeros((8, 10, 3), np.uint8))
    with Project.create(tmp_path / "项目 1", labels=LABELS) as made:
        made.add_images(paths)
        for number, image_id in enumerate(made.image_ids()[:2]):
            made.save_label_map(image_id, mask(number), state="reviewed")
        yield made


def mask(number: int) -> np.ndarray:
    made = np.zeros((8, 10), np.uint8)
    made[:2], made[2:4], made[4:6] = 1, 2, 3
    made[7] = IGNORE_INDEX
    if number:
        made[made == 2] = 0
    return made


def test_pixels_go_to_the_other_class_and_ids_stay(project: Project) -> None:
    ids = project.image_ids()
    other = project.image(ids[1]).mask_hash
    steps: list[tuple[int, int]] = []
    assert project.images_with_class(2) == 1
    changed = project.merge_class(2, 1, progress=lambda done, total: steps.append((done, total)))
    assert changed == 1 and steps == [(0, 1)]
    assert [(item.id, item.name) for item in project.labels()] == [
        (0, "background"),
        (1, "scratch"),
        (3, "dent"),
    ]
    expected = mask(0)
    expected[expected == 2] = 1
    np.testing.assert_array_equal(project.label_map(ids[0]), expected)
    assert project.image(ids[0]).state == "reviewed"
    assert project.image(ids[1]).mask_hash == other  # it never had the class
    assert project.label_map(ids[2]) is None
    assert project.add_class("new").id == 4


def test_merging_upwards_and_ignoring(project: Project) -> None:
    first = project.image_ids()[0]
    project.merge_class(1, 3)
    saved = project.label_map(first)
    assert saved is not None
    assert (saved[:2] == 3).all() and (saved[2:4] == 2).all() and (saved[4:6] == 3).all()
    project.merge_class(3, IGNORE_INDEX)
    saved = project.label_map(first)
    assert saved is not None and (saved[:2] == IGNORE_INDEX).all()
    assert [item.name for item in project.labels()] == ["background", "pit"]


def test_earlier_masks_come_back_without_the_deleted_classes(project: Project) -> None:
    first = project.image_ids()[0]
    original = project.image(first).mask_hash
    assert original is not None
    project.save_label_map(first, np.zeros((8, 10), np.uint8))
    project.merge_class(2, 1)
    project.merge_class(1, 3)
    assert [version.hash for version in project.mask_history(first)] == [original]
    expected = mask(0)
    expected[(expected == 1) | (expected == 2)] = 3
    np.testing.assert_array_equal(project.mask(original), expected)
    np.testing.assert_array_equal(read_mask(mask_file(project, original)), mask(0))
    with pytest.raises(InputError, match="no class"):
        project.save_label_map(first, mask(0))


def imported(project: Project, path: Path, values: np.ndarray) -> ImportResult:
    labels = ["background", "scratch", "pit", "dent", "rust"]
    return ImportResult([ImportedImage(path, lambda: values, "train")], labels, [])


def test_an_import_can_be_undone_after_a_class_was_deleted(project: Project) -> None:
    first, _, third = project.image_ids()
    before = mask(0)
    new = np.full((8, 10), 4, np.uint8)
    new[0] = 2
    project.import_result(imported(project, project.image(first).path, new), replace=True)
    rust = project.labels()[-1].id
    project.merge_class(2, 3)
    report = project.undo_last_import()
    assert report is not None and report.restored == 1 and report.kept == ()
    before[before == 2] = 3
    np.testing.assert_array_equal(project.label_map(first), before)
    assert project.image(first).state == "reviewed"
    # A mask of the history still has the import's class.
    assert rust in [label.id for label in project.labels()]
    project.import_result(imported(project, project.image(third).path, new))
    project.save_label_map(third, np.zeros((8, 10), np.uint8))
    report = project.undo_last_import()
    assert report is not None and report.kept == (project.image(third).path,)


def test_shapes_come_back_without_the_deleted_classes(project: Project) -> None:
    first = project.image_ids()[0]
    doc = MaskDocument(np.zeros((8, 10), np.uint8), first)
    doc.add_shape(Outline.between("rectangle", (1, 1), (4, 4)), 2, name="x")
    doc.add_shape(Outline.between("rectangle", (6, 1), (8, 4)), 3, name="x")
    text = joined_texts(map(shape_text, doc.layers.shapes))
    project.save_label_map(first, doc.mask, shapes_text=text)
    new = np.ones((8, 10), np.uint8)
    project.import_result(imported(project, project.image(first).path, new), replace=True)
    project.merge_class(2, 3)
    assert project.undo_last_import() is not None
    found = shapes_from_text(project.shapes_text(first) or "")
    assert [shape.class_id for shape in found] == [3, 3]
    saved = project.label_map(first)
    assert saved is not None and sorted(np.unique(saved).tolist()) == [0, 3]


def test_background_stays_and_is_the_first_again(project: Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="erasing"):
        project.merge_class(0, 1)
    with Project.create(tmp_path / "p") as empty:
        path = project.image(project.image_ids()[0]).path
        empty.import_result(imported(empty, path, mask(0)))
        empty.merge_class(1, 2)
        empty.undo_last_import()
        assert empty.labels() == ()
        assert [empty.add_class(name).id for name in ("background", "a")] == [0, 2]


def test_ids_of_deleted_classes_are_given_away_last(project: Project) -> None:
    first = project.image_ids()[0]
    for number in range(4, 255):
        assert project.add_class(f"class {number}").id == number
    with pytest.raises(InputError, match="255 classes at most\\."):
        project.add_class("one more")
    project.merge_class(2, 1)  # earlier masks have it
    project.merge_class(200, 0)  # no mask has it
    with pytest.raises(InputError, match="255 classes at most"):
        project.import_result(
            ImportResult([], [*(label.name for label in project.labels()), "a", "b"], [])
        )
    assert project.add_class("reused").id == 200
    with pytest.raises(InputError, match="earlier masks still have 1 that"):
        project.add_class("one more")
    project.collect_garbage()
    assert project.add_class("reused too").id == 2
    project.save_label_map(first, np.full((8, 10), 2, np.uint8))
    assert project.images_with_class(2) == 1


def test_what_leaves_the_project_has_no_gaps(project: Project, tmp_path: Path) -> None:
    ids = project.image_ids()[:2]
    for image_id, subset in zip(ids, ("train", "val"), strict=True):
        project.set_subset([image_id], subset)
    only_low = np.ones((8, 10), np.uint8)
    project.save_label_map(ids[1], only_low)
    project.merge_class(2, 0)
    revision = project.create_revision()
    assert [label.id for label in revision.labels] == [0, 1, 3]
    expected = mask(0)
    expected[expected == 2] = 0
    expected[expected == 3] = 2
    with Project.open(project.folder, read_only=True) as reader:
        revisions = [revision, project.revision(revision.id or 0), reader.create_revision()]
    for number, one in enumerate(revisions):
        assert one.hash == revision.hash
        data = open_data_folder(one.write_data_folder(tmp_path / f"data {number}"))
        assert data.labels == ("background", "scratch", "dent")
        assert data.colors[2] == project.labels()[2].color
        (train,), (val,) = data.subsets["train"], data.subsets["val"]
        np.testing.assert_array_equal(read_mask(train.mask), expected)
        np.testing.assert_array_equal(read_mask(val.mask), only_low)
        assert train.mask.is_relative_to(tmp_path / f"data {number}")
        # A mask that is right as it is stays where it is.
        assert val.mask.is_relative_to(project.folder) == (number < 2)
    counted = project.statistics()
    assert counted.labels == ("background", "scratch", "dent")
    assert counted.class_pixels["train"] == (30, 20, 20)
    exported = project.labelled_dataset()
    assert exported.labels == ["background", "scratch", "dent"]
    read = exported.items[0].mask
    assert read is not None
    np.testing.assert_array_equal(read(), expected)


@pytest.mark.parametrize("key", [one.key for one in registry.WRITABLE])
def test_every_format_gets_classes_without_gaps(project: Project, tmp_path: Path, key: str) -> None:
    project.remove_images(project.image_ids()[1:])
    project.merge_class(2, 0)
    row = project.images()[0]
    values = mask(0)
    values[values == 2] = 0
    values[values == 3] = 2
    with Project.create(tmp_path / "twin", labels=("background", "scratch", "dent")) as twin:
        twin.add_images([row.path])
        twin.save_label_map(twin.image_ids()[0], values)
        twin.recolor_class(2, project.labels()[2].color)
        lost = registry.write(key, twin.labelled_dataset(), tmp_path / "expected").messages
    written = registry.write(key, project.labelled_dataset(), tmp_path / "out")
    assert written.messages == lost
    assert files_of(tmp_path / "out") == files_of(tmp_path / "expected")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_revision_keeps_its_own_classes(project: Project) -> None:
    project.set_subset(project.image_ids()[:1], "train")
    project.set_subset(project.image_ids()[1:2], "val")
    before = project.create_revision()
    project.merge_class(2, 1)
    after = project.create_revision()
    assert before.id != after.id
    assert project.revision(before.id).labels == before.labels


def test_nothing_happens_for_unknown_classes_or_while_reading(project: Project) -> None:
    with pytest.raises(KeyError):
        project.merge_class(9, 0)
    with pytest.raises(ValueError, match="itself"):
        project.merge_class(1, 1)
    folder = project.folder
    with Project.open(folder, read_only=True) as reader, pytest.raises(InputError):
        reader.merge_class(1, 0)
    assert len(project.labels()) == 4


def test_values_are_counted_exactly_beyond_what_float32_can_hold() -> None:
    big = np.ones((5000, 4000), np.uint8)
    big[17, 5] = 200
    counts = count_values(big)
    assert counts[1] == 19_999_999 and counts[200] == 1 and counts.sum() == big.size
