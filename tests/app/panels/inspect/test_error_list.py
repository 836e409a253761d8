"""Several images are chosen and labelled one after the other; figures are never shortened."""

from __future__ import annotations

from panel_parts import settle
from PySide6.QtCore import QItemSelectionModel

from app.panels.inspect.error_list import objects_text, score_lines
from app.services.targets import LabelImage, LabelImages
from core.prediction.object_errors import ErrorFilter


def test_chosen_images_go_to_labelling(qtbot, drawn_context, drawn_panel):
    panel, images = drawn_panel, drawn_panel.results.images
    assert panel._inspector.label_button.text() == "Edit the labels"
    images.choose(1)
    for row in (3, 2):
        images.selectionModel().select(
            images.images.index(row), QItemSelectionModel.SelectionFlag.Select
        )
    settle(qtbot, panel)
    assert panel._inspector.label_button.text() == "Label these 3 images"
    with qtbot.waitSignal(drawn_context.navigate_requested) as signal:
        panel._inspector.label_button.click()
    scores = images.images.scores
    assert signal.args == [LabelImages(tuple(scores[row].image for row in (1, 2, 3)))]
    images.choose(4)
    assert panel._inspector.label_button.text() == "Edit the labels"
    with qtbot.waitSignal(drawn_context.navigate_requested) as signal:
        panel._inspector.label_button.click()
    assert signal.args == [LabelImage(scores[4].image)]
    settle(qtbot, panel)


def test_all_of_a_filter_can_be_chosen(qtbot, drawn_panel):
    images = drawn_panel.results.images
    images.selectAll()
    assert [one.image for one in images.chosen] == [one.image for one in images.images.scores]
    settle(qtbot, drawn_panel)


def test_rows_say_what_is_wrong_and_fit(drawn_panel):
    images = drawn_panel.results.images
    score = next(one for one in images.images.scores if one.errors.counts)
    assert str(score.errors.count(ErrorFilter())) in {
        str(sum(int(word) for word in objects_text(score).split() if word.isdigit()))
    }
    metrics = images.fontMetrics()
    drawn_panel.resize(602, 610)
    room = images.viewport().width() - images.iconSize().width() - 24
    for one in images.images.scores:
        for line in score_lines(one):
            assert metrics.horizontalAdvance(line) <= room, line
