"""Settings: sparse, atomic, never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.services.settings import MAX_RECENT, Settings, SettingsStore


def test_only_what_differs_is_written(tmp_path):
    store = SettingsStore(tmp_path / "配置 a" / "settings.json")
    store.settings.theme = "dark"
    store.save()
    assert json.loads(store.path.read_text(encoding="utf-8")) == {"theme": "dark"}
    assert SettingsStore(store.path).settings == store.settings


@pytest.mark.parametrize("text", ["{broken", '{"theme": "pink"}', "[]", "\x00"])
def test_a_broken_file_is_kept_aside_and_reported(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="utf-8")
    store = SettingsStore(path)
    assert store.settings == Settings()
    assert store.warning == str(tmp_path / "settings.broken.json")
    assert (tmp_path / "settings.broken.json").read_text(encoding="utf-8") == text


def test_unknown_keys_of_a_newer_version_do_not_matter(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark", "hologram": true}', encoding="utf-8")
    store = SettingsStore(path)
    assert store.settings.theme == "dark"
    assert not store.warning


def test_recent_projects_are_few_and_newest_first():
    settings = Settings()
    for number in range(MAX_RECENT + 3):
        settings.add_recent(Path(f"/p/{number}"))
    settings.add_recent(Path("/p/5"))
    assert settings.recent_projects[0] == Path("/p/5")
    assert len(settings.recent_projects) == MAX_RECENT
    assert len(set(settings.recent_projects)) == MAX_RECENT
