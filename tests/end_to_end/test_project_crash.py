"""``kill -9`` while a project is written to: what was acknowledged is there, nothing is torn.

``MASKWRIGHT_CRASH_KILLS`` and ``MASKWRIGHT_CRASH_SEED`` make it longer and different.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from crash_victim import Victim

from core.images.io import read_mask, write_image, write_mask
from core.project import Project
from core.project.mask_store import mask_hash

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")

KILLS = int(os.environ.get("MASKWRIGHT_CRASH_KILLS", "25"))
SEED = int(os.environ.get("MASKWRIGHT_CRASH_SEED", "1"))
SIDE = 192
IMAGES = 6

JOBS = """
from core.project import Project
from core.project.mask_store import mask_hash


def save(folder, seed, side):
    rng = np.random.default_rng(seed)
    with Project.open(folder) as project:
        ids = project.image_ids()
        tell("ready")
        while True:
            image_id = int(rng.choice(ids))
            mask = rng.integers(0, 3, (side, side), dtype=np.uint8)
            tell("try", image_id, mask_hash(mask))
            digest = project.save_label_map(image_id, mask)
            tell("saved", image_id, digest)
            if rng.random() < 0.1:
                project.collect_garbage()
            elif rng.random() < 0.2:
                project.create_revision(needed=())


def import_and_undo(folder, source):
    with Project.open(folder) as project:
        tell("ready")
        while True:
            project.import_data_folder(source, copy=True)
            tell("imported")
            project.undo_last_import()
            tell("undone")
"""


@pytest.fixture
def victim() -> Iterator[Victim]:
    opened = Victim(JOBS)
    yield opened
    opened.close()


def check_whole(project: Project) -> None:
    """The database is sound and every mask that it or the folder knows can be read."""
    with closing(sqlite3.connect(project.folder / "project.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        known = {row[0] for row in connection.execute("SELECT hash FROM mask")}
    files = list(project.folder.glob("masks/??/*.png"))
    assert known <= {path.stem for path in files}
    for path in files:
        assert mask_hash(read_mask(path)) == path.stem


def test_no_acknowledged_mask_is_lost(victim: Victim, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    folder = tmp_path / "项目 crash"
    paths = [tmp_path / f"im{number}.png" for number in range(IMAGES)]
    for path in paths:
        write_image(path, np.zeros((SIDE, SIDE, 3), np.uint8))
    with Project.create(folder, labels=["background", "a", "b"]) as project:
        project.add_images(paths, subset="train")
    saved: dict[int, str] = {}
    acknowledged = 0
    for kill in range(KILLS):
        lines = victim.kill_after(
            rng.randrange(12), rng.uniform(0, 0.05), "save", str(folder), kill, SIDE
        )
        tried: tuple[int, str] | None = None
        for word, image_id, digest in lines:
            if word == "saved":
                saved[int(image_id)] = digest
                acknowledged += 1
            tried = (int(image_id), digest) if word == "try" else None
        with Project.open(folder) as project:
            check_whole(project)
            for row in project.images():
                # A kill between the commit and its acknowledgement: saved, though not told.
                if tried is not None and tried == (row.id, row.mask_hash):
                    saved[row.id] = tried[1]
                assert row.mask_hash == saved.get(row.id)
                if row.mask_hash is not None:
                    label_map = project.label_map(row.id)
                    assert label_map is not None and mask_hash(label_map) == row.mask_hash
    assert acknowledged > KILLS
    with Project.open(folder) as project:
        project.collect_garbage()
        check_whole(project)
        assert list(folder.glob("masks/**/.tmp-*")) == []


def test_an_import_is_there_whole_or_not_at_all(victim: Victim, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    source = tmp_path / "数据"
    (source / "JPEGImages").mkdir(parents=True)
    (source / "Annotations").mkdir()
    for number in range(8):
        image = np.full((24, 32, 3), number, np.uint8)
        write_image(source / "JPEGImages" / f"{number}.png", image)
        write_mask(source / "Annotations" / f"{number}.png", image[..., 0] % 2)
    (source / "labels.txt").write_text("background\na\n")
    lines = [f"JPEGImages/{number}.png\tAnnotations/{number}.png\n" for number in range(8)]
    (source / "train_list.txt").write_text("".join(lines))
    folder = tmp_path / "p"
    Project.create(folder).close()
    for _ in range(max(6, KILLS // 5)):
        victim.kill_after(
            rng.randrange(4), rng.uniform(0, 0.1), "import_and_undo", str(folder), str(source)
        )
        with Project.open(folder) as project:
            check_whole(project)
            whole = project.counts().total
            assert whole in (0, 8)
            assert len(project.labels()) == (2 if whole else 0)
            assert (project.last_import() is not None) == bool(whole)
            assert all(row.path.is_file() and row.mask_hash for row in project.images())
            project.undo_last_import()
            assert project.counts().total == 0
