"""``kill -9`` of the whole window while masks are painted: nothing is lost but the stroke in hand.

``MASKWRIGHT_WINDOW_KILLS`` and ``MASKWRIGHT_CRASH_SEED`` make it longer and different.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from crash_victim import Victim, shapes_hash

from core.annotation.shape_text import shapes_from_text
from core.images.io import write_image
from core.project import Project
from core.project.autosave import recover
from core.project.mask_store import mask_hash

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")

KILLS = int(os.environ.get("MASKWRIGHT_WINDOW_KILLS", "6"))
SEED = int(os.environ.get("MASKWRIGHT_CRASH_SEED", "1"))
SIDE = 200
IMAGES = 3
EMPTY = np.zeros((SIDE, SIDE), np.uint8)

JOBS = """
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.shell.application import Application
from app.services.settings import SettingsStore
from core.project.autosave import Autosave
from core.project.mask_store import mask_hash

sys.path.append("tests/support")
from crash_victim import shapes_hash

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
DRAGGED = ("brush", "eraser", "lasso", "rectangle", "ellipse")


def wait(condition):
    end = time.monotonic() + 30
    while not condition():
        QApplication.processEvents()
        if time.monotonic() > end:
            tell("failed")


def tell_commits(panel):
    commit = Autosave.commit

    def told(self, image_id, mask, boxes, **rest):
        words = image_id, mask_hash(mask), shapes_hash(panel.editor.document.layers.shapes)
        tell("try", *words)
        commit(self, image_id, mask, boxes, **rest)
        tell("kept", *words)

    Autosave.commit = told


def label(folder, settings, seed):
    rng = np.random.default_rng(seed)
    qt = QApplication([])
    application = Application(qt, SettingsStore(Path(settings)))
    application.show()
    application.open_project(Path(folder))
    area = application.window.work_area
    area.show_panel("labelling")
    panel = area.panels["labelling"]
    wait(lambda: panel.editor.document is not None)
    tell_commits(panel)
    canvas = panel.view.canvas
    tell("ready")

    def place():
        return canvas.to_widget(*rng.uniform(0, panel.editor.document.size[0], 2)).toPoint()

    while True:
        action = rng.random()
        if action < 0.1:
            panel.workspace.actions[str(rng.choice(["image.next", "image.previous"]))].trigger()
            wait(lambda: panel.editor.document is not None)
        elif action < 0.25:
            panel.workspace.actions[str(rng.choice(["edit.undo", "edit.redo"]))].trigger()
        elif action < 0.4:
            panel.workspace.actions["tool.polygon"].trigger()
            for _ in range(int(rng.integers(3, 7))):
                QTest.mouseClick(canvas, LEFT, NONE, place())
                QApplication.processEvents()
            QTest.keyClick(canvas, Qt.Key.Key_Return)
        else:
            panel.workspace.actions["tool." + str(rng.choice(DRAGGED))].trigger()
            panel.classes.choose(int(rng.integers(1, 3)))
            QTest.mousePress(canvas, LEFT, NONE, place())
            for _ in range(int(rng.integers(1, 5))):
                QTest.mouseMove(canvas, place())
                QApplication.processEvents()
            QTest.mouseRelease(canvas, LEFT, NONE, place())
        QApplication.processEvents()
"""


@pytest.fixture
def victim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Victim]:
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    opened = Victim(JOBS)
    yield opened
    opened.close()


def found(project: Project, image_id: int) -> tuple[str, str]:
    """Hashes of the mask, empty where there is none, and of the shapes."""
    mask = project.label_map(image_id)
    text = project.shapes_text(image_id)
    shapes = () if text is None else shapes_from_text(text)
    return mask_hash(EMPTY if mask is None else mask), shapes_hash(shapes)


def test_only_the_stroke_in_hand_may_be_lost(victim: Victim, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    folder, settings = tmp_path / "项目 crash", tmp_path / "settings.json"
    paths = [tmp_path / f"图 {number}.png" for number in range(IMAGES)]
    for path in paths:
        write_image(path, np.zeros((SIDE, SIDE, 3), np.uint8))
    with Project.create(folder, labels=["background", "a", "b"]) as project:
        project.add_images(paths)
        kept = {image_id: found(project, image_id) for image_id in project.image_ids()}
    strokes = recovered = with_shapes = 0
    for kill in range(KILLS):
        lines = victim.kill_after(
            rng.randrange(40), rng.uniform(0, 0.3), "label", str(folder), str(settings), kill
        )
        tried: tuple[int, tuple[str, str]] | None = None
        for word, image_id, *hashes in lines:
            if word == "kept":
                kept[int(image_id)] = tuple(hashes)
                strokes += 1
            tried = (int(image_id), tuple(hashes)) if word == "try" else None
        with Project.open(folder) as project:
            recovered += len(recover(project))
            for image_id in project.image_ids():
                now = found(project, image_id)
                # A kill between the journal and its acknowledgement: kept, though not told.
                if tried == (image_id, now):
                    kept[image_id] = now
                assert now == kept[image_id], (kill, image_id)
                with_shapes += now[1] != shapes_hash(())
    assert strokes > KILLS
    assert recovered, "no kill came between a stroke and its save: nothing was tested"
    assert with_shapes
