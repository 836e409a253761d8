"""``kill -9`` while masks are painted: nothing is lost but the stroke in hand.

``MASKWRIGHT_LABEL_KILLS`` and ``MASKWRIGHT_CRASH_SEED`` make it longer and different.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.annotation.autosave import recover
from core.images import write_image
from core.project import Project
from core.project.masks import mask_hash

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")

KILLS = int(os.environ.get("MASKWRIGHT_LABEL_KILLS", "20"))
SEED = int(os.environ.get("MASKWRIGHT_CRASH_SEED", "1"))
SIDE = 320
IMAGES = 4
ROOT = Path(__file__).parents[2]

# Imports once and forks for each kill: starting Python takes longer than everything else.
SERVER = """
import json
import os
import sys
import numpy as np
from core.annotation.autosave import Autosave, recover
from core.annotation.brush import Brush
from core.annotation.document import MaskDocument
from core.annotation.edits import Region
from core.images import default_palette
from core.project import Project
from core.project.masks import mask_hash

default_palette(256)  # computed once; the forks inherit it


def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # one piece, from either process


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


for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        label(*json.loads(line))
    tell("pid", pid)
    tell("ended", os.waitpid(pid, 0)[1])
"""


class Victim:
    """Runs labelling sessions and kills them."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def kill_after(self, lines: int, delay_s: float, *session: str | int) -> list[list[str]]:
        """Start a session, kill it ``delay_s`` after it told ``lines``; return what it told."""
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.write(json.dumps(session) + "\n")
        self._server.stdin.flush()
        pid, told = 0, []
        while not pid or len(told) < 1 + lines:  # the first says that it is ready
            word, *rest = self._server.stdout.readline().split()
            assert word not in ("ended", "failed")
            if word == "pid":
                pid = int(rest[0])
            else:
                told.append([word, *rest])
        time.sleep(delay_s)
        os.kill(pid, signal.SIGKILL)
        while told[-1][0] != "ended":
            told.append(self._server.stdout.readline().split())
        assert told.pop() == ["ended", str(int(signal.SIGKILL))]
        return told[1:]

    def close(self) -> None:
        assert self._server.stdin is not None and self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        assert self._server.wait(30) == 0


@pytest.fixture
def victim() -> Iterator[Victim]:
    opened = Victim()
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
        lines = victim.kill_after(rng.randrange(60), rng.uniform(0, 0.05), str(folder), kill)
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
