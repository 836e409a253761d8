"""Every panel at usual sizes, in both languages: all is explained and has its room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import window_texts
from full_project import record_full_project
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QWidget

from app.look.term_finding import explain
from app.panels.compress.compression_page import View
from app.panels.ship.stage_bar import Stage
from app.services.settings import SettingsStore

#: The last one is 2560 × 1440 at 200 %, less a task bar.
SIZES = ((1280, 800), (1280, 720), (1100, 700), (1276, 680))
LANGUAGES = ("en", "zh_CN")
PICTURES = os.environ.get("MASKWRIGHT_PICTURES")


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


def views(window, qtbot) -> Iterator[str]:
    """Show one view of one panel after the other; yield its name."""
    area = window.work_area
    for key, panel in area.panels.items():
        area.show_panel(key)
        for name in _parts(key, panel):
            qtbot.waitUntil(lambda panel=panel: not panel.busy, timeout=30_000)
            QApplication.processEvents()
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


def test_texts_have_their_room_in_every_panel(window, qtbot):
    wrong: dict[str, str] = {}
    for size in SIZES:
        window.resize(*size)
        QApplication.processEvents()
        for name in views(window, qtbot):
            least = window.minimumSizeHint()
            if not (QSize(*size) - least).isValid():
                wrong.setdefault(f"{name}: needs {least.width()} × {least.height()}", str(size))
            for problem in (*window_texts.cut_off(window), *window_texts.overlapping(window)):
                wrong.setdefault(f"{name}: {problem}", str(size))
            if PICTURES is not None and size in SIZES[::2]:
                _picture(window, name, size)
    assert not wrong, "\n".join(f"{size} {problem}" for problem, size in wrong.items())


def test_every_word_that_may_be_unknown_has_a_hint(window, qtbot):
    window.resize(1280, 800)
    mute: dict[str, str] = {}
    explained: set[str] = set()
    for name in views(window, qtbot):
        for widget, _ in window_texts.texts(window):
            for text, place in window_texts.places(widget):
                hint = explain(text)
                if not hint or not widget.visibleRegion().contains(place):
                    continue
                said = window_texts.asked(widget, place)
                explained.update(hint.split("\n"))
                if any(line not in said for line in hint.split("\n")):
                    mute.setdefault(
                        f"{type(widget).__name__} {text[:60]!r}", f"{name}: {said[:60]!r}"
                    )
    assert not mute, "\n".join(f"{text} – {where}" for text, where in mute.items())
    assert len(explained) > 25


def _picture(window: QWidget, name: str, size: tuple[int, int]) -> None:
    from app.look.translation import current_language

    folder = Path(str(PICTURES))
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.replace(" ", "_").lower()
    window.grab().save(str(folder / f"{current_language()}_{size[0]}x{size[1]}_{stem}.png"))
