"""``kill -9`` while masks are painted: nothing is lost but the stroke in hand.

``MASKWRIGHT_LABEL_KILLS`` and ``MASKWRIGHT_CRASH_SEED`` make it longer and different.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from crash_victim import Victim

from core.annotation.autosave import recover
from core.images import write_image
from core.project import Project
from core.project.masks import mask_hash

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")

KILLS = int(os.environ.get("MASKWRIGHT_LABEL_KILLS", "20"))
SEED = int(os.environ.get("MASKWRIGHT_CRASH_SEED", "1"))
SIDE = 320
IMAGES = 4

JOBS = """
from core.annotation.autosave import Autosave, recover
from core.annotation.brush import Brush
from core.annotation.document import MaskDocument
from core.annotation.edits import Region
from core.project import Project
from core.project.masks import mask_hash


def stroke(document, rng):
    side = document.size[0]
    document.begin_stroke(Brush(int(rng.integers(1, 60))), int(rng.integers(0, 3)), name="brush")
    for _ in range(int(rng.integers(1, 6))):
        document.stroke_to(*rng.uniform(0, side, 2))
    document.finish_stroke()


def fill(document, rng):
    box = (*rng.integers(0, 100, 2).tolist(), *rng.integers(100, 320, 2).tolist())
    pixels = rng.random((box[3] - box[1], box[2] - box[0])) < 0.7
    document.paint(Region(box, pixels), int(rng.integers(0, 3)), name="fill")


def label(folder, seed):
    rng = np.random.default_rng(seed)
    with Project.open(folder) as project:
        recover(project)
        autosave = Autosave(
            project,
            on_saved=lambda id_, hash_: None,
            on_failed=lambda id_, error: tell("failed", id_),
            pause_s=0.02,
        )
        ids = project.image_ids()
        tell("ready")
        while True:
            image_id = int(rng.choice(ids))
            autosave.flush(image_id)
            mask = project.label_map(image_id)
            if mask is None:
                side = project.image(image_id).width
                mask = np.zeros((side, side), np.uint8)
            document = MaskDocument(mask, image_id)
            autosave.open(image_id, mask.copy())

            def commit(boxes):
                tell("try", image_id, mask_hash(document.mask))
                autosave.commit(image_id, document.mask, boxes)
                tell("kept", image_id, mask_hash(document.mask))

            document.on_committed = commit
            for _ in range(int(rng.integers(1, 8))):
                action = rng.random()
                if action < 0.15:
                    document.undo()
                elif action < 0.2:
                    document.redo()
                elif action < 0.4:
                    fill(document, rng)
                else:
                    stroke(document, rng)
            autosave.release(image_id)
"""


@pytest.fixture
def victim() -> Iterator[Victim]:
    opened = Victim(JOBS)
    yield opened
    opened.close()


def test_only_the_stroke_in_hand_may_be_lost(victim: Victim, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    folder = tmp_path / "项目 crash"
    paths = [tmp_path / f"图 {number}.png" for number in range(IMAGES)]
    for path in paths:
        write_image(path, np.zeros((SIDE, SIDE, 3), np.uint8))
    with Project.create(folder, labels=["background", "a", "b"]) as project:
        project.add_images(paths)
    kept: dict[int, str] = {}
    strokes = recovered = 0
    for kill in range(KILLS):
        lines = victim.kill_after(
            rng.randrange(60), rng.uniform(0, 0.05), "label", str(folder), kill
        )
        tried: tuple[int, str] | None = None
        for word, image_id, digest in lines:
            if word == "kept":
                kept[int(image_id)] = digest
                strokes += 1
            tried = (int(image_id), digest) if word == "try" else None
        with Project.open(folder) as project:
            recovered += len(recover(project))
            for row in project.images():
                # A kill between the journal and its acknowledgement: kept, though not told.
                if tried is not None and tried == (row.id, row.mask_hash):
                    kept[row.id] = tried[1]
                assert row.mask_hash == kept.get(row.id), (kill, row.name)
                if row.mask_hash is not None:
                    mask = project.label_map(row.id)
                    assert mask is not None and mask_hash(mask) == row.mask_hash
    assert strokes > KILLS
    assert recovered > 0, "no kill came between a stroke and its save: nothing was tested"
