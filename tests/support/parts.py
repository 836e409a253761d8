"""A small dataset of round defects, and waiting for the Dataset panel."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent

from core.images.io import write_image, write_mask

LABELS = ("background", "scratch", "pit")
SIZE = (48, 32)


def make_seg_folder(folder: Path, *, count: int) -> Path:
    """Write a small folder in PaddleX's SEG layout."""
    rng = np.random.default_rng(3)
    lines: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for number in range(count):
        image = rng.integers(60, 120, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        label = 1 + number % 2
        cv2.circle(mask, (10 + 2 * number, 16), 6, label, -1)
        image[mask > 0] = (40, 40, 200) if label == 1 else (200, 40, 40)
        mask[:2] = 255
        name = f"part_{number // 2}_{number % 2}"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        (folder / "masks").mkdir(exist_ok=True)
        write_image(folder / "images" / f"{name}.png", image)
        write_mask(folder / "masks" / f"{name}.png", mask)
        subset = "test" if number % 6 == 5 else "val" if number % 6 == 4 else "train"
        lines[subset].append(f"images/{name}.png masks/{name}.png")
    for subset, entries in lines.items():
        (folder / f"{subset}_list.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    return folder


def wait_until_idle(qtbot, panel) -> None:
    """Wait until the Dataset panel has read everything."""
    qtbot.waitUntil(
        lambda: panel._summary is not None and not panel.busy,
        timeout=20_000,
    )


def wheel_down(widget) -> QWheelEvent:
    """A step of the wheel towards the user over the middle of a widget, to be sent to it."""
    center = widget.rect().center()
    return QWheelEvent(
        QPointF(center),
        QPointF(widget.mapToGlobal(center)),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
