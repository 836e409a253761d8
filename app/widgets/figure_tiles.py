"""Figures beside each other, each below its name."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from app.widgets.layout import label


def add_figure_tiles(layout: QHBoxLayout, titles: Iterable[tuple[str, str]]) -> dict[str, QLabel]:
    """Add a tile for each (key, title) to ``layout``; return the labels of the figures by key."""
    tiles = {}
    for key, title in titles:
        value = label("–", "heading")
        value.setAccessibleName(title)
        tiles[key] = value
        cell = QVBoxLayout()
        cell.setSpacing(0)
        cell.addWidget(label(title, "muted"))
        cell.addWidget(value)
        layout.addLayout(cell)
    return tiles
