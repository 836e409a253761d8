"""What a long day of labelling leaves in memory: the window's, every few actions.

    uv run benchmarks/soak.py [--actions 20000] [--images 40] [--side 1024] [--every 2000]

Random strokes, rectangles, ellipses, polygons, fills, undos, redos and steps to other images go to
the labelling panel of the real window as events of mouse and keys, masks are saved as always. Each
line tells the actions done, the window's resident memory, what the undo steps say they take, and
how much more memory there is than after the first 5000 actions. With ``--trace`` the largest
growths by line of code since then follow at the end. Runs offscreen.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import psutil

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.panels.label.labelling_panel import LabellingPanel
from app.services.settings import SettingsStore
from app.shell.application import Application
from app.shell.garbage import GarbageCollector
from core.images.io import write_image

SETTLED = 5000
LIMIT = 0.10
MOST_VERTICES = 12
_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class Labeller:
    """Does random things in a labelling panel."""

    def __init__(self, qt: QApplication, panel: LabellingPanel, *, side: int, seed: int) -> None:
        self.panel = panel
        self._qt = qt
        self._side = side
        self._random = random.Random(seed)
        self._canvas = panel.view.canvas
        self._ids = list(panel.images.ids)

    def act(self) -> None:
        """Do one thing that a user does, and let the window answer."""
        draw = self._random.random()
        if draw < 0.30:
            self._stroke()
        elif draw < 0.60:
            self._box(self._random.choice(("rectangle", "ellipse")))
        elif draw < 0.74:
            self._polygon()
        elif draw < 0.76:
            self._take("fill")
            self._click(self._point())
        elif draw < 0.88:
            self._trigger("edit.undo")
        elif draw < 0.92:
            self._trigger("edit.redo")
        else:
            self.open(self._random.choice(self._ids))
        if self._random.random() < 0.3:  # a slower hand sees its stroke saved before the next one
            self.panel.session.flush()
        self._qt.processEvents()

    def open(self, image_id: int) -> None:
        """Show another image and wait until it is there."""
        session = self.panel.session
        self.panel.images.open(image_id)
        wait(self._qt, lambda: session.row is not None and session.row.id == image_id)

    def _stroke(self) -> None:
        self._take(self._random.choice(("brush", "brush", "eraser")))
        self.panel.editor.set_option("brush_size", self._random.randint(2, 60))
        at = self._point()
        points = [at]
        for _ in range(self._random.randint(1, 12)):
            at = tuple(min(max(part + self._random.gauss(0, 40), 0), self._side - 1) for part in at)
            points.append(at)
        self._drag(points)

    def _box(self, tool: str) -> None:
        self._take(tool)
        x, y = self._point()
        size = self._random.randint(4, 160), self._random.randint(4, 160)
        end = min(x + size[0], self._side - 1), min(y + size[1], self._side - 1)
        self._drag([(x, y), end])

    def _polygon(self) -> None:
        self._take("polygon")
        x, y = self._point()
        count = self._random.randint(3, MOST_VERTICES)
        for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
            radius = self._random.uniform(15, 90)
            place = x + radius * np.cos(angle), y + radius * np.sin(angle)
            self._click(tuple(min(max(float(part), 0), self._side - 1) for part in place))
        QTest.keyClick(self._canvas, Qt.Key.Key_Return)

    def _take(self, tool: str) -> None:
        self.panel.tools.take(tool)
        self.panel.classes.choose(self._random.randint(1, 5))

    def _trigger(self, action: str) -> None:
        self.panel.workspace.actions[action].trigger()

    def _point(self) -> tuple[float, float]:
        return self._random.uniform(0, self._side - 1), self._random.uniform(0, self._side - 1)

    def _click(self, point: tuple[float, ...]) -> None:
        self._drag([point])

    def _drag(self, points: list[tuple[float, ...]]) -> None:
        self._send(QEvent.Type.MouseButtonPress, points[0], _LEFT)
        for point in points[1:]:
            self._send(QEvent.Type.MouseMove, point, _LEFT)
        self._send(QEvent.Type.MouseButtonRelease, points[-1], Qt.MouseButton.NoButton)

    def _send(self, kind: QEvent.Type, point: tuple[float, ...], held: Qt.MouseButton) -> None:
        place = QPointF(self._canvas.to_widget(point[0] + 0.5, point[1] + 0.5).toPoint())
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else _LEFT
        modifiers = Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(kind, place, self._canvas.mapToGlobal(place), button, held, modifiers)
        QApplication.sendEvent(self._canvas, event)


def wait(qt: QApplication, condition: object, timeout_s: float = 60.0) -> None:
    """Let the window work until ``condition()`` holds."""
    assert callable(condition)
    end = time.monotonic() + timeout_s
    while not condition():
        qt.processEvents()
        if time.monotonic() > end:
            raise TimeoutError("the window did not get there")
        time.sleep(0.001)


def write_images(folder: Path, *, count: int, side: int) -> None:
    """Write grey-brown noise, which no cache can make small."""
    rng = np.random.default_rng(11)
    for number in range(count):
        coarse = rng.integers(40, 200, (side // 8, side // 8, 3), dtype=np.uint8)
        write_image(folder / f"part_{number:03}.png", coarse.repeat(8, 0).repeat(8, 1))


def resident_mb() -> float:
    """Return the window's resident memory."""
    return float(psutil.Process().memory_info().rss) / 2**20


