"""Help → Save a diagnostic bundle: where it goes, and what is said meanwhile."""

from __future__ import annotations

import json
import zipfile

import pytest
from PySide6.QtWidgets import QFileDialog

from core.system.doctor import diagnosis
from core.system.doctor.check import Check
from core.system.messages import message


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """The files that the user chooses, and a doctor who is quick."""
    files = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: (files.pop(0), ""))
    monkeypatch.setattr(
        diagnosis,
        "examine",
        lambda _folder, *, stopped: iter([Check("memory", "ok", message("there is enough"))]),
    )
    return files


def test_the_bundle_of_a_project_is_written_and_said_to_be(
    opened, chosen, tmp_path, qtbot, monkeypatch
):
    target = tmp_path / "给 helper.zip"
    chosen += ["", str(target)]
    window, notice = opened.window, opened.window.work_area.notice
    window.top_bar.bundle_requested.emit()
    assert not window.help.diagnosis.busy, "nothing was chosen"
    opened.context.diagnosis_requested.emit()
    assert "collecting" in notice.text.text()
    qtbot.waitUntil(lambda: not window.help.diagnosis.busy)
    assert target.name in notice.text.text()
    with zipfile.ZipFile(target) as bundle:
        assert json.loads(bundle.read("summary.json"))["project"]["images"] == 12
        assert "settings.json" in bundle.namelist()
    shown = []
    monkeypatch.setattr(
        "app.shell.diagnosis.QDesktopServices.openUrl", lambda url: shown.append(url.toLocalFile())
    )
    notice.action.click()
    assert shown == [str(tmp_path)]


def test_what_cannot_be_written_is_said_in_place(application, chosen, tmp_path, qtbot):
    chosen.append(str(tmp_path / "none" / "b.zip"))
    window = application.window
    window.top_bar.bundle_requested.emit()
    qtbot.waitUntil(lambda: not window.help.diagnosis.busy)
    (bar,) = window.start_page.problems.bars
    assert "b.zip" in bar.text.text()
    assert window.start_page.notice.isHidden()
