"""What a message in place shows, copies and does."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication

from app.widgets.problem_bar import Fix, Problem, ProblemArea, ProblemBar


@pytest.fixture
def bar(qtbot):
    made = ProblemBar()
    qtbot.addWidget(made)
    return made


def test_details_are_asked_for_when_they_are_opened(bar):
    asked = []

    def details():
        asked.append(1)
        return "line 1\nline 2"

    bar.show_problem(Problem("It failed.", "Try again.", name="#3 UNet", details=details))
    assert bar.isVisible()
    assert not asked
    bar.details_button.click()
    assert bar.details.toPlainText() == "line 1\nline 2"
    bar.copy_button.click()
    assert QGuiApplication.clipboard().text() == "#3 UNet\nIt failed.\nTry again.\nline 1\nline 2\n"
    assert bar.copy_button.text() == "Copied"


def test_without_details_there_is_nothing_to_open(bar):
    bar.show_problem(Problem("It failed."))
    assert not bar.details_button.isVisible()
    assert not bar.advice.isVisible() and not bar.name.isVisible()


def test_a_fix_closes_what_can_be_closed_and_acts(bar, qtbot):
    done = []
    bar.show_problem(
        Problem("It failed.", fixes=(Fix("A", lambda: done.append("a")), Fix("B", done.clear)))
    )
    assert [one.text() for one in bar.buttons] == ["A", "B"]
    assert bar.buttons[0].property("role") == "primary"
    bar.buttons[0].click()
    assert done == ["a"]
    assert bar.isHidden()
    fixed = ProblemBar(closable=False)
    qtbot.addWidget(fixed)
    fixed.show_problem(Problem("It stays true.", fixes=(Fix("A", lambda: done.append("b")),)))
    fixed.buttons[0].click()
    assert done == ["a", "b"]
    assert fixed.isVisible()


def test_an_area_keeps_the_newest_and_says_nothing_twice(qtbot):
    area = ProblemArea()
    qtbot.addWidget(area)
    for text in ("one", "two", "two", "three", "four"):
        area.show_problem(Problem(text))
    assert [bar.text.text() for bar in area.bars] == ["four", "three", "two"]
    for bar in area.bars:
        bar.close_button.click()
    assert area.isHidden() and area.bars == []
