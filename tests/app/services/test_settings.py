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
    assert str(tmp_path / "settings.broken.json") in str(store.problem)
    assert (tmp_path / "settings.broken.json").read_text(encoding="utf-8") == text


def test_unknown_keys_of_a_newer_version_do_not_matter(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark", "hologram": true}', encoding="utf-8")
    store = SettingsStore(path)
    assert store.settings.theme == "dark"
    assert store.problem is None


def test_the_file_of_a_later_program_is_kept_and_what_is_known_of_it_is_used(tmp_path):
    path = tmp_path / "配置 a" / "settings.json"
    path.parent.mkdir()
    text = '{"format": 2, "theme": "dark", "language": "de", "thumbnail_size": 200, "seen": []}'
    path.write_text(text, encoding="utf-8")
    store = SettingsStore(path)
    assert (store.settings.theme, store.settings.thumbnail_size) == ("dark", 200)
    assert store.settings.language == "auto"  # German is not known yet
    kept = path.parent / "settings.format-2.json"
    assert str(kept) in str(store.problem) and "later version" in str(store.problem)
    store.save()
    assert kept.read_text(encoding="utf-8") == text
    again = SettingsStore(path)
    assert again.problem is None
    assert again.settings == store.settings


def test_a_first_start_is_told_from_a_later_one(tmp_path):
    store = SettingsStore(tmp_path / "settings.json")
    assert store.is_new
    store.save()
    assert not SettingsStore(store.path).is_new


def test_recent_projects_are_few_and_newest_first():
    settings = Settings()
    for number in range(MAX_RECENT + 3):
        settings.add_recent(Path(f"/p/{number}"))
    settings.add_recent(Path("/p/5"))
    assert settings.recent_projects[0] == Path("/p/5")
    assert len(settings.recent_projects) == MAX_RECENT
    assert len(set(settings.recent_projects)) == MAX_RECENT
