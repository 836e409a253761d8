"""Images whose folder was moved are found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from project_samples import labelled, project, write_images

from core.images.io import write_image
from core.project import Project
from core.system.errors import InputError

__all__ = ["project"]


def test_a_renamed_folder_is_found_from_above(project: Project, tmp_path: Path) -> None:
    old = tmp_path / "照片 1"
    labelled(project, write_images(old / "day 1", 3), 0, 1)
    new = tmp_path / "elsewhere" / "照片 2"
    new.parent.mkdir()
    old.rename(new)
    assert not any(row.path.exists() for row in project.images())
    result = project.relocate_images(tmp_path / "elsewhere")
    assert (result.found, result.missing) == (3, ())
    assert {row.path.parent for row in project.images()} == {new / "day 1"}
    assert all(row.mask_hash for row in project.images())


def test_the_same_name_in_two_folders_is_told_by_the_folder(
    project: Project, tmp_path: Path
) -> None:
    for day in ("a", "b"):
        labelled(project, write_images(tmp_path / "old" / day, 2), 0, 1)
    (tmp_path / "old").rename(tmp_path / "new")
    assert project.relocate_images(tmp_path / "new").found == 4
    assert all(row.path.is_file() for row in project.images())
    assert len({row.path for row in project.images()}) == 4


def test_another_image_of_that_name_is_not_taken(project: Project, tmp_path: Path) -> None:
    (path,) = write_images(tmp_path / "old", 1)
    labelled(project, [path], 0, 1)
    path.unlink()
    other = tmp_path / "new" / path.name
    other.parent.mkdir()
    write_image(other, np.zeros((5, 7, 3), np.uint8))
    result = project.relocate_images(other.parent)
    assert (result.found, result.missing) == (0, (path,))


def test_two_that_are_as_likely_are_left_to_the_user(project: Project, tmp_path: Path) -> None:
    (path,) = write_images(tmp_path / "old", 1)
    labelled(project, [path], 0, 1)
    for place in ("one", "two"):
        write_images(tmp_path / "new" / place, 1)
    path.unlink()
    assert project.relocate_images(tmp_path / "new").found == 0
    assert project.relocate_images(tmp_path / "new" / "two").found == 1


def test_nothing_is_changed_while_reading_only(project: Project, tmp_path: Path) -> None:
    with Project.open(project.folder, read_only=True) as reading, pytest.raises(InputError):
        reading.relocate_images(tmp_path)
