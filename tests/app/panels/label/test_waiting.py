"""The Labelling panel while a large image is being read."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.panels.label import session as labelling_session


@pytest.fixture
def gate(monkeypatch):
    """Reading waits until the event is set."""
    event = threading.Event()
    read = labelling_session.read_pyramid

    def slow(path):
        event.wait(20)
        return read(path)

    monkeypatch.setattr(labelling_session, "read_pyramid", slow)
    yield event
    event.set()


def test_a_text_says_that_an_image_is_read_and_nothing_can_be_painted(opened, qtbot, gate) -> None:
    area = opened.window.work_area
    area.show_panel("labelling")
    panel = area.panels["labelling"]
    canvas = panel.view.canvas
    blank = canvas.grab().toImage()
    qtbot.waitUntil(lambda: canvas.waiting, timeout=10_000)
    assert canvas.grab().toImage() != blank
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(canvas, middle + QPoint(30, 10))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(30, 10))
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    gate.set()
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    assert not canvas.waiting
    assert not len(panel.editor.document.undo_stack)
    assert not panel.session.pending


def test_the_text_goes_when_an_image_cannot_be_read(opened, qtbot, monkeypatch) -> None:
    event = threading.Event()

    def refuse(path):
        event.wait(20)
        raise labelling_session.InputError("{file} is unreadable.", file=path)

    monkeypatch.setattr(labelling_session, "read_pyramid", refuse)
    area = opened.window.work_area
    area.show_panel("labelling")
    panel = area.panels["labelling"]
    panel.session.failed.disconnect(panel.context.error_occurred)  # a dialog would wait
    qtbot.waitUntil(lambda: panel.view.canvas.waiting, timeout=10_000)
    event.set()
    qtbot.waitUntil(lambda: not panel.view.canvas.waiting, timeout=10_000)
