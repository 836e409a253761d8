"""What the Labelling panel remembers of the user's choices, and what stays in sight."""

from __future__ import annotations

import numpy as np
import pytest
from labelling_parts import (
    labelling_panel,
    open_image,
    saved,
    settle,
    stroke,
    trigger,
)
from PySide6.QtWidgets import QApplication

from app.services.settings import SettingsStore
from core.project import Project


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def test_choices_are_remembered(panel) -> None:
    panel.editor.set_option("brush_size", 33)
    panel.view.look.opacity.setValue(80)
    values = panel.context.settings.panel_values
    assert values["labelling/options"] == {"brush_size": 33}
    assert values["labelling/opacity"] == 80 and "labelling/style" not in values


def test_options_survive_a_kill(panel, qtbot) -> None:
    store = panel.context.store
    panel.editor.set_option("brush_size", 33)
    panel.editor.set_option("brush_shape", "square")
    panel.editor.set_option("tolerance", 21)
    panel.editor.set_option("only_over", 2)
    panel.view.look.opacity.setValue(80)
    assert not store.path.exists() or "labelling" not in store.path.read_text()  # not every click
    qtbot.waitUntil(lambda: not panel.workspace.remembered._timer.isActive(), timeout=5000)
    values = SettingsStore(store.path).settings.panel_values
    assert values["labelling/options"] == {
        "brush_size": 33,
        "brush_shape": "square",
        "tolerance": 21,
    }
    assert values["labelling/paint_over"] == panel.workspace.classes.name(2)
    assert values["labelling/opacity"] == 80


def test_paint_over_is_the_same_class_in_the_next_project(panel, qtbot) -> None:
    folder, name = panel.project.folder, panel.workspace.classes.name(2)
    panel.editor.set_option("only_over", 2)
    panel.context.close_project()
    with Project.open(folder) as project:
        project.add_class("第 3")
        project.merge_class(1, 0)
    panel.context.open_project(folder)
    assert panel.workspace.classes.name(panel.editor.options.only_over) == name
    settle(qtbot, panel)


def test_another_language_leaves_everything_as_it_was(panel, opened, qtbot) -> None:
    third = panel.images.ids[2]
    open_image(qtbot, panel, third)
    before = saved(panel, third)
    stroke(panel, (30, 25), (40, 25))  # not saved yet
    painted = panel.editor.document.mask.copy()
    trigger(panel, "tool.wand")
    panel.classes.choose(2)
    panel.inspector_parts.classes.toggle_locked(1)
    canvas = panel.view.canvas
    trigger(panel, "view.zoom_in")
    canvas.viewport.center_on(30, 20)
    kept = canvas.kept_view()
    strip = panel.view.strip
    strip.state.setCurrentIndex(strip.state.findData("labelled"))
    old = opened.window
    opened.set_language("zh_CN")
    qtbot.waitUntil(lambda: opened.window is not old)
    new = opened.window.work_area.panels["labelling"]
    assert opened.window.work_area.current_panel is new
    qtbot.waitUntil(lambda: new.editor.document is not None, timeout=20_000)
    settle(qtbot, new)
    assert new.session.row.id == third and np.array_equal(new.editor.document.mask, painted)
    assert not new.view.notice.isVisible()  # nothing was lost, nothing is told
    assert new.tools.current.key == "wand" and new.editor.class_id == 2
    assert new.editor.locked == {1}
    assert new.view.strip.query.state == "labelled"
    now = new.view.canvas.kept_view()
    assert now is not None and now.scale == kept.scale
    assert np.allclose(now.center, kept.center, atol=1.5)
    new.tools.undo()
    settle(qtbot, new)
    assert np.array_equal(saved(new, third), before)


@pytest.mark.parametrize("size", [(1100, 700), (1440, 900)])
def test_the_state_is_in_sight_and_hints_are_whole(panel, opened, qtbot, size) -> None:
    opened.window.resize(*size)
    QApplication.processEvents()
    parts, hint = panel.inspector_parts, panel.view.hint
    height = hint.height()
    for key in panel.workspace.tools:
        panel.tools.take(key)
        QApplication.processEvents()
        for field in (parts.review.state, parts.review.comment):
            assert field.visibleRegion().boundingRect() == field.rect()
        assert hint.toolTip() == hint.text() and hint.height() == height  # one line, never cut
        assert hint.fontMetrics().height() <= hint.height()


def test_the_part_about_models_folds(panel, qtbot) -> None:
    parts = panel.inspector_parts
    assert parts.draft.isVisible() and not parts.draft.model.isVisible()  # there is no model yet
    parts.draft_title.click()
    assert not parts.draft.isVisible()
    assert panel.context.settings.panel_values["labelling/draft_folded"] is True
    parts.draft_title.click()
    assert parts.draft.isVisible()
    assert "labelling/draft_folded" not in panel.context.settings.panel_values


def test_classes_in_hand_and_protected_are_the_same_after_a_class_was_deleted(panel, qtbot) -> None:
    panel.project.add_class("第 3")
    panel.classes.refresh()
    second = panel.workspace.classes.name(2)
    panel.classes.choose(2)
    panel.editor.set_option("only_over", 2)
    panel.inspector_parts.classes.toggle_locked(3)
    panel.inspector_parts.classes.toggle_hidden(2)
    panel.classes._replace(1, 0)
    settle(qtbot, panel)
    assert [label.name for label in panel.workspace.classes.labels][1:] == [second, "第 3"]
    assert panel.editor.class_id == 2 and panel.editor.locked == {3}
    assert panel.inspector_parts.classes.hidden == {2}
    assert panel.editor.options.only_over == 2
