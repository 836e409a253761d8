"""A verdict on the screen: words of the language, a mark for its level, no more lines than fit."""

from __future__ import annotations

import pytest

from app.look.theme import tokens
from app.look.translation import set_language
from app.widgets.run_states import state_color, state_text
from app.widgets.verdict_box import VerdictBox, level_mark
from core.models.model_verdict import Level, Verdict
from core.system.messages import message


def verdict(level=Level.NOT_USABLE, more=2):
    sentences = [message("It finds nothing: not usable.")]
    sentences += [
        message("{name}: label more like these: {images}.", name=f"Crack {index}", images="1.png")
        for index in range(more)
    ]
    return Verdict(level, tuple(sentences))


@pytest.fixture
def box(qtbot):
    made = VerdictBox(lines=3)
    qtbot.addWidget(made)
    return made


def test_it_is_there_only_with_something_to_say(box):
    assert box.isHidden()
    box.show_verdict(verdict())
    assert not box.isHidden()
    assert box.summary.text() == "It finds nothing: not usable."
    assert box.details.text().count("\n") == 1
    box.show_verdict(None)
    assert box.isHidden()


def test_what_does_not_fit_is_in_the_tool_tip(box):
    box.show_verdict(verdict(more=5))
    lines = box.details.text().split("\n")
    assert len(lines) == 3
    assert lines[-1] == "… and 3 more sentences"
    assert box.toolTip().count("\n") == 5
    assert "Crack 4" in box.accessibleDescription()


def test_where_there_is_little_room_a_click_shows_the_rest(qtbot):
    box = VerdictBox(lines=0, unfolds=True)
    qtbot.addWidget(box)
    box.show_verdict(verdict(more=5))
    assert box.details.isHidden() and not box.more.isHidden()
    assert box.toolTip().count("\n") == 5
    box.more.click()
    assert box.details.text().count("\n") == 4 and box.more.text() == "Show less"
    box.show_verdict(verdict(more=5))  # read again: it stays open
    assert not box.details.isHidden()
    box.more.click()
    assert box.details.isHidden()
    box.show_verdict(verdict(more=0))
    assert box.more.isHidden(), "there is no more"


def test_it_speaks_the_window_s_language(box):
    set_language("zh_CN")
    try:
        box.show_verdict(verdict())
        assert box.summary.text() == "什么也找不到：不可用。"
        assert "Crack 0：" in box.details.text()
        assert state_text("done", verdict()) == "不可用"
    finally:
        set_language("en")


def test_only_a_usable_model_is_green():
    theme = tokens()
    green = {level for level in Level if level_mark(level, theme)[1] == theme.success}
    assert green == {Level.USABLE}
    assert state_color("done", theme, verdict()) != theme.success
    assert state_color("done", theme, verdict(Level.USABLE)) == theme.success
    assert state_color("running", theme, verdict()) == theme.accent
    assert state_text("failed", verdict()) == "failed"
