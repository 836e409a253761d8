"""When a later version is looked for, and what is said of it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from app.services.settings import SettingsStore
from app.services.updates import UpdateWatch
from core.system import updates
from core.system.errors import InputError
from core.system.updates import Announcement

NEWER = Announcement(version="2.0", url="https://example.org/m")


class Server:
    """Stands for the packager's; answers what it is told to."""

    def __init__(self) -> None:
        self.answer: Announcement | Exception = NEWER
        self.asked: list[tuple[str, str]] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def fetch(self, url: str, *, program: str) -> Announcement:
        self.asked.append((url, program))
        self.go_on.wait(30)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def server(monkeypatch) -> Server:
    made = Server()
    monkeypatch.setattr(updates, "fetch_announcement", made.fetch)
    return made


@pytest.fixture
def install(monkeypatch, tmp_path):
    def write(**content: object) -> None:
        text = json.dumps({"version": "1.5", "kind": "tar", **content})
        (tmp_path / "installation.json").write_text(text, encoding="utf-8")
        monkeypatch.setenv("MASKWRIGHT_INSTALLATION", str(tmp_path))

    write(update_url="https://example.org/a.json")
    return write


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    return SettingsStore(tmp_path / "settings" / "settings.json")


@pytest.fixture
def watch(server, install, store):
    made = UpdateWatch(store)
    made.told = []
    made.announced.connect(lambda found: made.told.append(found.version))
    made.up_to_date.connect(lambda: made.told.append("none"))
    made.failed.connect(lambda error: made.told.append(str(error)))
    yield made
    made.shut_down()


def settled(qtbot, watch: UpdateWatch) -> list[str]:
    qtbot.waitUntil(lambda: not watch._timer.isActive())
    return watch.told


def test_once_a_day_a_later_version_is_announced(watch, server, store, qtbot):
    assert watch.can_look
    watch.look_if_due()
    assert settled(qtbot, watch) == ["2.0"]
    assert server.asked == [("https://example.org/a.json", "Maskwright/1.5")]
    assert watch.found == NEWER
    watch.look_if_due()
    assert len(server.asked) == 1
    assert SettingsStore(store.path).settings.updates_looked > time.time() - 60
    store.settings.updates_looked -= 25 * 3600
    watch.look_if_due()
    assert settled(qtbot, watch) == ["2.0", "2.0"]


def test_a_clock_that_was_wrong_does_not_stop_it_for_years(watch, server, store, qtbot):
    store.settings.updates_looked = time.time() + 10 * 365 * 24 * 3600
    watch.look_if_due()
    assert settled(qtbot, watch) == ["2.0"]


@pytest.mark.parametrize("content", [{}, {"update_url": None}])
def test_without_an_address_nobody_is_asked(server, install, store, content):
    install(**content)
    watch = UpdateWatch(store)
    watch.look_if_due()
    watch.look_now()
    assert not watch.can_look
    assert server.asked == []


def test_a_checkout_asks_nobody(server, store, monkeypatch):
    monkeypatch.delenv("MASKWRIGHT_INSTALLATION", raising=False)
    assert not UpdateWatch(store).can_look


def test_a_damaged_installation_asks_nobody(server, install, store, tmp_path):
    (tmp_path / "installation.json").write_text("{")
    watch = UpdateWatch(store)
    assert (watch.can_look, watch.version) == (False, "unknown")


def test_it_can_be_switched_off_and_still_be_asked(watch, server, store, qtbot):
    watch.set_automatic(False)
    assert not SettingsStore(store.path).settings.look_for_updates
    watch.look_if_due()
    assert server.asked == []
    watch.look_now()
    assert settled(qtbot, watch) == ["2.0"]


def test_a_dismissed_version_is_shown_to_those_who_ask_only(watch, store, qtbot):
    watch.look_if_due()
    settled(qtbot, watch)
    watch.dismiss()
    assert SettingsStore(store.path).settings.update_dismissed == "2.0"
    store.settings.updates_looked = 0
    watch.look_if_due()
    assert settled(qtbot, watch) == ["2.0"]
    watch.look_now()
    assert settled(qtbot, watch) == ["2.0", "2.0"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Announcement(version="1.5", url="https://example.org"), "none"),
        (InputError("The server is away."), "The server is away."),
    ],
)
def test_what_is_no_news_is_told_to_those_who_ask_only(watch, server, qtbot, answer, told):
    server.answer = answer
    watch.look_if_due()
    assert settled(qtbot, watch) == []
    watch.look_now()
    assert settled(qtbot, watch) == [told]


def test_nobody_waits_for_a_network_that_hangs(watch, server, qtbot):
    server.go_on.clear()
    watch.look_now()
    begun = time.monotonic()
    watch.shut_down()
    assert time.monotonic() - begun < 1
    server.go_on.set()
    qtbot.wait(50)
    assert watch.told == []
    qtbot.waitUntil(lambda: "updates" not in {one.name for one in threading.enumerate()})
