"""The report from the window: a web page and a PDF, in its language, of what is shown."""

from __future__ import annotations

import re

import pytest
from panel_parts import settle
from PySide6.QtWidgets import QFileDialog

from app.look.translation import set_language, tr
from core.prediction.thresholds import LAST_BIN


@pytest.fixture
def chinese(qapp):
    set_language("zh_CN")
    yield
    set_language("en")


def save(qtbot, panel, monkeypatch, target):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(target), ""))
    panel.report.actions[target.suffix].trigger()
    settle(qtbot, panel)
    assert target.is_file()
    return target.read_bytes()


def test_a_web_page_with_the_inspectors_figures_first(qtbot, drawn_panel, monkeypatch, tmp_path):
    target = tmp_path / "报告 1.html"
    page = save(qtbot, drawn_panel, monkeypatch, target).decode("utf-8")
    total = drawn_panel._evaluation.metrics["objects"]["all"]
    lead = re.findall(r"<b>([^<]*)</b><span class=\"quiet\">([^<]*)</span>", page)
    assert lead[:3] == [
        (f"{total['found']} / {total['objects']}", "Objects found"),
        (str(total["missed"]), "Objects missed"),
        (str(total["false_alarms"]), "False alarms"),
    ]
    assert lead[3][1] == "Defective images marked"
    places = [page.index(f"<h2>{one}, ") for one in ("Objects", "Whole images", "Pixels")]
    assert places == sorted(places)
    assert str(target) in drawn_panel.report._text.text()
    assert drawn_panel.report._open.isVisible()


def test_a_pdf_has_pages_and_pictures(qtbot, drawn_panel, monkeypatch, tmp_path):
    content = save(qtbot, drawn_panel, monkeypatch, tmp_path / "report.pdf")
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 2
    images = len(drawn_panel._evaluation.images)
    charts = 2
    # The drawn images are all alike, and are stored once.
    assert len(re.findall(rb"/Subtype\s*/Image", content)) == 3 * images + 1 + charts


def test_it_speaks_the_windows_language(qtbot, chinese, drawn_panel, monkeypatch, tmp_path):
    page = save(qtbot, drawn_panel, monkeypatch, tmp_path / "r.html").decode("utf-8")
    for english in ("Objects found", "False alarms", "validation images", "Confusion"):
        assert tr(english) in page
        assert english not in page
    assert save(qtbot, drawn_panel, monkeypatch, tmp_path / "r.pdf").startswith(b"%PDF-")


def test_it_is_about_the_thresholds_that_are_tried(qtbot, drawn_panel, monkeypatch, tmp_path):
    drawn_panel.thresholds.sliders[1].setValue(LAST_BIN)
    settle(qtbot, drawn_panel)
    page = save(qtbot, drawn_panel, monkeypatch, tmp_path / "r.html").decode("utf-8")
    assert "scratch 0.98, dent 0.50" in page
    total = drawn_panel._tried.metrics["objects"]["all"]
    assert f"<b>{total['found']} / {total['objects']}</b>" in page


def test_a_folder_that_cannot_be_written_is_told(qtbot, drawn_panel, monkeypatch, tmp_path):
    target = tmp_path / "gone" / "r.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(target), ""))
    errors = []
    drawn_panel.context.error_occurred.connect(errors.append)
    (tmp_path / "gone").write_text("a file")
    for suffix in (".html", ".pdf"):
        drawn_panel.report.actions[suffix].trigger()
        settle(qtbot, drawn_panel)
    assert len(errors) == 2
    assert drawn_panel.report.line.isHidden()


def test_a_cancelled_dialog_writes_nothing(qtbot, drawn_panel, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: ("", ""))
    drawn_panel.report.actions[".pdf"].trigger()
    assert not drawn_panel.report.busy
