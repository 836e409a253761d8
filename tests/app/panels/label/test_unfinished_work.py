"""Nothing that a tool has begun is dropped: every tool, in every way in which it is left."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from click_models import ritm
from labelling_parts import LEFT, labelling_panel, open_image, saved, send, settle, trigger
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest

from app.canvas.tools import TOOLS
from app.canvas.tools.tool import UNFINISHED, Tool
from core.annotation.click_model import ClickModelFiles
from core.project import Project

PRESS, MOVE, RELEASE = (
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseMove,
    QEvent.Type.MouseButtonRelease,
)
ALL = [tool.key for group in TOOLS for tool in group]
AT_ONCE = {"pan", "fill", "component"}
"""A press is all there is to them."""
PAINTED_MEANWHILE = {"brush", "eraser", "fill", "wand", "superpixel"}
"""They paint while they are used, and what is being painted is newer than what was saved."""
INCOMPLETE = ("polygon", "lasso", "scissors", "grabcut")
WAYS = (
    "image.labelled",
    "image.reviewed",
    "state.labelled",
    "image.next",
    "image.previous",
    "image.next_unlabelled",
    "strip",
    "tool",
    "panel",
    "close",
    "project",
    "language",
)
HALVES = (WAYS[:6], WAYS[6:])
"""Each in one window: making one takes longer than leaving it in all ways."""


def click(panel, x, y):
    send(panel, PRESS, x, y)
    send(panel, RELEASE, x, y, Qt.MouseButton.NoButton)


def begin(panel, key, qtbot, *, complete=True):
    """Do with a tool what is not painted yet: complete, or too little to paint."""
    panel.tools.take(key)
    send(panel, MOVE, 8, 8, Qt.MouseButton.NoButton)
    if key in ("polygon", "scissors"):
        for point in ((8, 8), (30, 8), (20, 24))[: 3 if complete else 2]:
            click(panel, *point)
    elif key == "wand":
        send(panel, PRESS, 20, 16)  # its pixels are still being looked for
    elif key == "click":
        click(panel, 12, 16)
    else:
        send(panel, PRESS, 8, 8)
        if complete:
            for point in ((24, 8), (28, 26), (12, 24)) if key == "lasso" else ((30, 24),):
                send(panel, MOVE, *point)
        if key == "grabcut" and complete:
            send(panel, RELEASE, 30, 24, Qt.MouseButton.NoButton)


@pytest.fixture
def panel(opened, qtbot, tmp_path):
    made = labelling_panel(opened, qtbot)
    made.workspace.tools["click"].set_model(ClickModelFiles(ritm(tmp_path / "m.onnx")))
    return made


class Leaving:
    """The ways out of an image, a tool, the panel and the window."""

    def __init__(self, opened, panel, qtbot, tmp_path, monkeypatch):
        self.opened, self.panel, self.qtbot = opened, panel, qtbot
        self.window = opened.window
        self.other = tmp_path / "other"
        self.other.mkdir()
        (self.other / "project.db").touch()  # opening it is what the test looks at
        self.done: list[str] = []
        monkeypatch.setattr(self.window, "shut_down", lambda: self.done.append("close"))
        monkeypatch.setattr(
            opened.context, "open_project", lambda folder, **_: self.done.append("project")
        )
        monkeypatch.setattr(opened, "_rebuild", lambda: self.done.append("language"))

    def go(self, way):
        self.done.clear()
        self.before = self.panel.session.wanted, self.panel.tools.current.key
        if way == "strip":
            self.panel.view.strip.image_chosen.emit(self.panel.images.ids[0])
        elif way == "tool":
            trigger(self.panel, "tool.pan" if self.before[1] != "pan" else "tool.fill")
        elif way == "panel":
            self.window.work_area.show_panel("dataset")
        elif way == "close":
            self.window.close()
        elif way == "project":
            self.window.projects.open_project(self.other)
        elif way == "language":
            self.opened.set_language("zh_CN")
        else:
            trigger(self.panel, way)

    def is_left(self, way):
        area = self.window.work_area
        if way == "tool":
            return self.panel.tools.current.key != self.before[1]
        if way == "panel":
            return area.current_panel is not self.panel
        if way in ("close", "project", "language"):
            return way in self.done
        if way == "state.labelled":
            return self.panel.project.image(self.before[0]).state == "labelled"
        return self.panel.session.wanted != self.before[0]

    def come_back(self):
        self.opened.context.settings.language = "en"
        from app.look.translation import set_language

        set_language("en")
        self.window.show()
        self.window.work_area.show_panel("labelling")
        settle(self.qtbot, self.panel)


@pytest.fixture
def leaving(opened, panel, qtbot, tmp_path):
    with pytest.MonkeyPatch.context() as patched:  # over before the window is shut down
        yield Leaving(opened, panel, qtbot, tmp_path, patched)


def fresh_image(panel, qtbot):
    """Open the third image with a part painted that fill and eraser change, and no state."""
    project, image_id = panel.project, panel.images.ids[2]
    panel.session.leave()
    mask = np.zeros((32, 48), np.uint8)
    mask[4:28, 4:40] = 2
    project.save_label_map(image_id, mask)
    project.set_state([image_id, panel.images.ids[4]], "unlabelled")
    panel.workspace.editor.set_class(1)
    open_image(qtbot, panel, image_id)
    settle(qtbot, panel)
    return image_id, mask


@pytest.mark.parametrize("ways", HALVES, ids=" ".join)
def test_what_is_complete_is_painted_before_anything_is_left(panel, leaving, qtbot, ways):
    for way, key in product(ways, ALL):
        if way == "language" and key not in ("grabcut", "lasso", "scissors"):
            continue  # a new language styles the whole window anew
        image_id, mask = fresh_image(panel, qtbot)
        begin(panel, key, qtbot)
        leaving.go(way)
        qtbot.waitUntil(lambda way=way: leaving.is_left(way), timeout=20_000)
        assert panel.view.question.isHidden(), (way, key)
        panel.session.flush()
        changed = not np.array_equal(saved(panel, image_id), mask)
        assert changed == (key not in AT_ONCE - {"fill"}), (way, key)
        if way in ("image.labelled", "state.labelled"):
            assert panel.project.image(image_id).state == "labelled", key
        leaving.come_back()


@pytest.mark.parametrize("ways", HALVES, ids=" ".join)
def test_what_is_not_complete_is_asked_about_and_never_dropped(panel, leaving, qtbot, ways):
    question = panel.view.question
    for way, key in product(ways, INCOMPLETE):
        image_id, mask = fresh_image(panel, qtbot)
        for answer in ("keep", "discard"):
            begin(panel, key, qtbot, complete=False)
            leaving.go(way)
            qtbot.waitUntil(question.isVisible, timeout=20_000)
            tool = panel.tools.current
            assert not leaving.is_left(way) and tool.key == key and tool.busy, (way, key)
            assert panel.session.row.state == "unlabelled"
            if answer == "keep":
                question.keep_button.click()
                assert tool.busy and question.isHidden() and not leaving.is_left(way)
                QTest.keyClick(panel.view.canvas, Qt.Key.Key_Escape)
                assert not tool.busy and not leaving.is_left(way)
            else:
                question.discard_button.click()
                qtbot.waitUntil(lambda way=way: leaving.is_left(way), timeout=20_000)
        panel.session.flush()
        assert np.array_equal(saved(panel, image_id), mask), (way, key)
        leaving.come_back()


def test_going_on_answers_the_question(panel, qtbot):
    first = panel.session.wanted
    begin(panel, "polygon", qtbot, complete=False)
    trigger(panel, "image.next")
    assert "two points" in panel.view.question.text.text()
    click(panel, 20, 24)
    qtbot.waitUntil(panel.view.question.isHidden)
    assert panel.session.wanted == first and panel.tools.current.busy
    trigger(panel, "image.next")
    qtbot.waitUntil(lambda: panel.session.wanted != first)


def test_escape_while_an_object_is_looked_for_drops_it_and_stays(panel, qtbot):
    image_id, mask = fresh_image(panel, qtbot)
    begin(panel, "grabcut", qtbot)
    trigger(panel, "image.labelled")
    QTest.keyClick(panel.view.canvas, Qt.Key.Key_Escape)
    settle(qtbot, panel)
    assert panel.session.wanted == image_id
    assert panel.project.image(image_id).state == "unlabelled"
    assert np.array_equal(saved(panel, image_id), mask)


def test_what_is_complete_is_painted_when_nobody_can_be_asked(panel, qtbot):
    image_id, mask = fresh_image(panel, qtbot)
    begin(panel, "polygon", qtbot)
    folder = panel.project.folder
    panel.context.close_project()
    with Project.open(folder) as project:
        assert not np.array_equal(project.label_map(image_id), mask)


def test_an_object_that_is_looked_for_is_painted_when_nobody_can_be_asked(panel, qtbot):
    image_id, mask = fresh_image(panel, qtbot)
    begin(panel, "grabcut", qtbot)
    folder = panel.project.folder
    assert panel.editor.tasks.busy
    panel.context.close_project()
    with Project.open(folder) as project:
        assert not np.array_equal(project.label_map(image_id), mask)


def test_a_mask_that_is_saved_elsewhere_leaves_what_is_begun(panel, qtbot):
    for key in ALL:
        if key in PAINTED_MEANWHILE:
            continue
        image_id, mask = fresh_image(panel, qtbot)
        begin(panel, key, qtbot)
        elsewhere = mask.copy()
        elsewhere[28:, 40:] = 2
        panel.project.save_label_map(image_id, elsewhere)
        pending = panel.tools.current.pending()
        panel.context.dataset_changed.emit()
        qtbot.waitUntil(lambda: panel.editor.document.mask[31, 47] == 2, timeout=20_000)
        if pending is not None:
            assert panel.tools.current.pending() is not None, key
        settle(qtbot, panel)
        trigger(panel, "image.labelled")
        qtbot.waitUntil(lambda left=image_id: panel.session.wanted != left, timeout=20_000)
        panel.session.flush()
        found = saved(panel, image_id)
        assert (found[28:, 40:] > 0).all(), key  # superpixels reach into it
        assert np.array_equal(found, elsewhere) == (key in AT_ONCE), key


def test_a_hole_is_still_one_when_the_mask_is_saved_elsewhere(panel, qtbot):
    image_id, _mask = fresh_image(panel, qtbot)
    panel.tools.take("polygon")
    for point in ((6, 6), (34, 6), (34, 26), (6, 26)):
        click(panel, *point)
    QTest.keyClick(panel.view.canvas, Qt.Key.Key_Return)
    settle(qtbot, panel)
    shift = Qt.KeyboardModifier.ShiftModifier
    for point in ((14, 12), (26, 12)):
        place = panel.view.canvas.to_widget(point[0] + 0.5, point[1] + 0.5).toPoint()
        QTest.mouseClick(panel.view.canvas, LEFT, shift, place)
    elsewhere = saved(panel, image_id)
    elsewhere[30:, 44:] = 2
    text = panel.project.shapes_text(image_id)
    panel.project.save_label_map(image_id, elsewhere, shapes_text=text)
    panel.context.dataset_changed.emit()
    qtbot.waitUntil(lambda: panel.editor.document.mask[31, 47] == 2, timeout=20_000)
    place = panel.view.canvas.to_widget(20.5, 22.5).toPoint()
    QTest.mouseClick(panel.view.canvas, LEFT, shift, place)
    QTest.keyClick(panel.view.canvas, Qt.Key.Key_Return)
    panel.session.flush()
    found = saved(panel, image_id)
    assert found[15, 20] != 1 and found[8, 8] == 1 and found[31, 47] == 2


def test_a_save_of_ones_own_is_no_change_elsewhere(panel, qtbot):
    image_id, _mask = fresh_image(panel, qtbot)
    begin(panel, "rectangle", qtbot)
    send(panel, RELEASE, 30, 24, Qt.MouseButton.NoButton)
    panel.session.flush()
    panel.session.reload()  # before the window is told of the save
    settle(qtbot, panel)
    assert panel.session.wanted == image_id and len(panel.editor.document.undo_stack) == 1


def test_a_class_that_was_protected_meanwhile_is_asked_about(panel, qtbot):
    begin(panel, "polygon", qtbot)
    panel.editor.set_locked({panel.editor.class_id})
    first = panel.session.wanted
    trigger(panel, "image.next")
    assert panel.view.question.isVisible() and panel.session.wanted == first
    assert panel.tools.current.busy


def test_a_new_tool_is_asked_about_while_it_is_busy(panel):
    class Busy(Tool):
        busy = True

    tool = Busy(panel.editor, panel.view.canvas)
    assert tool.pending().problem is UNFINISHED
