"""Regions say where labels count: in what runs and exports get, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from project_samples import SIZE, labelled, project, write_images

from core.data.formats import paddlex_seg
from core.datasets import open_data_folder
from core.images.io import read_mask
from core.portable.cleaning import InspectedArea
from core.project import Project
from core.project.counted_areas import area_from_text, area_text
from core.system.errors import InputError

__all__ = ["project"]

WIDTH, HEIGHT = SIZE
LEFT = InspectedArea(regions=(((0.0, 0.0), (3.0, 0.0), (3.0, HEIGHT - 1.0), (0.0, HEIGHT - 1.0)),))
CORNER = InspectedArea(dont_care=(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)),))


@pytest.fixture
def filled(project: Project, tmp_path: Path) -> Project:
    labelled(project, write_images(tmp_path / "图 a", 3), 0, 1, 2)
    labelled(project, write_images(tmp_path / "图 a", 1, prefix="v"), 0, 1, subset="val")
    return project


def masks_of(project: Project, folder: Path) -> dict[str, np.ndarray]:
    data = open_data_folder(project.create_revision().write_data_folder(folder))
    return {
        item.image.name: read_mask(item.mask)
        for subset in ("train", "val")
        for item in data.subsets[subset]
    }


def test_regions_of_all_images_and_of_one_alone(filled: Project, tmp_path: Path) -> None:
    before = filled.create_revision()
    first, second = filled.images()[:2]
    drawn = filled.label_map(first.id)
    filled.set_own_area(LEFT)
    filled.set_own_area(CORNER, second.id)
    assert filled.counted_area(first.id) == LEFT and filled.counted_area(second.id) == CORNER
    revision = filled.create_revision()
    assert revision.hash != before.hash
    masks = masks_of(filled, tmp_path / "data")
    assert (masks[first.name][:, 4:] == 255).all()
    assert np.array_equal(masks[first.name][:, :4], drawn[:, :4])
    assert (masks[second.name][:2, :2] == 255).all() and (masks[second.name] == 255).sum() == 4
    assert np.array_equal(filled.label_map(first.id), drawn)  # the labels are what was drawn
    assert filled.revision(revision.id) == revision  # it says the same later
    assert not filled.same_validation(before.id, revision.id)
    exported = {item.image_path.name: item.mask() for item in filled.labelled_dataset().items}
    assert np.array_equal(exported[first.name], masks[first.name])
    filled.set_own_area(InspectedArea())
    filled.set_own_area(InspectedArea(), second.id)
    assert filled.create_revision().hash == before.hash


def test_a_run_refers_to_masks_that_count_everywhere(filled: Project, tmp_path: Path) -> None:
    filled.set_own_area(CORNER, filled.images()[0].id)
    folder = filled.create_revision().write_data_folder(tmp_path / "data")
    written = list((folder / "masks").iterdir())
    assert len(written) == 1  # the others are those of the project


def test_regions_go_with_their_image(filled: Project) -> None:
    row = filled.images()[0]
    filled.set_own_area(CORNER, row.id)
    filled.remove_images([row.id])
    assert filled.own_area(row.id) == InspectedArea()


def test_an_export_of_a_project_is_imported_with_what_does_not_count(
    filled: Project, tmp_path: Path
) -> None:
    filled.set_own_area(LEFT)
    paddlex_seg.write(filled.labelled_dataset(), tmp_path / "out")
    with Project.create(tmp_path / "other") as other:
        other.import_data_folder(tmp_path / "out")
        mask = other.label_map(other.images()[0].id)
    assert mask is not None and (mask[:, 4:] == 255).all()


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"regions": 3}', '{"regions": [[[0, 0]]]}', '{"regions": [[[0,0],[1,0],[NaN,1]]]}'],
)
def test_what_is_no_area_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="draw them again"):
        area_from_text(text)


def test_an_area_is_the_same_after_writing_and_reading() -> None:
    area = InspectedArea(regions=LEFT.regions, dont_care=CORNER.dont_care)
    assert area_from_text(area_text(area)) == area
