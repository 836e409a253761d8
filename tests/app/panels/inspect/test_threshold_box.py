"""Sliders: what is tried is measured in the background, shown everywhere, and can be saved."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest
from inspection_parts import measured_panel, names
from kept_evaluations import record_drawn_evaluation, record_model
from panel_parts import settle
from PySide6.QtCore import Qt

from app.panels.inspect import threshold_runner
from core.models.model_folder import read_model_info, set_thresholds
from core.prediction.threshold_trial import ThresholdTrial
from core.prediction.thresholds import LAST_BIN, share_of_bin


def test_a_slider_changes_objects_images_pixels_and_pictures(qtbot, drawn_panel):
    panel, box = drawn_panel, drawn_panel.thresholds
    shown = panel._evaluation
    before = {key: tile.text() for key, tile in panel.figures.tiles.items()}
    listed = names(panel)
    picture = panel.results.viewer.picture.copy()
    assert sorted(box.sliders) == [1, 2]
    assert box.reset_button.isHidden()
    box.sliders[1].setValue(LAST_BIN)
    settle(qtbot, panel)
    expected = ThresholdTrial(shown).measure((None, share_of_bin(LAST_BIN), 0.5))
    after = {key: tile.text() for key, tile in panel.figures.tiles.items()}
    total = expected.metrics["objects"]["all"]
    assert after["found"] == f"{total['found']} / {total['objects']}" != before["found"]
    assert after["alarms"] == str(total["false_alarms"]) != before["alarms"]
    assert after["miou"] == f"{expected.metrics['miou']:.3f}" != before["miou"]
    assert (panel.results.figures.matrix._counts == expected.matrix).all()
    assert (panel.results.viewer.picture != picture).any()
    assert names(panel) == [one.image.name for one in expected.images]
    assert f"→ {total['found']} of {total['objects']}" in box.effect.text()
    assert panel.results.verdict.isVisible()
    box.reset_button.click()
    settle(qtbot, panel)
    assert {key: tile.text() for key, tile in panel.figures.tiles.items()} == before
    assert names(panel) == listed
    assert box.effect.isHidden()


def test_the_chosen_image_and_the_filter_stay(qtbot, drawn_panel):
    panel = drawn_panel
    panel.results.filter.class_box.setCurrentIndex(2)  # scratch
    settle(qtbot, panel)
    panel.results.images.choose(1)
    settle(qtbot, panel)
    image = panel.results.images.current.image
    panel.thresholds.sliders[2].setValue(140)
    settle(qtbot, panel)
    assert panel.results.images.current.image == image
    assert panel.results.filter.class_id == 1
    assert panel.results.viewer.focus == 1


def test_thresholds_are_saved_in_the_model(qtbot, drawn_panel):
    panel, box = drawn_panel, drawn_panel.thresholds
    folder = panel.model_box.currentData().folder
    assert read_model_info(folder).thresholds is None
    assert box.own_button.isHidden()
    box.sliders[1].setValue(120)
    box.save_button.click()
    settle(qtbot, panel)
    wanted = (None, pytest.approx(share_of_bin(120), abs=1e-6), 0.5)
    assert read_model_info(folder).thresholds == wanted
    assert not box.save_button.isEnabled()
    box.sliders[2].setValue(140)
    assert box.save_button.isEnabled()
    box.own_button.click()
    settle(qtbot, panel)
    assert box.thresholds == wanted


def test_saving_is_undone(qtbot, drawn_panel):
    panel, box = drawn_panel, drawn_panel.thresholds
    folder = panel.model_box.currentData().folder
    for place in (120, 125):
        box.sliders[1].setValue(place)
        box.save_button.click()
        settle(qtbot, panel)
    assert box.undo_button.isVisibleTo(box)
    box.undo_button.click()
    settle(qtbot, panel)
    assert read_model_info(folder).thresholds[1] == pytest.approx(share_of_bin(120), abs=1e-6)
    assert box.sliders[1].value() == 125  # what is tried stays


def test_the_best_of_these_pixels_are_offered(qtbot, drawn_panel):
    panel, box = drawn_panel, drawn_panel.thresholds
    box.best_button.click()
    settle(qtbot, panel)
    best = panel._evaluation.metrics["best_thresholds"]
    assert box.thresholds == (None, *(pytest.approx(one, abs=1e-6) for one in best[1:]))


def test_they_begin_where_the_measurement_was_made(qtbot, drawn_context, drawn, monkeypatch):
    project, logits = drawn
    model_dir = record_model(project)
    set_thresholds(model_dir, [None, share_of_bin(110), share_of_bin(130)])
    record_drawn_evaluation(monkeypatch, project, model_dir, logits, thresholds=True)
    with measured_panel(qtbot, drawn_context, monkeypatch, project, logits) as panel:
        place = [panel.model_box.itemData(i).folder for i in range(2)].index(model_dir)
        panel.model_box.setCurrentIndex(place)
        settle(qtbot, panel)
        box = panel.thresholds
        assert {index: one.value() for index, one in box.sliders.items()} == {1: 110, 2: 130}
        assert box.is_as_measured


def test_a_measurement_without_odds_says_what_to_do(qtbot, drawn_context, drawn, monkeypatch):
    with measured_panel(qtbot, drawn_context, monkeypatch, *drawn, save_odds=False) as panel:
        box = panel.thresholds
        assert box.isVisibleTo(panel._inspector)
        assert "Measure again" in box.note.text()
        assert not box._rows.isVisibleTo(box)


def test_of_many_wishes_the_newest_counts(qtbot, drawn_panel, monkeypatch):
    """While a slow measurement runs, others are asked for; only the last one is made after it."""
    panel, box = drawn_panel, drawn_panel.thresholds
    going_on, asked, measured = Event(), [], []
    real = ThresholdTrial.measure

    def slow(self, thresholds, *, check):
        asked.append(thresholds[1])
        going_on.wait(10)
        return real(self, thresholds, check=check)

    monkeypatch.setattr(threshold_runner.ThresholdTrial, "measure", slow)
    panel._runner.measured.connect(lambda found: measured.append(found.thresholds[1]))
    for place in (130, 133, 136, 139):
        box.sliders[1].setValue(place)
    qtbot.waitUntil(lambda: len(asked) == 1)
    going_on.set()
    settle(qtbot, panel)
    last = pytest.approx(share_of_bin(139), abs=1e-6)
    assert measured[-1] == last
    assert len(asked) <= 2
    # One that takes long is given up at once.
    going_on.clear()
    monkeypatch.setattr(threshold_runner, "_PATIENCE_S", 0.0)
    measured.clear()
    box.sliders[1].setValue(120)
    box.sliders[1].setValue(121)
    going_on.set()
    settle(qtbot, panel)
    assert measured == [pytest.approx(share_of_bin(121), abs=1e-6)]


def test_keys_move_a_slider_by_a_bin(qtbot, drawn_panel):
    box = drawn_panel.thresholds
    slider = box.sliders[1]
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.value() == 129
    assert box._values[1].text() == f"{share_of_bin(129):.2f}"
    assert slider.accessibleName() == "Threshold of scratch"
    settle(qtbot, drawn_panel)


def test_choosing_on_other_images_is_warned_of(drawn_panel):
    panel, box = drawn_panel, drawn_panel.thresholds
    assert box.warning.isHidden()
    for split, word in (("test", "look better"), ("train", "knows these")):
        box.show_evaluation(replace(panel._evaluation, split=split), (), own=None)
        assert word in box.warning.text()


def test_where_they_cannot_be_saved_they_are_tried_all_the_same(qtbot, drawn_panel):
    panel, box = drawn_panel, drawn_panel.thresholds
    box.show_evaluation(panel._evaluation, (), own=None, why_not_saved="only looked at")
    box.sliders[1].setValue(120)
    settle(qtbot, panel)
    assert not box.save_button.isEnabled() and box.save_button.toolTip() == "only looked at"
    assert box.effect.text()
