"""Queries, counts, masks and classes of a project."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from project_samples import SIZE, labelled, mask, mask_file, project, set_group, write_images

from core.images.io import read_mask
from core.project import ImageQuery, Project
from core.project.mask_store import mask_hash
from core.project.paths import sort_key
from core.system.errors import InputError

__all__ = ["project"]


@pytest.fixture
def ids(project: Project, tmp_path: Path) -> list[int]:
    """Twelve images, im0 … im11, not labelled."""
    project.add_images(write_images(tmp_path / "图 像", 12))
    return project.image_ids()


def names(project: Project, **query) -> list[str]:
    return [row.name for row in project.images(ImageQuery(**query))]


def test_pages_are_in_natural_order(project: Project, ids: list[int]) -> None:
    pages = [project.images(limit=5, offset=offset) for offset in (0, 5, 10)]
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [row.name for page in pages for row in page] == [f"im{n}.png" for n in range(12)]
    assert [row.id for page in pages for row in page] == ids
    assert names(project, descending=True)[:2] == ["im11.png", "im10.png"]
    row = pages[0][0]
    assert (row.width, row.height) == SIZE
    assert row.path.is_file()
    assert (row.subset, row.state, row.mask_hash) == ("none", "unlabelled", None)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 10**12)), min_size=2))
def test_numbers_in_names_sort_by_value(parts: list[tuple[str, int]]) -> None:
    ordered = sorted((f"{word}{number}.png" for word, number in parts), key=sort_key)
    assert ordered == [f"{word}{number}.png" for word, number in sorted(parts)]


def test_ids_are_looked_up_in_any_order_and_number(project: Project, tmp_path: Path) -> None:
    project.add_images(write_images(tmp_path / "many", 1100))
    ids = project.image_ids()[::-1]
    assert [row.id for row in project.images_by_id([*ids, 10**6])] == ids


def test_filters_combine(project: Project, ids: list[int]) -> None:
    project.set_subset(ids[:4], "val")
    project.set_state(ids[3:6], "reviewed")
    project.set_comment(ids[5], "50% off_axis, 反光")
    project.set_flagged(ids[3:5], True)
    assert names(project, subset="val") == ["im0.png", "im1.png", "im2.png", "im3.png"]
    assert names(project, subset="val", state="reviewed") == ["im3.png"]
    assert names(project, flagged=True) == ["im3.png", "im4.png"]
    assert names(project, text="IM1") == ["im1.png", "im10.png", "im11.png"]
    assert names(project, text="50%") == ["im5.png"]
    assert names(project, text="off_axis") == ["im5.png"]
    assert names(project, text="offXaxis") == []
    assert names(project, text="反光") == ["im5.png"]
    set_group(project, ids[7:9], "video_3")
    assert names(project, text="video_3") == ["im7.png", "im8.png"]


def test_counts_follow_the_query(project: Project, ids: list[int]) -> None:
    project.set_subset(ids[:4], "val")
    project.save_label_map(ids[0], mask(0, 1))
    project.save_label_map(ids[6], mask(0, 2, 255))
    counts = project.counts()
    assert counts.total == 12
    assert counts.by_subset == {"train": 0, "val": 4, "test": 0, "none": 8}
    assert counts.by_state == {"unlabelled": 10, "draft": 0, "labelled": 2, "reviewed": 0}
    assert project.counts(ImageQuery(class_id=2)).total == 1
    assert project.class_counts() == {0: 2, 1: 1, 2: 1, 255: 1}
    assert project.class_counts(ImageQuery(subset="val")) == {0: 1, 1: 1}
    assert names(project, class_id=1) == ["im0.png"]
    assert project.class_counts(ImageQuery(class_id=1)) == {0: 1, 1: 1}


def test_worst_first_and_unmeasured_last(project: Project, ids: list[int]) -> None:
    project.set_scores({ids[2]: 0.9, ids[7]: 0.1, ids[4]: 0.5})
    assert names(project, order="worst")[:4] == ["im7.png", "im4.png", "im2.png", "im0.png"]
    assert names(project, order="worst", descending=True)[:3] == ["im2.png", "im4.png", "im7.png"]
    assert project.image(ids[7]).score == pytest.approx(0.1)


def test_an_image_is_found_by_its_path(project: Project, ids: list[int]) -> None:
    row = project.image(ids[3])
    assert project.find_image(row.path) == ids[3]
    assert (
        project.find_image(row.path.parent / "." / ".." / row.path.parent.name / row.name)
        == (ids[3])
    )
    assert project.find_image(row.path.with_name("other.png")) is None


def test_a_saved_mask_is_read_back(project: Project, ids: list[int]) -> None:
    saved = mask(0, 1, 2, 255)
    digest = project.save_label_map(ids[0], saved)
    row = project.image(ids[0])
    assert (row.mask_hash, row.state) == (digest, "labelled")
    read = project.label_map(ids[0])
    assert read is not None and read.dtype == np.uint8
    np.testing.assert_array_equal(read, saved)
    assert project.label_map(ids[1]) is None
    path = mask_file(project, digest)
    assert path.relative_to(project.folder).as_posix() == f"masks/{digest[:2]}/{digest}.png"
    with Image.open(path) as image:
        assert image.mode == "P"
        assert tuple(image.getpalette()[3:6]) == project.labels()[1].color


def test_equal_masks_are_one_file_whatever_the_colours(project: Project, ids: list[int]) -> None:
    first = project.save_label_map(ids[0], mask(0, 1))
    project.recolor_class(1, (1, 2, 3))
    assert project.save_label_map(ids[1], mask(0, 1)) == first
    assert len(list(project.folder.glob("masks/*/*"))) == 1
    assert mask_hash(np.zeros((2, 8), np.uint8)) != mask_hash(np.zeros((8, 2), np.uint8))


def test_a_mask_that_is_not_contiguous_is_saved_as_seen(project: Project, ids: list[int]) -> None:
    wide = np.repeat(mask(0, 1, 2), 2, axis=1)[:, ::2]
    flipped = wide[::-1, ::-1]
    project.save_label_map(ids[0], flipped)
    np.testing.assert_array_equal(project.label_map(ids[0]), flipped)


def test_masks_that_do_not_fit_are_refused(project: Project, ids: list[int]) -> None:
    project.save_label_map(ids[0], mask(0, 1))
    with pytest.raises(InputError, match=r"im0\.png is 5×4, the image 24×16"):
        project.save_label_map(ids[0], np.zeros((4, 5), np.uint8))
    wrong = mask(0, 1)
    wrong[0, :7] = 9
    with pytest.raises(InputError, match=r"im0\.png has the value 9 in 7 pixels"):
        project.save_label_map(ids[0], wrong)
    with pytest.raises(ValueError, match="uint8"):
        project.save_label_map(ids[0], mask(0, 1).astype(np.int64))
    with pytest.raises(InputError, match="not in the project"):
        project.save_label_map(10**6, mask(0))
    np.testing.assert_array_equal(project.label_map(ids[0]), mask(0, 1))
    assert len(list(project.folder.glob("masks/*/*"))) == 1


def test_a_mask_that_cannot_be_written_changes_nothing(
    project: Project, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_disk(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    kept = project.save_label_map(ids[0], mask(0, 1))
    monkeypatch.setattr("core.project.mask_store.write_mask", fill_disk)
    with pytest.raises(InputError, match="No space left"):
        project.save_label_map(ids[0], mask(0, 2))
    assert project.image(ids[0]).mask_hash == kept
    assert project.mask_history(ids[0]) == []


def test_earlier_masks_can_be_brought_back(project: Project, ids: list[int]) -> None:
    first = project.save_label_map(ids[0], mask(0, 1), state="draft")
    second = project.save_label_map(ids[0], mask(0, 2))
    assert project.image(ids[0]).state == "draft"
    project.clear_label_map(ids[0])
    assert project.label_map(ids[0]) is None
    assert project.image(ids[0]).state == "unlabelled"
    assert [version.hash for version in project.mask_history(ids[0])] == [second, first]
    np.testing.assert_array_equal(project.mask(first), mask(0, 1))


def test_saving_the_same_mask_again_adds_no_history(project: Project, ids: list[int]) -> None:
    project.save_label_map(ids[0], mask(0, 1))
    project.save_label_map(ids[0], mask(0, 1))
    assert project.mask_history(ids[0]) == []


def test_a_mask_deleted_from_outside_is_named(project: Project, ids: list[int]) -> None:
    digest = project.save_label_map(ids[0], mask(0, 1))
    mask_file(project, digest).write_bytes(b"torn")
    with pytest.raises(InputError, match=f"mask of im0.png cannot be read.*{digest}"):
        project.label_map(ids[0])


def test_garbage_is_what_nothing_refers_to(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "images", 4)
    labelled(project, paths[:2], 0, 1)
    labelled(project, paths[2:], 0, 1, 2, subset="val")
    frozen = project.create_revision()
    ids = project.image_ids()
    current = project.save_label_map(ids[0], mask(0, 2))
    dropped = project.save_label_map(ids[1], mask(2, 1))
    project.clear_label_map(ids[1])
    stray = project.folder / "masks" / "ab" / f"{'ab' * 32}.png"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a crash")
    assert mask_file(project, dropped).exists()
    report = project.collect_garbage()
    assert report.files == 2
    assert report.size > 0
    assert not mask_file(project, dropped).exists()
    assert not stray.exists()
    assert mask_file(project, current).exists()
    assert all(item.mask.exists() for item in frozen.items)
    assert project.mask_history(ids[0]) == []
    project.save_label_map(ids[1], mask(2, 1))
    np.testing.assert_array_equal(project.label_map(ids[1]), mask(2, 1))


def test_garbage_collection_spares_masks_being_saved(project: Project, ids: list[int]) -> None:
    store = project._storage.masks
    with store.batch() as batch:
        info = batch.put(mask(0, 1), [])
        project.collect_garbage()
        assert store.path(info.hash).exists()
    project.collect_garbage()
    assert not store.path(info.hash).exists()


def test_removed_images_leave_their_files(project: Project, ids: list[int]) -> None:
    row = project.image(ids[0])
    digest = project.save_label_map(ids[0], mask(0, 1))
    project.remove_images([ids[0]])
    assert project.counts().total == 11
    assert row.path.exists()
    assert mask_file(project, digest).exists()
    with pytest.raises(InputError, match="not in the project"):
        project.image(ids[0])


def test_classes_keep_their_ids(project: Project, ids: list[int]) -> None:
    project.save_label_map(ids[0], mask(0, 1, 2))
    project.rename_class(1, "kratzer 划痕")
    project.recolor_class(2, (9, 8, 7))
    project.order_classes([2, 0, 1])
    added = project.add_class("rust", (1, 2, 3))
    assert [(label.id, label.name) for label in project.labels()] == [
        (2, "dent"),
        (0, "background"),
        (1, "kratzer 划痕"),
        (3, "rust"),
    ]
    assert added.id == 3
    assert project.labels()[0].color == (9, 8, 7)
    np.testing.assert_array_equal(project.label_map(ids[0]), mask(0, 1, 2))


def test_class_names_are_checked(project: Project) -> None:
    for name in ("", "  ", "a\nb"):
        with pytest.raises(InputError, match="needs a name"):
            project.add_class(name)
    with pytest.raises(InputError, match="dent already"):
        project.add_class("dent")
    with pytest.raises(InputError, match="dent already"):
        project.rename_class(1, " dent ")
    project.rename_class(1, "scratch")
    with pytest.raises(KeyError):
        project.rename_class(77, "nobody")
    with pytest.raises(ValueError, match="no order"):
        project.order_classes([0, 1])
    assert len(project.labels()) == 3


def test_a_mask_holds_255_classes_and_no_more(tmp_path: Path) -> None:
    with Project.create(
        tmp_path / "p", labels=[f"c{n}" for n in range(255)], background=False
    ) as full:
        assert full.labels()[-1].id == 254
        assert len({label.color for label in full.labels()}) == 255
        with pytest.raises(InputError, match="no room"):
            full.add_class("one more")
        full.add_images(write_images(tmp_path / "images", 1))
        digest = full.save_label_map(full.image_ids()[0], mask(0, 254, 255))
        np.testing.assert_array_equal(read_mask(mask_file(full, digest)), mask(0, 254, 255))
