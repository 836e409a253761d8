"""Projects that earlier versions of the program wrote, as they left them.

Four images, a class that was deleted when ids still closed up, a revision with a run's data folder,
masks in the history, an import that can be undone, and from version 2 on a shape.
"""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from project_samples import mask

from core.annotation.shape_text import shapes_from_text
from core.project import Project
from core.project.schema import MIGRATIONS
from core.system.errors import InputError

OLD = Path(__file__).parents[2] / "data" / "projects"
HASH = "d2f643f3833c67e9464327c3bb2407356603b224f9997a13df98472e48a327a7"


@pytest.fixture(params=range(1, len(MIGRATIONS)))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int]:
    folder = tmp_path / "旧 项目"
    with zipfile.ZipFile(OLD / f"version_{request.param}.zip") as archive:
        archive.extractall(folder)
    return folder, request.param


def test_everything_is_there_and_a_backup_beside_it(old: tuple[Path, int]) -> None:
    folder, version = old
    with pytest.raises(InputError, match="older version"):
        Project.open(folder, read_only=True)
    with Project.open(folder) as project:
        assert project.name == "Old plates"
        assert [(label.id, label.name) for label in project.labels()] == [
            (0, "background"),
            (1, "scratch"),
            (2, "dent"),
            (3, "rust"),
        ]
        rows = {row.name: row for row in project.images()}
        assert all(row.path.is_file() for row in rows.values())
        maps = {name: project.label_map(row.id) for name, row in rows.items()}
        np.testing.assert_array_equal(maps["im1.png"], mask(0, 3, 1))
        np.testing.assert_array_equal(maps["im2.png"], mask(0, 1, 2))
        np.testing.assert_array_equal(maps["im3.png"], mask(0, 1))
        assert len(project.mask_history(rows["im1.png"].id)) == 2
        shapes = shapes_from_text(project.shapes_text(rows["im0.png"].id) or "[]")
        assert [shape.class_id for shape in shapes] == ([2] if version > 1 else [])
        revision = project.revision(1)
        assert revision.hash == HASH
        assert [label.name for label in revision.labels] == ["background", "scratch", "dent"]
        (run,) = project.runs("train")
        assert run.revision_id == 1 and (run.folder / "dataset" / "labels.txt").is_file()
        assert (run.number, run.name) == (1, "#1 FastSCNN")
    with closing(sqlite3.connect(folder / f"project.db.v{version}.bak")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == version
        assert connection.execute("SELECT count(*) FROM image").fetchone()[0] == 4


def test_its_classes_can_be_deleted_and_its_import_undone(old: tuple[Path, int]) -> None:
    folder, _ = old
    with Project.open(folder) as project:
        rows = {row.name: row for row in project.images()}
        project.merge_class(1, 2)
        assert [label.id for label in project.labels()] == [0, 2, 3]
        np.testing.assert_array_equal(project.label_map(rows["im1.png"].id), mask(0, 3, 2))
        assert project.revision(1).hash == HASH
        report = project.undo_last_import()
        assert report is not None and report.restored == 2 and report.kept == ()
        np.testing.assert_array_equal(project.label_map(rows["im1.png"].id), mask(0, 2, 2))
        assert project.label_map(rows["im3.png"].id) is None


def test_a_newer_version_is_refused(old: tuple[Path, int], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, version = old
    Project.open(folder).close()
    monkeypatch.setattr("core.project.schema.MIGRATIONS", MIGRATIONS[:version])
    with pytest.raises(InputError, match="newer version"):
        Project.open(folder)
