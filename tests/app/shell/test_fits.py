"""Every panel at usual sizes, in both languages: all is explained and has its room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import window_texts
from full_project import record_full_project
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QWidget

from app.look.term_finding import explain
from app.panels.compress.compression_page import View
from app.panels.ship.stage_bar import Stage
from app.services.settings import SettingsStore

#: 1280 × 720 is 2560 × 1440 at 200 %, too.
SIZES = ((1280, 800), (1280, 720), (1100, 700))
LANGUAGES = ("en", "zh_CN")


pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture(scope="module")
def project_folder(tmp_path_factory) -> Path:
    return record_full_project(tmp_path_factory.mktemp("full") / "项目 1")


@pytest.fixture(params=LANGUAGES)
def window(request, qapp, tmp_path, project_folder, qtbot) -> Iterator[QWidget]:
    from app.shell.application import Application

    store = SettingsStore(tmp_path / "config" / "settings.json")
    store.settings.language = request.param
    store.settings.theme = "light"
    made = Application(qapp, store)
    made.show()
    made.context.open_project(project_folder)
    qtbot.waitUntil(lambda: not made.context.tasks.busy, timeout=30_000)
    yield made.window
    made.shut_down()


def settle() -> None:
    """Let layouts follow each other: each asks the one around it for room."""
    for _ in range(4):
        QApplication.processEvents()


def views(window, qtbot) -> Iterator[str]:
    """Show one view of one panel after the other; yield its name."""
    area = window.work_area
    for key, panel in area.panels.items():
        area.show_panel(key)
        for name in _parts(key, panel):
            qtbot.waitUntil(lambda panel=panel: not panel.busy, timeout=30_000)
            settle()
            yield name


def _parts(key: str, panel: QWidget) -> Iterator[str]:
    if key == "shipping":
        for stage in Stage:
            panel.page.show_stage(stage)
            yield f"{key} {stage.name}"
    elif key == "compression":
        for view in View:
            panel.page.show_view(view)
            yield f"{key} {view.name}"
    elif key == "inspection":
        for tab in range(panel.results.figures.tabs.count()):
            panel.results.figures.tabs.setCurrentIndex(tab)
            yield f"{key} {tab}"
    elif key == "model":
        for unfolded in (False, True):
            panel.form.advanced_button.setChecked(unfolded)
            yield f"{key} {'all' if unfolded else 'few'}"
    else:
        yield key


def test_every_panel_has_room_and_explains_itself(window, qtbot):
    wrong: dict[str, str] = {}
    explained: set[str] = set()
    for size in SIZES:
        window.resize(*size)
        settle()
        for name in views(window, qtbot):
            problems = [*window_texts.cut_off(window), *window_texts.overlapping(window)]
            least = window.minimumSizeHint()
            if not (QSize(*size) - least).isValid():
                problems.append(f"needs {least.width()} × {least.height()}")
            if size == SIZES[0]:
                problems += unexplained(window, explained)
            for problem in problems:
                wrong.setdefault(f"{name}: {problem}", str(size))
    assert not wrong, "\n".join(f"{size} {problem}" for problem, size in wrong.items())
    assert len(explained) > 25
    parts = [window, *window.findChildren(QWidget)]
    assert {part.layoutDirection() for part in parts} == {Qt.LayoutDirection.LeftToRight}


def unexplained(window: QWidget, explained: set[str]) -> list[str]:
    """Return the texts with a word whose hint does not say what it means; note the others."""
    found = []
    for widget, _ in window_texts.texts(window):
        for text, place in window_texts.places(widget):
            hint = explain(text)
            if not hint or not widget.visibleRegion().contains(place):
                continue
            explained.update(hint.split("\n"))
            said = window_texts.asked(widget, place)
            if any(line not in said for line in hint.split("\n")):
                found.append(f"{type(widget).__name__} {text[:60]!r} says {said[:60]!r}")
    return found