def undo_mb(panel: LabellingPanel) -> float:
    """Return what all undo steps say that they take."""
    return panel.session.undo_bytes / 2**20


def soak(arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Label for a while; return the figures."""
    qt = QApplication.instance() or QApplication([])
    assert isinstance(qt, QApplication)
    collector = GarbageCollector(qt)
    collector.start()
    application = Application(qt, SettingsStore(folder / "settings.json"))
    application.show()
    pictures = folder / "images"
    pictures.mkdir()
    write_images(pictures, count=arguments.images, side=arguments.side)
    labels = ("background", "scratch", "pit", "dent", "burr", "stain")
    application.context.create_project(folder / "project", "Soak", labels=labels)
    assert application.context.project is not None
    application.context.project.add_images(sorted(pictures.iterdir()))
    application.context.dataset_changed.emit()
    application.window.work_area.show_panel("labelling")
    panel = application.window.work_area.panels["labelling"]
    assert isinstance(panel, LabellingPanel)
    wait(qt, lambda: panel.editor.document is not None)
    labeller = Labeller(qt, panel, side=arguments.side, seed=arguments.seed)
    rows: list[dict[str, float]] = []
    base, traced = 0.0, None
    print(f"{'actions':>8} {'RSS MB':>8} {'undo MB':>8} {'since 5000':>11} {'s':>7}")
    begin = time.monotonic()
    for done in range(1, arguments.actions + 1):
        labeller.act()
        if done == SETTLED and arguments.trace:
            gc.collect()
            tracemalloc.start(8)
            traced = tracemalloc.take_snapshot()
        if done % arguments.every == 0 or done == SETTLED:
            wait(qt, lambda: not panel.session.pending)
            rss = resident_mb()
            base = rss if done == SETTLED else base
            more = rss / base - 1 if base else 0.0
            rows.append({"actions": done, "rss_mb": round(rss, 1), "growth": round(more, 4)})
            seconds = time.monotonic() - begin
            text = f"{more:+11.1%}" if base else f"{'':>11}"
            print(f"{done:8} {rss:8.1f} {undo_mb(panel):8.1f} {text} {seconds:7.0f}", flush=True)
    if traced is not None:
        gc.collect()
        for line in tracemalloc.take_snapshot().compare_to(traced, "lineno")[:30]:
            print(line)
    application.shut_down()
    collector.stop()
    settled = [row["growth"] for row in rows if row["actions"] > SETTLED]
    return {"rows": rows, "growth": max(settled, default=0.0), "within": LIMIT}


def main() -> int:
    """Run; exit 1 where memory grew by more than 10 % after the first 5000 actions."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--actions", type=int, default=20_000)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--every", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="what grew, by line of code")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
            os.environ[name] = str(Path(folder) / name.lower())
        figures = soak(arguments, Path(folder))
    print(json.dumps(figures))
    return 0 if float(str(figures["growth"])) <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())
