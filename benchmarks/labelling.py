"""How long the labelling canvas takes to answer: hover, paint, drag a vertex, undo, repaint.

    uv run benchmarks/labelling.py [--polygons 100 1000 3000] [--side 8192] [--labelme-python PATH]

Every number is one user event: it is sent to the widget, and the clock stops when the widget has
painted itself. Polygons have 50 vertices and can all be edited; one of them is opened for the
vertex test, and the pointer is moved over them with the brush and with the polygon tool, which
shows what it would open. With ``--labelme-python`` (the Python of an environment that has
labelme) the same events go to labelme's canvas with the same polygons. Runs offscreen.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.canvas.editor import Editor
from app.canvas.tools import TOOLS
from app.canvas.view import CanvasView
from core.annotation.document import MaskDocument
from core.annotation.image_pyramid import make_pyramid
from core.annotation.polygon import Polygon
from core.annotation.shapes import Outline

SIZE = (1200, 900)
POLYGON_IMAGE = 4096
VERTICES = 50
REPEATS = 100
PEER = Path(__file__).with_name("labelling_peer.py")


def make_polygons(count: int, side: int) -> list[np.ndarray]:
    """Return stars of 50 vertices (N, 2) spread over a square."""
    rng = np.random.default_rng(5)
    per_row = int(np.ceil(np.sqrt(count)))
    cell = side / per_row
    angles = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    made = []
    for number in range(count):
        row, column = divmod(number, per_row)
        radius = cell * 0.4 * (0.7 + 0.3 * rng.random(VERTICES))
        center = np.array([(column + 0.5) * cell, (row + 0.5) * cell])
        made.append(center + np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None])
    return made


def percentiles(times: list[float]) -> dict[str, float]:
    """Return p50 and p99 in milliseconds."""
    return {f"p{share}": float(np.percentile(times, share)) * 1000 for share in (50, 99)}


class PaintCounter(QObject):
    """Counts how often a widget was painted."""

    count = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Count and let pass."""
        self.count += event.type() == QEvent.Type.Paint
        return False


