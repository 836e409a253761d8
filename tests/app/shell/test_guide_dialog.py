"""F1 opens the guide where the window is; its pages, headings and pictures are there."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction

from app.shell.guide_dialog import GUIDE_DIR, GuideDialog, slug
from app.shell.steps import STEPS

PANELS = [panel for step in STEPS for panel in step.panels]


def page_of(window) -> str:
    dialog = window.findChild(GuideDialog)
    return dialog.page.source().fileName()


def press_f1(window) -> None:
    (action,) = [one for one in window.findChildren(QAction) if one.shortcut().toString() == "F1"]
    action.trigger()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.key)
def test_every_panel_has_a_page(panel) -> None:
    assert (GUIDE_DIR / panel.guide).is_file()
    assert panel.guide != "README.md"


def test_f1_shows_the_page_of_the_panel_in_front_in_one_window(opened) -> None:
    window = opened.window
    for panel in PANELS:
        window.work_area.show_panel(panel.key)
        press_f1(window)
        assert page_of(window) == panel.guide
    assert len(window.findChildren(GuideDialog)) == 1
    window.findChild(GuideDialog).close()


def test_links_lead_to_pages_and_headings(opened) -> None:
    opened.window.work_area.show_panel("labelling")
    dialog = opened.window.help.show_guide()
    page = dialog.page
    assert "Labelling" in page.toPlainText()
    page.anchorClicked.emit(QUrl("#shapes"))
    assert page.textCursor().block().text() == "Shapes"
    page.anchorClicked.emit(QUrl("labelling-with-a-model.md#clicks"))
    assert page.source().fileName() == "labelling-with-a-model.md"
    assert page.textCursor().block().text() == "Clicks"
    page.anchorClicked.emit(QUrl("../../main.py"))  # nothing but the guide is shown
    assert page.source().fileName() == "labelling-with-a-model.md"
    page.backward()
    assert page.source().fileName() == "labelling.md"
    dialog.close()


def test_pictures_are_no_wider_than_the_page(opened) -> None:
    dialog = opened.window.help.show_guide()
    dialog.page.show_page("labelling.md")
    image = dialog.page.loadResource(2, QUrl("../images/label.png"))
    assert 0 < image.width() <= dialog.page.width()
    dialog.close()


def test_headings_are_named_as_links_name_them() -> None:
    text = (GUIDE_DIR / "labelling.md").read_text(encoding="utf-8")
    headings = {slug(one) for one in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links and links <= headings
