"""The program's picture as a Windows icon."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image

SIDES = (16, 20, 24, 32, 40, 48, 64, 128, 256)
"""Sides that Windows asks for, from the title bar to the largest view, up to 250 % of scale."""


def write_icon(picture: Path, target: Path) -> None:
    """Draw a picture (SVG, square) at each of ``SIDES`` and write them as one ``.ico`` file."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # a build has no screen
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(str(picture))
    if not renderer.isValid():
        raise ValueError(f"{picture} is no SVG picture")
    drawn = []
    for side in SIDES:
        image = QImage(side, side, QImage.Format.Format_RGBA8888)
        image.fill(0)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        drawn.append(Image.frombytes("RGBA", (side, side), bytes(image.constBits())))
    out = io.BytesIO()
    drawn[-1].save(out, "ICO", sizes=[(side, side) for side in SIDES], append_images=drawn[:-1])
    target.write_bytes(out.getvalue())
