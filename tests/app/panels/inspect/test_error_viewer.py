"""Two models behind a divider."""

from __future__ import annotations

import numpy as np
import pytest
from kept_evaluations import record_drawn_evaluation, record_model
from panel_parts import settle
from PySide6.QtCore import QPointF, Qt

from app.panels.inspect.error_pictures import ErrorView


@pytest.fixture
def two_models(qtbot, drawn, drawn_panel, monkeypatch):
    """The panel shows the first model; the second one misses everything."""
    project, logits = drawn
    second = record_model(project, name="UNet")
    blind = {name: np.where(np.arange(3) == 0, 9.0, one) for name, one in logits.items()}
    blind = {name: one.astype(np.float32) for name, one in blind.items()}
    record_drawn_evaluation(monkeypatch, project, second, blind)
    drawn_panel.context.runs_changed.emit()
    settle(qtbot, drawn_panel)
    return drawn_panel


def compare(qtbot, panel) -> None:
    panel.comparison.box.setCurrentIndex(1)
    settle(qtbot, panel)


def test_a_divider_lies_between_two_models(qtbot, two_models):
    panel, viewer = two_models, two_models.results.viewer
    assert viewer.second is None
    assert not viewer.image.divider.isVisible()
    compare(qtbot, panel)
    assert viewer.second is not None
    assert (viewer.second != viewer.picture).any()
    assert viewer._titles.isVisible()
    assert viewer._left.text() == panel.model_box.currentText()
    assert viewer._right.text() == panel.comparison.box.currentText() != viewer._left.text()
    assert viewer.image.divider.isVisible()
    viewer.views.button(list(ErrorView).index(ErrorView.IMAGE)).click()
    settle(qtbot, panel)
    assert (viewer.second == viewer.picture).all()
    panel.comparison.box.setCurrentIndex(0)
    settle(qtbot, panel)
    assert viewer.second is None
    assert viewer._titles.isHidden()


def test_dragging_moves_what_is_seen(qtbot, two_models):
    panel, image = two_models, two_models.results.viewer.image
    compare(qtbot, panel)
    width = two_models.results.viewer.picture.shape[1]
    assert image._cut.rect().left() == pytest.approx(width / 2)
    view = image.graphics
    start = view.mapFromScene(image._box.mapViewToScene(QPointF(width / 2, 30)))
    end = view.mapFromScene(image._box.mapViewToScene(QPointF(width / 4, 30)))
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        qtbot.mouseMove(view.viewport(), start + (end - start) * step / 5)
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)
    assert image.share == pytest.approx(0.25, abs=0.02)
    assert image._cut.rect().left() == pytest.approx(width * image.share)
    assert image._cut.rect().right() == pytest.approx(width)


def test_keys_move_the_divider_and_the_place_stays_for_the_next_image(qtbot, two_models):
    panel, image = two_models, two_models.results.viewer.image
    compare(qtbot, panel)
    for _ in range(5):
        qtbot.keyClick(image.graphics, Qt.Key.Key_Right)
    assert image.share == pytest.approx(0.6)
    panel.results.images.choose(2)
    settle(qtbot, panel)
    assert image.share == pytest.approx(0.6)
    qtbot.keyClick(image.graphics, Qt.Key.Key_Home)
    assert image.share == 0.0


def test_the_halves_show_their_models(qtbot, two_models):
    """At the right end the first model is seen, at the left end the second."""
    panel, viewer = two_models, two_models.results.viewer
    compare(qtbot, panel)
    seen = []
    for share in (1.0, 0.0):
        viewer.image.move_divider(share)
        grabbed = viewer.image.grab().toImage()
        at = (
            viewer.image._box.mapViewToScene(QPointF(0, 0)),
            viewer.image._box.mapViewToScene(
                QPointF(viewer.picture.shape[1], viewer.picture.shape[0])
            ),
        )
        first, last = (viewer.image.graphics.mapFromScene(one) for one in at)
        colors = {
            grabbed.pixelColor(x, y).name()
            for x in range(first.x() + 8, last.x() - 8, 2)
            for y in range(first.y() + 4, last.y() - 4, 2)
        }
        seen.append(colors)
    assert len(seen[0]) != len(seen[1]) or seen[0] != seen[1]


def test_an_image_that_the_other_was_not_measured_on_is_told(qtbot, two_models):
    panel, viewer = two_models, two_models.results.viewer
    compare(qtbot, panel)
    viewer._other.pop(panel.results.images.current.image)
    viewer._refresh()
    settle(qtbot, panel)
    assert viewer.second is None
    assert "was not measured on this image" in viewer.note.text()


def test_without_a_second_measurement_it_says_how(drawn_panel):
    assert not drawn_panel.comparison.box.isEnabled()
    assert "second model" in drawn_panel.comparison.box.toolTip()
