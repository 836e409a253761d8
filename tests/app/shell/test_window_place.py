"""A new window stands inside its screen, whatever size it had."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize

from app.shell.window_place import fitting


@pytest.mark.parametrize(
    ("room", "wanted", "size"),
    [
        (QRect(0, 0, 2560, 1440), QSize(1280, 800), (1280, 800)),
        (QRect(0, 0, 1280, 720), QSize(1280, 800), (1272, 680)),
        (QRect(1920, 40, 1366, 728), QSize(4000, 3000), (1358, 688)),
        (QRect(0, 0, 640, 480), QSize(1280, 800), (632, 440)),
    ],
)
def test_it_is_no_larger_than_the_screen_and_in_its_middle(room, wanted, size):
    inside = fitting(room, wanted)
    assert (inside.width(), inside.height()) == size
    assert room.contains(inside.adjusted(-4, -36, 4, 4))
    assert abs(inside.center().x() - room.center().x()) <= 1


def test_the_window_takes_the_size_that_it_had(application):
    window = application.window
    assert window.size() == QSize(1280, 800)
    assert window.screen().availableGeometry().contains(window.geometry())
    assert window.minimumWidth() <= 1100 and window.minimumHeight() <= 700
