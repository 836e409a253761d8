"""The click tool with tiny models of both interfaces, and how a proposal is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_parts import RIGHT, Bench, disc_mask, iou
from click_models import ritm, sam_decoder, sam_encoder
from PySide6.QtCore import Qt

from app.canvas.draft_layer import DraftRenderer
from app.canvas.renderer import MaskRenderer, MaskStyle
from app.canvas.viewport import Span
from core.annotation.click_model import ClickModelFiles


@pytest.fixture
def bench(qtbot):
    made = Bench()
    yield made
    made.close()


@pytest.fixture
def files(tmp_path):
    return ClickModelFiles(ritm(tmp_path / "模型 1" / "m.onnx"))


def test_clicks_cut_the_object_out_and_enter_paints_it(bench, files, qtbot):
    tool = bench.take("click")
    tool.set_model(files)
    bench.click(40, 30)
    assert tool.busy
    assert tool.shown_hint() is tool.busy_hint
    bench.settle(qtbot)
    assert iou(tool.preview().in_box((0, 0, 100, 80)), disc_mask()) > 0.85
    bench.click(5, 5, button=RIGHT)
    assert [click.positive for click in tool._clicks] == [True, False]
    bench.key(Qt.Key.Key_Return)  # still waiting: painted as soon as it is known
    assert not bench.mask.any()
    bench.settle(qtbot)
    assert iou(bench.mask == 1, disc_mask()) > 0.85
    assert len(bench.committed) == 1
    assert not tool.busy
    bench.editor.undo()
    assert not bench.mask.any()


def test_the_image_is_encoded_once(bench, tmp_path, qtbot, monkeypatch):
    pair = ClickModelFiles(sam_encoder(tmp_path / "e.onnx"), sam_decoder(tmp_path / "d.onnx"))
    tool = bench.take("click")
    tool.set_model(pair)
    bench.click(40, 30)
    bench.settle(qtbot)
    encoded = []
    monkeypatch.setattr(tool._model, "encode", encoded.append)
    bench.click(42, 32)
    bench.settle(qtbot)
    assert tool.preview() is not None
    bench.key(Qt.Key.Key_Backspace)
    bench.settle(qtbot)
    assert len(tool._clicks) == 1
    bench.key(Qt.Key.Key_Escape)
    assert not tool.busy and tool.preview() is None
    assert not encoded and not bench.errors


def test_without_a_model_a_click_asks_for_one(bench, qtbot):
    tool = bench.take("click")
    asked = []
    tool.on_missing = lambda: asked.append(True)
    assert tool.shown_hint() is tool.missing_hint
    bench.click(40, 30)
    assert asked == [True]
    assert not tool.busy


def test_a_model_that_does_not_fit_is_told_and_the_clicks_dropped(bench, tmp_path, qtbot):
    tool = bench.take("click")
    tool.set_model(ClickModelFiles(sam_encoder(tmp_path / "e.onnx")))
    bench.click(40, 30)
    bench.settle(qtbot)
    assert "lacks the inputs image, points" in str(bench.errors[0])
    assert not tool.busy


def test_a_protected_class_takes_no_clicks(bench, files):
    tool = bench.take("click")
    tool.set_model(files)
    bench.editor.set_locked({1})
    bench.click(40, 30)
    assert not tool.busy


def test_a_proposal_has_a_dashed_outline():
    mask = np.full((40, 40), 255, np.uint8)
    mask[8:32, 8:32] = 1
    colors = [(0, 0, 0), (200, 30, 30)]
    drawn = []
    for renderer in (MaskRenderer(), DraftRenderer()):
        renderer.set_colors(colors, opacity=0.5, style=MaskStyle.BOTH, hidden=(255,))
        renderer.draw(mask, Span(0, 40, 0, 40), Span(0, 40, 0, 40), (40, 40))
        drawn.append(renderer.overlay.copy())
    solid, dashed = drawn
    assert len(set(solid[8, 8:32].tolist())) == 1
    assert set(dashed[8, 8:32].tolist()) == {int(solid[8, 8]), 0xFFFFFFFF}
    assert np.array_equal(solid[9:31, 9:31], dashed[9:31, 9:31])
    assert not dashed[:8].any()
    # A part drawn anew continues the dashes.
    renderer.update(mask, (10, 8, 20, 12))
    assert np.array_equal(renderer.overlay, dashed)
