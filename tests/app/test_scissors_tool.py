"""Scissors on the canvas: how far an anchor goes to an edge depends on the zoom."""

from __future__ import annotations

import pytest
from label_parts import DISC, Bench

from app.canvas.scissors_tool import ScissorsTool


@pytest.fixture
def bench(qapp):
    made = Bench()
    yield made
    made.close()


@pytest.mark.parametrize(("scale", "stays"), [(1.0, False), (8.0, True)])
def test_who_has_zoomed_in_gets_the_pixel_that_was_clicked(bench, qtbot, scale, stays) -> None:
    tool = bench.take("scissors")
    assert isinstance(tool, ScissorsTool)
    x, y, radius = DISC
    place = (x + radius + 3, y)
    bench.view.viewport.zoom_to(scale)
    bench.view.viewport.center_on(*place)
    bench.click(*place)
    bench.settle(qtbot)
    (anchor,) = tool._anchors
    assert (anchor == (place[0] + 0.5, place[1] + 0.5)) is stays
