"""VisualDL from the window: one server, the browser is asked once it answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QDesktopServices

from app.look.translation import set_language
from app.services.curve_board import CurveBoard
from core.system.errors import InputError


class Server:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.shown: list = []
        self.closed = 0

    def show(self, folders, *, language, theme):
        if not folders[0].exists():
            raise InputError("This run has no curves for VisualDL: they were switched off.")
        self.shown.append((folders, language, theme))
        return "http://127.0.0.1:4711/app"

    def close(self):
        self.closed += 1


@pytest.fixture
def board(qapp, monkeypatch):
    made = CurveBoard()
    made._server = Server()
    yield made
    made.shut_down()


def test_the_address_is_opened_in_the_browser(qtbot, board, monkeypatch, tmp_path: Path) -> None:
    opened, done = [], []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    set_language("zh_CN")
    board.open([tmp_path], on_done=lambda: done.append(True), on_failed=done.append)
    qtbot.waitUntil(lambda: not board.busy)
    assert opened == ["http://127.0.0.1:4711/app"]
    assert board._server.shown[0][:2] == ((tmp_path,), "zh")
    assert done == [True]
    board.close()
    assert board._server.closed == 1


def test_what_goes_wrong_is_told(qtbot, board, tmp_path: Path) -> None:
    failed = []
    board.open([tmp_path / "none"], on_done=lambda: None, on_failed=failed.append)
    qtbot.waitUntil(lambda: not board.busy)
    assert "no curves" in str(failed[0])
