"""The part of ``labelling.py`` that runs in labelme's environment (labelme 6, PyQt5).

Reads polygons as JSON from stdin and writes percentiles as JSON, the last line of stdout.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
from labelme._shape import Shape
from labelme.widgets.canvas import Canvas
from PyQt5 import QtCore, QtGui, QtWidgets

HOVERS, DRAGS, REPAINTS, UNDOS = 30, 20, 8, 5


def main() -> None:
    """Measure every set of polygons."""
    task = json.loads(sys.stdin.read())
    qt = QtWidgets.QApplication([])
    results = {
        f"labelme, {count} polygons": measure(qt, task, polygons)
        for count, polygons in task["polygons"].items()
    }
    print(json.dumps(results))


def measure(qt: QtWidgets.QApplication, task: dict, polygons: list) -> dict:
    """Send events to a canvas that shows the whole image."""
    side, (width, height) = task["side"], task["size"]
    canvas = Canvas()
    canvas.resize(width, height)
    grey = np.random.default_rng(1).integers(60, 90, (side, side), dtype=np.uint8)
    image = QtGui.QImage(grey.data, side, side, side, QtGui.QImage.Format_Grayscale8)
    canvas.load_pixmap(QtGui.QPixmap.fromImage(image))
    canvas.scale = height / side * 0.96
    canvas.load_shapes([make_shape(polygon) for polygon in polygons])
    canvas.show()
    qt.processEvents()
    offset = canvas._compute_image_origin_offset()

    def send(kind: int, x: float, y: float, button: int, buttons: int) -> None:
        place = (QtCore.QPointF(x, y) + offset) * canvas.scale
        event = QtGui.QMouseEvent(
            kind,
            place,
            QtCore.Qt.MouseButton(button),
            QtCore.Qt.MouseButtons(buttons),
            QtCore.Qt.NoModifier,
        )
        QtWidgets.QApplication.sendEvent(canvas, event)

    def timed(event: Callable[[], object]) -> float:
        start = time.perf_counter()
        event()
        qt.processEvents()
        return time.perf_counter() - start

    move = QtCore.QEvent.MouseMove
    places = np.random.default_rng(2).uniform(side * 0.05, side * 0.95, (HOVERS, 2)).tolist()
    found = {"hover": [timed(lambda at=place: send(move, *at, 0, 0)) for place in places]}
    found["repaint"] = [timed(canvas.repaint) for _ in range(REPAINTS)]
    x, y = polygons[len(polygons) // 2][0]
    send(move, x, y, 0, 0)
    send(QtCore.QEvent.MouseButtonPress, x, y, 1, 1)
    found["drag vertex"] = [
        timed(lambda at=step: send(move, x + at % 7, y + at % 5, 0, 1)) for step in range(DRAGS)
    ]
    send(QtCore.QEvent.MouseButtonRelease, x, y, 1, 0)
    undos = []
    for _ in range(UNDOS):
        canvas.backup_shapes()
        undos.append(timed(lambda: (canvas.restore_last_shape(), canvas.update())))
    found["undo"] = undos
    canvas.close()
    return {
        name: {f"p{share}": float(np.percentile(times, share)) * 1000 for share in (50, 99)}
        for name, times in found.items()
    }


def make_shape(polygon: list) -> Shape:
    """Return a closed polygon."""
    shape = Shape(label="part", shape_type="polygon")
    for x, y in polygon:
        shape.add_point(QtCore.QPointF(x, y))
    shape.close()
    return shape


if __name__ == "__main__":
    main()
