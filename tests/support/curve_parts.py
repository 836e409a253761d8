"""What the charts of a run show, read from the parts that draw it."""

from __future__ import annotations

import numpy as np


def draw_now(charts) -> None:
    """Draw what waits for the next tenth of a second."""
    for plot in (charts.loss, charts.rate, charts.iou):
        plot.redraw()


def points(plot, key):
    """Return the (steps, values) that a curve was given."""
    curve = plot._curves[key]
    return curve.steps, curve.values


def drawn(plot, key):
    """Return the (x, y) of a curve's line, empty while it is hidden."""
    x, y = plot._curves[key].line.getOriginalDataset()
    return (np.empty(0), np.empty(0)) if x is None else (x, y)


def legend_value(legend, key) -> str:
    """Return the text beside a curve's name."""
    return legend._rows[key].text(1)
