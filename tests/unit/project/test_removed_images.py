"""Removed images come back as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_samples import labelled, mask, project, write_images

from core.project import Project
from core.system.errors import InputError

__all__ = ["project"]


def test_they_come_back_with_all_that_belonged_to_them(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "images", 3)
    labelled(project, paths, 0, 1, subset="val")
    first = project.image_ids()[0]
    project.save_label_map(first, mask(0, 2), shapes_text='{"shapes": []}')
    project.set_comment(first, "看")
    before = project.images(), project.mask_history(first), project.shapes_text(first)
    imported = project.last_import()
    removed = project.remove_images(project.image_ids()[:2])
    assert removed.count == 2
    assert project.counts().total == 1
    project.restore_images(removed)
    assert (project.images(), project.mask_history(first), project.shapes_text(first)) == before
    assert project.last_import() == imported
    assert project.undo_last_import() is not None, "they know their import again"


def test_every_table_that_knows_an_image_comes_back(project: Project, tmp_path: Path) -> None:
    labelled(project, write_images(tmp_path / "images", 1), 0, 1)
    connection = project._database.connection()
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    known = {
        name
        for name in tables
        if any(key[2] == "image" for key in connection.execute(f"PRAGMA foreign_key_list({name})"))
    }
    removed = project.remove_images(project.image_ids())
    assert set(removed.rows) == {"image", *known} - {"image_class"}, "that is counted anew"
    assert {"mask_history", "image_shapes", "import_image"} <= known


def test_what_was_imported_again_is_not_doubled(project: Project, tmp_path: Path) -> None:
    paths = write_images(tmp_path / "images", 2)
    project.add_images(paths)
    removed = project.remove_images(project.image_ids())
    project.add_images(paths[1:])
    with pytest.raises(InputError, match="imported again"):
        project.restore_images(removed)
    assert project.counts().total == 1, "nothing or everything"


def test_masks_that_were_collected_are_missed(project: Project, tmp_path: Path) -> None:
    labelled(project, write_images(tmp_path / "images", 1), 0, 1)
    removed = project.remove_images(project.image_ids())
    while project.undo_last_import() is not None:
        pass
    project.collect_garbage()
    with pytest.raises(InputError, match="removed meanwhile"):
        project.restore_images(removed)
