"""Rules in the Ship panel: sentences, text, and what they do to the validation images."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import recorded_compression as recorded
import ship_parts as parts
from recorded_runs import LABELS
from ship_parts import context, panel, project, refresh, root, settle, show

from app.panels.ship.outcomes import Truth
from app.panels.ship.rule_row import RuleRow, RuleText
from app.panels.ship.stage_bar import Stage
from core.portable.rules import parse_rule
from core.project import ImageQuery
from core.project.judging_file import read_judging, write_judging
from core.runs.kinds import TrialSpec

__all__ = ["context", "panel", "project", "root"]


@pytest.fixture
def rules(qtbot, panel, project, root):
    """The stage with the validation images tried; the first of them is a good part."""
    parts.record_trial(project, root)  # it sees defects in all of them
    row = project.images(ImageQuery(subset="val"))[0]
    project.save_label_map(row.id, np.zeros((96, 128), np.uint8), state="labelled")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    return panel.page.judging.rules


def row_of(text: str, *, has_pixel_size: bool = True) -> RuleRow:
    rule = parse_rule(text, LABELS, background=0)
    assert RuleRow.can_say(rule)
    return RuleRow(LABELS[1:], rule, has_pixel_size=has_pixel_size)


@pytest.mark.parametrize(
    "text",
    [
        "any scratch -> reject",
        'any "hole 孔" longer than 2 mm -> reject, unsure above 1 mm',
        "any scratch wider than 20 px -> warn",
        "any object with area >= 3 mm2 -> inconclusive",
        "any stain larger than 1.5 % -> reject",
        "any scratch with score > 0.8 -> reject, unsure above 0.5",
        "at least 3 object -> reject, unsure above 1",
        "more than 2 scratch -> warn",
        "fewer than 2 scratch -> reject",
        "total area of scratch above 8 mm2 -> warn",
        "area(scratch) <= 8 px2 -> reject",
    ],
)
def test_the_boxes_say_what_the_text_says(qtbot, text) -> None:
    row = row_of(text)
    qtbot.addWidget(row)
    assert str(row.rule()) == str(parse_rule(text, LABELS, background=0))


@pytest.mark.parametrize(
    "text",
    [
        "any scratch longer than 2 mm and wider than 1 mm -> reject",
        "any scratch longer than 2 mm or any stain -> reject",
        "at least 2 scratch longer than 1 mm -> reject",
    ],
)
def test_what_the_boxes_cannot_say_stays_text(qtbot, text) -> None:
    rule = parse_rule(text, LABELS, background=0)
    assert not RuleRow.can_say(rule)
    edit = RuleText(str(rule), LABELS, 0)
    qtbot.addWidget(edit)
    assert edit.rule() == rule
    edit.edit.setText("any crack -> reject")
    assert edit.rule() is None
    assert "crack" in edit.problem.text()


def test_millimetres_are_offered_once_a_pixel_has_a_size(qtbot) -> None:
    row = row_of("any scratch longer than 20 px -> reject", has_pixel_size=False)
    qtbot.addWidget(row)
    enabled = {
        row.unit_box.itemData(place): row.unit_box.model().item(place).isEnabled()
        for place in range(row.unit_box.count())
    }
    assert enabled == {"mm": False, "px": True}
    row.measured_box.setCurrentIndex(row.measured_box.findData("area"))
    assert row.unit_box.currentData() == "px2"
    row.set_pixel_size_known(True)
    assert row.unit_box.model().item(0).isEnabled()


def test_a_band_on_the_wrong_side_is_told(qtbot) -> None:
    row = row_of("any scratch longer than 2 mm -> reject, unsure above 1 mm")
    qtbot.addWidget(row)
    row.unsure_box.setValue(3)
    assert row.rule() is None
    assert "unsure" in row.problem.text()
    row.outcome_box.setCurrentIndex(row.outcome_box.findData("warn"))
    assert str(row.rule()) == "any scratch longer than 2 mm -> warn"  # it has no band
    assert row.problem.text() == ""


def test_a_least_area_above_labelled_objects_is_told(qtbot, panel, project, root) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    choices = panel.judging_choices
    choices.area_boxes["stain"].setValue(5000)  # there are none
    choices.area_boxes["scratch"].setValue(20)
    settle(qtbot, panel)
    assert choices.ignored.isHidden()
    choices.area_boxes["scratch"].setValue(9000)
    settle(qtbot, panel)
    assert choices.ignored.isVisible()
    told = r"scratch: (\d+) of \1 labelled objects are smaller and would be ignored\."
    assert re.fullmatch(told, choices.ignored.text())
    choices.pixel_box.setValue(0.5)  # the same area, in millimetres
    settle(qtbot, panel)
    assert re.fullmatch(told, choices.ignored.text())
    choices.area_boxes["scratch"].setValue(0)
    settle(qtbot, panel)
    assert choices.ignored.isHidden()


def test_specks_are_left_out_by_a_click(qtbot, panel, project, root, rules) -> None:
    choices = panel.judging_choices
    assert choices.specks_button.isHidden()  # the measurement tells of none
    figures = {"classes": [{"name": "scratch", "specks": {"area": 41, "false_alarms": 7}}]}
    (root / "eval_details.json").write_text(json.dumps({"objects": figures}), encoding="utf-8")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    assert (
        choices.specks_button.isVisible()
        and "scratch 41\N{NO-BREAK SPACE}px²" in choices.specks_note.text()
    )
    assert choices.area_boxes["scratch"].value() == 0  # it is for a person to say
    choices.specks_button.click()
    settle(qtbot, panel)
    assert choices.area_boxes["scratch"].value() == 41
    assert read_judging(project.folder)["minimum_area"] == {"scratch": "41 px2"}
    assert choices.specks_button.isHidden()
    choices.area_boxes["scratch"].setValue(0)
    assert choices.specks_button.isVisible()


@pytest.mark.parametrize("side", [0.5, 0.02, 0.0005])
def test_areas_of_small_pixels_are_kept_to_the_pixel(
    qtbot, panel, project, root, rules, side: float
) -> None:
    figures = {"classes": [{"name": "scratch", "specks": {"area": 41, "false_alarms": 7}}]}
    (root / "eval_details.json").write_text(json.dumps({"objects": figures}), encoding="utf-8")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    choices = panel.judging_choices
    choices.pixel_box.setValue(side)
    choices.area_boxes["stain"].setValue(12 * side**2)
    choices.specks_button.click()
    settle(qtbot, panel)
    assert choices.specks_button.isHidden()

    def least() -> tuple[float, ...]:
        settings = panel.deciding.settings
        return settings.areas_px(settings.minimum_area, ("scratch", "stain"))

    assert least() == pytest.approx((41, 12), abs=0.5)
    show(qtbot, panel, project)
    assert least() == pytest.approx((41, 12), abs=0.5)
    choices.pixel_box.setValue(0)
    settle(qtbot, panel)
    assert least() == (41, 12)


def test_the_effect_is_counted_at_once_and_clicked_to_the_images(qtbot, panel, rules) -> None:
    page = panel.page.judging
    assert page.effect.text() == ("0 of 1 good part is accepted. 5 of 5 defective parts are found.")
    assert rules.none.isVisibleTo(page)  # whatever is found rejects
    rules.add_button.click()
    (row,) = rules.rows
    row.class_box.setCurrentIndex(row.class_box.findData("stain"))
    settle(qtbot, panel)
    assert page.effect.text() == ("1 of 1 good part is accepted. 0 of 5 defective parts are found.")
    page.review.filters.choose(Truth.MISSED)
    assert page.review.grid.images.rowCount() == 5
    assert all(one.truth is Truth.MISSED for one in page.review.grid.images.images)
    row.class_box.setCurrentIndex(row.class_box.findData("scratch"))
    row.measured_box.setCurrentIndex(row.measured_box.findData("presence"))
    settle(qtbot, panel)
    assert page.review.grid.images.rowCount() == 0  # none is missed any more
    panel.judging_choices.doubt_box.setValue(0.7)  # scratches have a score of 0.6
    settle(qtbot, panel)
    page.review.filters.choose(Truth.OPEN)
    assert page.review.grid.images.rowCount() == 6
    assert "(low score)" in panel.judging_choices.facts.reasons.text()
    row.remove_button.click()
    settle(qtbot, panel)
    assert rules.rows == []


def test_small_objects_do_not_count(qtbot, panel, rules) -> None:
    page, choices = panel.page.judging, panel.judging_choices
    assert list(choices.area_boxes) == ["hole 孔", "scratch", "stain"]
    for box in choices.area_boxes.values():
        box.setValue(5000)
    settle(qtbot, panel)
    assert "0 of 5 defective parts are found." in page.effect.text()
    assert all(one.objects == () for one in page.review.images)
    assert page.review.images[1].least == (0, 5000, 5000, 5000)
    choices.pixel_box.setValue(0.5)
    assert choices.area_boxes["scratch"].value() == 1250  # the same area in mm²
    assert choices.area_boxes["scratch"].suffix() == " mm²"
    choices.pixel_box.setValue(0)
    assert choices.area_boxes["scratch"].value() == 5000


def test_millimetres_without_a_size_are_told(qtbot, panel, rules) -> None:
    panel.judging_choices.pixel_box.setValue(0.5)
    rules.add_button.click()
    (row,) = rules.rows
    assert row.unit_box.currentData() == "mm"
    settle(qtbot, panel)
    before = panel.page.judging.effect.text()
    panel.judging_choices.pixel_box.setValue(0)
    settle(qtbot, panel)
    assert "size of a pixel is not known" in row.problem.text()
    assert panel.page.judging.effect.text() == before


def test_experts_write_text(qtbot, panel, rules, project) -> None:
    rules.add_button.click()
    rules.text_button.click()
    assert rules.text.toPlainText() == 'any "hole 孔" longer than 20 px -> reject'
    rules.text.setPlainText("any scratch -> reject\nany stain or any scratch -> wa")
    assert "outcome is expected" in rules.text_problem.text()
    rules.text_button.click()
    assert rules.is_text  # not before it makes sense
    rules.text.setPlainText("any scratch -> reject\nany stain or any scratch -> warn")
    rules.text_button.click()
    assert [type(one) for one in rules.rows] == [RuleRow, RuleText]
    settle(qtbot, panel)
    assert read_judging(project.folder)["rules"] == [
        "any scratch -> reject",
        "any stain or any scratch -> warn",
    ]


def test_rules_are_kept_and_shown_again(qtbot, panel, rules, project, root) -> None:
    panel.judging_choices.pixel_box.setValue(0.25)
    rules.add_button.click()
    panel.judging_choices.area_boxes["stain"].setValue(2)
    settle(qtbot, panel)
    kept = read_judging(project.folder)
    assert kept["rules"] == ['any "hole 孔" longer than 1 mm -> reject']
    assert kept["minimum_area"] == {"stain": "2 mm2"}
    show(qtbot, panel, project)
    assert [str(one.rule()) for one in rules.rows] == kept["rules"]
    assert panel.judging_choices.pixel_size == 0.25
    assert panel.judging_choices.area_boxes["stain"].value() == 2
    assert panel.page.bar.buttons[Stage.RULES].accessibleName() == "Rules: done"


def test_what_a_class_was_called_before_is_passed_over(qtbot, panel, project, root) -> None:
    write_judging(project.folder, {"rules": ["any crack -> reject", "any stain -> warn"], "odd": 1})
    show(qtbot, panel, project)
    assert [str(one.rule()) for one in panel.page.judging.rules.rows] == ["any stain -> warn"]


def test_classes_without_a_rule_are_named(qtbot, rules) -> None:
    assert not rules.unnamed.isVisibleTo(rules)  # anything is a reject
    rules.add_button.click()
    _, *others = LABELS[1:]
    assert rules.unnamed.text() == f"No rule is about {', '.join(others)}: that is accepted."
    rules.text_button.click()
    rules.text.setPlainText("any object -> reject")
    assert not rules.unnamed.isVisibleTo(rules)


def test_the_validation_images_are_tried_first(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    panel.page.judging.empty.button.click()
    (fields,) = context.started
    assert fields["subset"] == "val"
    assert fields["images"] == [row.path for row in project.images(ImageQuery(subset="val"))]
    parts.record_trial(project, root, upto=0)
    refresh(qtbot, panel)
    assert not panel.page.judging.empty.button.isVisibleTo(panel)  # it is at work
    assert panel.page.judging.empty.text_label.text().startswith("Looking at the images")


def test_other_thresholds_predict_again(qtbot, panel, project, root, context, monkeypatch) -> None:
    parts.record_trial(project, root)
    show(qtbot, panel, project)
    assert not panel.judging_choices.thresholds_box.isVisibleTo(panel.judging_choices)
    recorded.write_model(root, thresholds=(None, 0.4, 0.6, 0.5))
    panel.set_project(project)
    settle(qtbot, panel)
    assert panel.judging_choices.thresholds_box.isVisibleTo(panel.judging_choices)
    panel.judging_choices.thresholds_box.setChecked(True)
    (fields,) = context.started
    assert (fields["kind"], fields["thresholds"], fields["subset"]) == ("trial", True, "val")
    assert read_judging(project.folder)["use_thresholds"] is True
    assert TrialSpec.model_validate(fields).images == fields["images"]
    panel.starter.export(project.folder / "x")
    assert context.started[-1]["thresholds"] is True
