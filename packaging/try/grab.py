"""A picture of the whole screen, by the installed Qt: ``grab.py FILE``."""

from __future__ import annotations

import sys

from PySide6.QtGui import QGuiApplication


def main() -> int:
    """Write the picture; returns 1 if it is of one colour, which means nothing is to be seen."""
    qt = QGuiApplication(sys.argv[:1])
    image = qt.primaryScreen().grabWindow(0).toImage()
    image.save(sys.argv[1])
    scaled = image.scaled(32, 32)
    colours = {scaled.pixel(x, y) for x in range(32) for y in range(32)}
    return 0 if len(colours) > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
