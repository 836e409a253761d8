"""What is new: once after an update, on demand, and before an update."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel

from app.services.settings import SettingsStore
from app.shell.application import Application
from app.shell.changes_dialog import ChangesDialog, UpdateDialog
from core.system import changelog, updates
from core.system.updates import Announcement

CHANGELOG = """# Changes

## 1.5.0

- rules for **holes**, see [Judging](docs/guide/judging.md) and [there](https://example.org/a)

## 1.4.0

- curves

## 0.1.0

- the first
"""
NEWER = Announcement(
    version="2.0",
    url="https://example.org/m",
    notes="- *quicker*",
    sha256="ab" * 32,
    minimum="1.6",
)


@pytest.fixture(autouse=True)
def installed(monkeypatch, tmp_path):
    content = {"version": "1.5.0", "kind": "tar", "update_url": "https://example.org/a.json"}
    (tmp_path / "installation.json").write_text(json.dumps(content))
    monkeypatch.setenv("MASKWRIGHT_INSTALLATION", str(tmp_path))
    monkeypatch.setattr(changelog, "read_changelog", lambda: CHANGELOG)


@pytest.fixture
def start(qapp, tmp_path):
    """Starts the program on settings; the window is shut down afterwards."""
    started = []

    def run(**values: object) -> Application:
        path = tmp_path / "config" / "settings.json"
        if values:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(values))
        store = SettingsStore(path)
        store.settings.language = "en"
        store.settings.look_for_updates = False
        made = Application(qapp, store)
        made.show()
        started.append(made)
        return made

    yield run
    for one in started:
        one.shut_down()


def shown(application: Application) -> str | None:
    dialog = application.window.findChild(ChangesDialog)
    return None if dialog is None else dialog.text.toPlainText()


def test_after_an_update_once(start, tmp_path):
    first = start(theme="light", seen_version="1.4.0")
    text = shown(first)
    assert "holes" in text and "curves" not in text
    first.shut_down()
    assert shown(start()) is None


def test_settings_of_the_first_version_noted_nothing(start):
    text = shown(start(theme="light"))
    assert "holes" in text and "curves" in text and "the first" not in text


def test_nothing_is_new_to_a_new_user(start, tmp_path):
    assert shown(start()) is None
    assert SettingsStore(tmp_path / "config" / "settings.json").settings.seen_version == "1.5.0"


def test_going_back_to_an_earlier_version_is_no_news(start):
    assert shown(start(seen_version="1.6")) is None


def test_all_changes_on_demand_without_dead_links(start):
    application = start()
    application.window.top_bar.changes_requested.emit()
    dialog = application.window.findChild(ChangesDialog)
    for word in ("holes", "see Judging and there", "curves", "the first"):
        assert word in dialog.text.toPlainText()
    html = dialog.text.toHtml()
    assert "https://example.org/a" in html and "judging.md" not in html


def test_a_later_version_is_a_quiet_line_until_it_is_asked_for(start, monkeypatch, qtbot, tmp_path):
    monkeypatch.setattr(updates, "fetch_announcement", lambda url, program: NEWER)
    application = start()
    assert application.window.notice.isHidden()
    assert application.window.top_bar.update_action.isEnabled()
    application.window.top_bar.update_requested.emit()
    qtbot.waitUntil(lambda: not application.window.notice.isHidden())
    text = application.window.notice.text.text()
    assert text == "Maskwright 2.0 is available; 1.5.0 is no longer supported."

    application.set_language("zh_CN")
    qtbot.waitUntil(lambda: "2.0" in application.window.notice.text.text() != text)
    application.set_language("en")
    qtbot.waitUntil(lambda: application.window.notice.text.text() == text)

    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    application.window.notice.details_button.click()
    dialog = application.window.findChild(UpdateDialog)
    words = " ".join(one.text() for one in dialog.findChildren(QLabel))
    for part in ("Maskwright 2.0", "You have 1.5.0", "before 1.6", "ab" * 32):
        assert part in words
    assert dialog.text.toPlainText() == "quicker"
    assert opened == []
    dialog.open_button.click()
    assert opened == [QUrl("https://example.org/m")]
    assert not dialog.automatic.isChecked()
    dialog.automatic.setChecked(True)
    assert application.context.settings.look_for_updates
    dialog.close()

    application.window.notice.later_button.click()
    assert application.window.notice.isHidden()
    assert application.context.settings.update_dismissed == "2.0"


def test_the_newest_version_is_said_to_be(start, monkeypatch, qtbot):
    same = Announcement(version="1.5.0", url="https://example.org/m")
    monkeypatch.setattr(updates, "fetch_announcement", lambda url, program: same)
    application = start()
    application.window.top_bar.update_requested.emit()
    told = application.window.start_page.notice.text
    qtbot.waitUntil(lambda: told.text() == "Maskwright 1.5.0 is the newest version.")


def test_without_an_address_the_menu_says_why(start, monkeypatch, tmp_path):
    monkeypatch.delenv("MASKWRIGHT_INSTALLATION")
    action = start().window.top_bar.update_action
    assert not action.isEnabled()
    assert "no address" in action.toolTip()
