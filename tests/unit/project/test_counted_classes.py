"""Classes are counted as a training sees them: without what regions leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from project_samples import SIZE, labelled, mask, mask_file, project, write_images

from core.advice.label_counts import LabelCounter
from core.data.validation import validate_folder
from core.portable.cleaning import InspectedArea
from core.project import ImageQuery, Project

__all__ = ["project"]

WIDTH, HEIGHT = SIZE
# The masks' columns are shared by the classes 0, 1 and 2: regions of the first third show 0 alone.
FIRST_THIRD = InspectedArea(
    regions=(((0.0, 0.0), (7.0, 0.0), (7.0, HEIGHT - 1.0), (0.0, HEIGHT - 1.0)),)
)
LAST_THIRD_OUT = InspectedArea(
    dont_care=(((16.0, 0.0), (23.0, 0.0), (23.0, HEIGHT - 1.0), (16.0, HEIGHT - 1.0)),)
)
THIRD = WIDTH * HEIGHT // 3


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    labelled(project, write_images(tmp_path / "图 a", 3), 0, 1, 2)
    labelled(project, write_images(tmp_path / "图 a", 1, prefix="v"), 0, 1, 2, subset="val")
    return project


def decoded(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    read = project._storage.masks.read
    monkeypatch.setattr(project._storage.masks, "read", lambda one: seen.append(one) or read(one))
    return seen


def test_every_count_is_what_the_data_of_a_run_hold(filled: Project, tmp_path: Path) -> None:
    first, second = filled.images(ImageQuery(subset="train"))[:2]
    filled.set_own_area(FIRST_THIRD)
    filled.set_own_area(LAST_THIRD_OUT, second.id)
    statistics = filled.statistics()
    report = validate_folder(filled.create_revision().write_data_folder(tmp_path / "data"))
    assert statistics == report.statistics
    assert statistics.class_pixels["train"] == (3 * THIRD, THIRD, 0)
    assert statistics.ignored_pixels == {"train": 5 * THIRD, "val": 2 * THIRD}
    assert filled.class_counts() == {0: 4, 1: 1, 255: 4}
    assert filled.class_counts(ImageQuery(subset="val")) == {0: 1, 255: 1}
    assert filled.image_ids(ImageQuery(class_id=1)) == [second.id]
    assert filled.images_with_class(1) == 4, "deleting it would change all of them"
    counts = LabelCounter().count(filled)
    assert (counts[1].images, counts[1].objects, counts[2].objects) == (1, 1, 0)
    assert (filled.counted_label_map(first.id) == 255).sum() == 2 * THIRD
    codes = [finding.code for finding in filled.findings()]
    assert codes.count("class_missing") == [one.code for one in report.findings].count(
        "class_missing"
    )


def test_a_revision_counts_by_the_regions_that_it_had(filled: Project) -> None:
    filled.set_own_area(FIRST_THIRD)
    revision = filled.create_revision()
    filled.set_own_area(InspectedArea())
    counter = LabelCounter()
    assert counter.count(filled, revision_id=revision.id)[1].objects == 0
    assert counter.count(filled)[1].objects == 3


def test_classes_are_shown_once_something_of_them_counts(filled: Project) -> None:
    assert filled.shows_classes()
    filled.set_own_area(FIRST_THIRD)
    filled.class_counts()
    assert not filled.shows_classes()
    filled.set_own_area(LAST_THIRD_OUT, filled.image_ids()[0])
    filled.class_counts()
    assert filled.shows_classes()


def test_a_mask_is_decoded_once_for_its_regions(
    filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = decoded(filled, monkeypatch)
    before = filled.class_counts()
    filled.statistics()
    assert not seen, "without regions the database knows"
    filled.set_own_area(FIRST_THIRD)
    filled.statistics()
    filled.class_counts()
    assert len(seen) == 4
    row = filled.images()[0]
    filled.save_label_map(row.id, mask(1, 0, 2))
    assert filled.class_counts()[1] == 1 and len(seen) == 5, "only the new mask"
    filled.set_own_area(LAST_THIRD_OUT, row.id)
    assert filled.class_counts() == {0: 4, 1: 1, 255: 4} and len(seen) == 6
    filled.set_own_area(InspectedArea(), row.id)
    filled.set_own_area(InspectedArea())
    assert filled.class_counts() == before and len(seen) == 6


def test_images_that_come_back_are_counted_by_the_regions_of_now(filled: Project) -> None:
    filled.set_own_area(FIRST_THIRD)
    filled.class_counts()
    removed = filled.remove_images(filled.image_ids())
    filled.set_own_area(LAST_THIRD_OUT)
    filled.restore_images(removed)
    assert filled.class_counts() == {0: 4, 1: 4, 255: 4}


def test_a_split_spreads_what_trains(project: Project, tmp_path: Path) -> None:
    labelled(project, write_images(tmp_path / "a", 8), 0, 1, 2)
    for row in project.images()[2:]:
        project.set_own_area(FIRST_THIRD, row.id)
    project.split(val=0.2, test=0.0, seed=3)
    for subset in ("train", "val"):
        assert project.class_counts(ImageQuery(subset=subset))[1] == 1


def test_a_lost_mask_counts_as_drawn(filled: Project) -> None:
    filled.set_own_area(FIRST_THIRD)
    mask_file(filled, filled.images()[0].mask_hash or "").unlink()  # all four share it
    assert filled.class_counts() == {0: 4, 1: 4, 2: 4}


def test_counting_stops_when_it_is_told_to(filled: Project) -> None:
    filled.set_own_area(FIRST_THIRD)

    def stop() -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        filled.statistics(check=stop)
    assert filled.statistics().class_pixels["val"] == (THIRD, 0, 0)


def test_who_only_reads_counts_for_himself(
    filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.set_own_area(FIRST_THIRD)
    with Project.open(filled.folder, read_only=True) as reader:
        seen = decoded(reader, monkeypatch)
        assert reader.class_counts() == {0: 4, 255: 4}
        assert reader.image_ids(ImageQuery(class_id=1)) == []
        assert reader.statistics().class_pixels["val"] == (THIRD, 0, 0)
        assert len(seen) == 4, "once"
        filled.set_own_area(LAST_THIRD_OUT)
        assert reader.class_counts() == {0: 4, 1: 4, 255: 4}
        filled.set_own_area(InspectedArea())
        assert reader.class_counts() == {0: 4, 1: 4, 2: 4}
    assert np.array_equal(filled.label_map(filled.images()[0].id), mask(0, 1, 2))