class Measured:
    """The canvas under test."""

    def __init__(self, side: int, polygons: list[np.ndarray]) -> None:
        self.qt = QApplication.instance() or QApplication([])
        self.editor = Editor()
        self.view = CanvasView(self.editor)
        self.paints = PaintCounter(self.view)
        self.view.installEventFilter(self.paints)
        self.view.resize(*SIZE)
        self.tools = {tool.key: tool(self.editor, self.view) for group in TOOLS for tool in group}
        document = MaskDocument(np.zeros((side, side), np.uint8), 1)
        for number, polygon in enumerate(polygons):
            outline = Outline.of(Polygon.of(polygon))
            document.add_shape(outline, 1 + number % 7, name="Polygon")
        rng = np.random.default_rng(1)
        image = rng.integers(60, 90, (side, side), dtype=np.uint8)
        self.editor.show(document, make_pyramid(image))
        self.view.show()
        self.qt.processEvents()

    def close(self) -> None:
        """End."""
        self.editor.shut_down()
        self.view.close()
        self.view.deleteLater()

    def time(self, event: Callable[[], object], *, is_seen: bool = True) -> float:
        """Send one event and wait until it is painted; ``is_seen``: it must be."""
        before = self.paints.count
        start = time.perf_counter()
        event()
        self.qt.processEvents()
        taken = time.perf_counter() - start
        if is_seen and self.paints.count == before:
            raise RuntimeError("nothing was painted")
        return taken

    def mouse(self, kind: str, x: float, y: float, *, pressed: bool, ctrl: bool = False) -> None:
        """Send a mouse event at an image pixel."""
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        kinds = {
            "move": (QEvent.Type.MouseMove, none),
            "press": (QEvent.Type.MouseButtonPress, left),
            "release": (QEvent.Type.MouseButtonRelease, left),
        }
        keys = Qt.KeyboardModifier
        place = self.view.to_widget(x, y)
        event = QMouseEvent(
            kinds[kind][0],
            place,
            self.view.mapToGlobal(place),
            kinds[kind][1],
            left if pressed else none,
            keys.ControlModifier if ctrl else keys.NoModifier,
        )
        QApplication.sendEvent(self.view, event)

    def places(self, side: int) -> Iterator[tuple[float, float]]:
        """Yield random image places."""
        rng = np.random.default_rng(2)
        while True:
            yield tuple(rng.uniform(side * 0.05, side * 0.95, 2).tolist())

    def hover(self, side: int, tool: str) -> list[float]:
        """Move the pointer; with the brush there is always something to paint."""
        self.view.set_tool(self.tools[tool])
        places = self.places(side)
        return [
            self.time(
                lambda: self.mouse("move", *next(places), pressed=False), is_seen=tool == "brush"
            )
            for _ in range(REPEATS)
        ]

    def brush(self, side: int, size: int) -> dict[str, list[float]]:
        """Paint strokes of 20 moves, and take them back."""
        self.view.set_tool(self.tools["brush"])
        self.editor.set_option("brush_size", size)
        moves, commits, undos = [], [], []
        places = self.places(side)
        for x, y in itertools.islice(places, REPEATS // 5):
            self.mouse("press", x, y, pressed=True)
            way = [(x + 9 * step, y + 5 * step) for step in range(1, 21)]
            moves += [self.time(partial(self.mouse, "move", *at, pressed=True)) for at in way]
            commits.append(
                self.time(partial(self.mouse, "release", *way[-1], pressed=False), is_seen=False)
            )
            undos.append(self.time(self.editor.undo))
        return {"brush move": moves, "brush commit": commits, "undo": undos}

    def drag_vertex(self, polygons: list[np.ndarray]) -> list[float]:
        """Open one polygon and drag one of its vertices."""
        tool = self.tools["polygon"]
        self.view.set_tool(tool)
        middle = polygons[len(polygons) // 2]
        center = middle.mean(axis=0)
        self.mouse("press", *center, pressed=True, ctrl=True)
        self.mouse("release", *center, pressed=False)
        polygon = tool.polygon
        if polygon is None:
            raise RuntimeError("the polygon was not opened")
        x, y = polygon.outer[0].tolist()
        self.mouse("press", x, y, pressed=True)
        times = [
            self.time(lambda at=step: self.mouse("move", x + at % 7, y + at % 5, pressed=True))
            for step in range(REPEATS)
        ]
        times.append(self.time(lambda: self.mouse("release", x, y, pressed=False)))
        return times

    def repaint(self) -> list[float]:
        """Draw everything anew, as after a zoom."""

        def draw() -> None:
            self.view.view_changed()
            self.view.repaint()

        return [self.time(draw) for _ in range(REPEATS // 4)]


def run_ours(counts: list[int], side: int) -> dict[str, dict[str, list[float]]]:
    """Measure the canvas with each number of polygons, and with one large mask."""
    results: dict[str, dict[str, list[float]]] = {}
    for count in counts:
        polygons = make_polygons(count, POLYGON_IMAGE)
        canvas = Measured(POLYGON_IMAGE, polygons)
        found = {"hover": canvas.hover(POLYGON_IMAGE, "brush"), "repaint": canvas.repaint()}
        found["hover polygons"] = canvas.hover(POLYGON_IMAGE, "polygon")
        found |= canvas.brush(POLYGON_IMAGE, 40)
        found["drag vertex"] = canvas.drag_vertex(polygons)
        results[f"{count} polygons, {POLYGON_IMAGE}²"] = found
        canvas.close()
    canvas = Measured(side, make_polygons(400, side))
    found = {"hover": canvas.hover(side, "brush"), "repaint": canvas.repaint()}
    found["hover polygons"] = canvas.hover(side, "polygon")
    found |= canvas.brush(side, 200)
    results[f"mask of {side}²"] = found
    canvas.close()
    return results


def run_peer(python: Path, counts: list[int]) -> dict[str, dict[str, dict[str, float]]]:
    """Measure labelme in its own environment."""
    polygons = {str(n): [p.tolist() for p in make_polygons(n, POLYGON_IMAGE)] for n in counts}
    done = subprocess.run(
        [str(python), str(PEER)],
        input=json.dumps({"side": POLYGON_IMAGE, "size": SIZE, "polygons": polygons}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"labelme could not be measured:\n{done.stderr[-2000:]}")
    lines: dict[str, dict[str, dict[str, float]]] = json.loads(done.stdout.splitlines()[-1])
    return lines


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--polygons", type=int, nargs="+", default=[100, 1000, 3000])
    parser.add_argument("--side", type=int, default=8192)
    parser.add_argument("--labelme-python", type=Path)
    arguments = parser.parse_args()
    print(f"{'':32}{'event':16}{'p50 ms':>10}{'p99 ms':>10}")
    for name, events in run_ours(arguments.polygons, arguments.side).items():
        for event, times in events.items():
            found = percentiles(times)
            print(f"{name:32}{event:16}{found['p50']:10.2f}{found['p99']:10.2f}")
    if arguments.labelme_python is not None:
        for name, measured in run_peer(arguments.labelme_python, arguments.polygons).items():
            for event, found in measured.items():
                print(f"{name:32}{event:16}{found['p50']:10.2f}{found['p99']:10.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
