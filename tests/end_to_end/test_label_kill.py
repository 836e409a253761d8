"""``kill -9`` while masks are painted and shapes edited: only the stroke in hand may be lost.

``MASKWRIGHT_LABEL_KILLS`` and ``MASKWRIGHT_CRASH_SEED`` make it longer and different.
"""

from __future__ import annotations

import inspect
import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
from crash_victim import Victim, shapes_hash

from core.annotation.document import MaskDocument
from core.annotation.shape_text import shapes_from_text
from core.images.io import write_image
from core.project import Project
from core.project.autosave import recover
from core.project.mask_store import mask_hash

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")

KILLS = int(os.environ.get("MASKWRIGHT_LABEL_KILLS", "20"))
SEED = int(os.environ.get("MASKWRIGHT_CRASH_SEED", "1"))
SIDE = 160


def fingerprint(document: MaskDocument) -> str:
    return f"{mask_hash(document.mask)}-{shapes_hash(document.layers.shapes)}"


def stored(project: Project, image_id: int) -> MaskDocument:
    found = project.label_map(image_id)
    row = project.image(image_id)
    mask = np.zeros((row.height, row.width), np.uint8) if found is None else found
    shapes = shapes_from_text(project.shapes_text(image_id) or "[]")
    return MaskDocument(mask, image_id, shapes=shapes)


JOBS = (
    f"""
from core.project.autosave import Autosave, recover
from core.annotation.brush import Brush
from core.annotation.document import MaskDocument
from core.annotation.edits import Region
from core.annotation.polygon import Polygon
from core.annotation.shape_text import shapes_from_text
from core.annotation.shapes import Outline
from core.project import Project
from core.project.mask_store import mask_hash

sys.path.append("tests/support")
from crash_victim import shapes_hash

{inspect.getsource(fingerprint)}

{inspect.getsource(stored)}
"""
    + """
def draw(document, rng):
    ring = rng.uniform(0, document.size[0], 2) + rng.uniform(-40, 40, (5, 2))
    outline = Outline.of(Polygon.of(ring))
    if rng.random() < 0.4:
        outline = Outline.between("ellipse", *map(tuple, ring[:2].tolist()))
    document.add_shape(outline, int(rng.integers(1, 3)), name="shape")


def edit(document, rng):
    shapes = document.layers.shapes
    opened = document.open_shape(shapes[int(rng.integers(len(shapes)))])
    outline = opened.shape.outline.moved(*rng.integers(-20, 20, 2).tolist())
    if rng.random() < 0.2:
        outline = None
    document.repaint(opened, outline, int(rng.integers(1, 3)), name="edit")


def stroke(document, rng):
    document.begin_stroke(Brush(int(rng.integers(1, 30))), int(rng.integers(0, 3)), name="brush")
    document.stroke_to(*rng.uniform(0, document.size[0], 2))
    document.finish_stroke()


def fill(document, rng):
    box = (*rng.integers(0, 50, 2).tolist(), *rng.integers(50, document.size[0], 2).tolist())
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
            document = stored(project, image_id)
            autosave.open(image_id, document.mask.copy(), document.layers.shapes)

            def commit(boxes):
                tell("try", image_id, fingerprint(document))
                autosave.commit(image_id, document.mask, boxes, shapes=document.shape_changes)
                tell("kept", image_id, fingerprint(document))

            document.on_committed = commit
            for _ in range(int(rng.integers(1, 9))):
                action = rng.random()
                if action < 0.1:
                    document.undo()
                elif action < 0.15:
                    document.redo()
                elif action < 0.3:
                    stroke(document, rng)
                elif action < 0.4:
                    fill(document, rng)
                elif action < 0.7 or not document.layers.shapes:
                    draw(document, rng)
                else:
                    edit(document, rng)
            autosave.release(image_id)
"""
)


def test_only_the_stroke_in_hand_may_be_lost(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    folder = tmp_path / "项目 crash"
    paths = [tmp_path / f"图 {number}.png" for number in range(3)]
    for path in paths:
        write_image(path, np.zeros((SIDE, SIDE, 3), np.uint8))
    with Project.create(folder, labels=["background", "a", "b"]) as project:
        project.add_images(paths)
        kept = {
            image_id: fingerprint(stored(project, image_id)) for image_id in project.image_ids()
        }
    victim = Victim(JOBS)
    steps = recovered = shapes = 0
    for kill in range(KILLS):
        lines = victim.kill_after(
            rng.randrange(60), rng.uniform(0, 0.05), "label", str(folder), kill
        )
        tried: tuple[int, str] | None = None
        for word, image_id, digest in lines:
            if word == "kept":
                kept[int(image_id)] = digest
                steps += 1
            tried = (int(image_id), digest) if word == "try" else None
        with Project.open(folder) as project:
            recovered += len(recover(project))
            for image_id in project.image_ids():
                document = stored(project, image_id)
                found = fingerprint(document)
                # A kill between the journal and its acknowledgement: kept, though not told.
                if tried == (image_id, found):
                    kept[image_id] = found
                assert found == kept[image_id], (kill, image_id)
                shapes += len(document.layers.shapes)
                assert all(document.open_shape(shape) for shape in document.layers.shapes)
    victim.close()
    assert steps > KILLS and shapes > KILLS
    assert recovered > 0, "no kill came between a step and its save: nothing was tested"
