"""The tour: over the real window, by keys alone, left at any time."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QWidget

from app.look.translation import set_language
from app.shell.application import Application


@pytest.fixture
def tour(application, qapp):
    application.window.resize(1280, 800)
    application.window.help.start_tour()
    qapp.processEvents()
    return application.window.help.tour


def area(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def test_every_mark_is_seen_beside_what_it_is_about(application, tour, qapp):
    window, titles = application.window, []
    for number in range(1, 9):
        assert tour.isVisible()
        assert tour.count.text() == f"{number} of 8"
        titles.append(tour.title.text())
        card = area(tour.card, window)
        assert window.rect().contains(card)
        assert tour.card.height() >= tour.card.layout().totalHeightForWidth(tour.card.width())
        targets = [one for one in tour.station.targets() if one.isVisible()]
        assert targets, tour.title.text()
        if area(targets[0], window).width() < window.width() // 2:
            assert not card.intersects(area(targets[0], window)), tour.title.text()
        assert tour.next_button.hasFocus()
        tour.next_button.click()
        qapp.processEvents()
    assert len(set(titles)) == 8
    assert tour.isHidden(), "the last button ends it"
    assert window.home.isVisible(), "what was there before"


def test_keys_alone_lead_through_it_and_out(application, tour, qtbot):
    def press(key):
        qtbot.keyClick(QApplication.focusWidget(), key)

    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Space)
    assert tour.count.text() == "3 of 8"
    press(Qt.Key.Key_Left)
    assert tour.count.text() == "2 of 8"
    seen = set()
    for _ in range(5):
        press(Qt.Key.Key_Tab)
        seen.add(QApplication.focusWidget())
    assert seen == {tour.leave_button, tour.back_button, tour.next_button}
    press(Qt.Key.Key_Escape)
    assert tour.isHidden()
    assert application.window.home.new_button.hasFocus()


def test_it_follows_the_window_and_lets_nothing_through(application, tour, qtbot, qapp):
    window = application.window
    window.resize(1100, 700)
    qapp.processEvents()
    assert tour.geometry() == window.rect()
    asked = []
    window.top_bar.help_requested.connect(lambda: asked.append("help"))
    qtbot.mouseClick(tour, Qt.MouseButton.LeftButton, pos=window.top_bar.help_button.pos())
    assert asked == []
    assert tour.isVisible()


def test_it_returns_to_the_panel_that_was_shown(opened):
    window = opened.window
    window.work_area.show_panel("compression")
    window.top_bar.tour_requested.emit()
    window.help.tour.go_on()
    assert window.work_area.current_panel.key == "dataset"
    window.help.tour.leave()
    assert window.work_area.current_panel.key == "compression"


def test_it_is_offered_on_the_first_start_alone(application, qapp, tmp_path):
    window = application.window
    assert "tour" in window.start_page.notice.text.text()
    application.set_language("zh_CN")
    qapp.processEvents()
    assert "导览" in application.window.start_page.notice.text.text(), (
        "kept when the language changes"
    )
    application.window.start_page.notice.action.click()
    assert application.window.help.tour.isVisible()
    application.window.help.tour.leave()
    application.shut_down()
    set_language("en")
    again = Application(qapp, type(application.context.store)(application.context.store.path))
    again.show()
    assert again.window.start_page.notice.isHidden()
    again.shut_down()
