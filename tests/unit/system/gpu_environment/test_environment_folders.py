"""What lies on the disk is believed only as far as it holds."""

from __future__ import annotations

import gpu_parts
import pytest

from core.system.devices import list_devices
from core.system.gpu_environment import environment_folders as folders


def problem(environment):
    found = folders.environment_problem(environment, list_devices())
    return None if found is None else str(found)


def test_an_environment_is_switched_on_and_off(card):
    assert folders.switched_on() is None
    made = gpu_parts.made_environment()
    assert made.name == f"3.2.2-cu126-{gpu_parts.TAG}"
    assert folders.switched_on() is None
    folders.switch_on(made)
    assert folders.switched_on() == made
    assert problem(made) is None
    folders.switch_off()
    folders.switch_off()
    assert folders.switched_on() is None


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"environment": 3}', "\udcff"])
def test_a_broken_switch_is_off_or_names_what_is_not_there(content):
    folders.environments_folder().mkdir(parents=True)
    path = folders.environments_folder() / "switched_on.json"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    found = folders.switched_on()
    assert found is None or "not there" in problem(found)


def test_a_switch_cannot_lead_out_of_the_folder(tmp_path):
    folders.environments_folder().mkdir(parents=True)
    path = folders.environments_folder() / "switched_on.json"
    path.write_text('{"environment": "../../etc"}', encoding="utf-8")
    assert folders.switched_on().folder.parent == folders.environments_folder()


def test_what_is_gone_damaged_or_made_for_another_program_is_said(card):
    made = gpu_parts.made_environment()
    folders.switch_on(made)
    library = made.packages / "paddle" / "base" / "libpaddle.so"
    whole = library.read_bytes()
    library.write_bytes(whole[:-1])
    assert "libpaddle.so is missing or cut short" in problem(made)
    library.unlink()
    assert "libpaddle.so is missing or cut short" in problem(made)
    library.write_bytes(whole)
    assert problem(made) is None
    (made.folder / folders.RECORD_NAME).write_text("{", encoding="utf-8")
    assert "not there any more" in problem(folders.switched_on())


@pytest.mark.parametrize("changes", [{"engine": "3.1.0"}, {"python": "cp399"}])
def test_one_of_an_earlier_version_is_refused(card, changes):
    made = gpu_parts.made_environment(**changes)
    assert "earlier version of the program" in problem(made)


def test_a_card_that_is_gone_or_was_changed(monkeypatch):
    made = gpu_parts.made_environment()
    assert "shows no GPU" in problem(made)
    gpu_parts.set_driver(monkeypatch, name="New card", capability=(12, 0))
    assert "no kernels for New card" in problem(made)


def test_unfinished_ones_do_not_count():
    made = gpu_parts.made_environment()
    assert folders.read_environment(made.folder) == made
    part = folders.part_folder("cu126")
    made.folder.rename(part)
    assert folders.read_environment(part) is None
    assert folders.read_environment(part.parent) is None


def test_small_files_are_not_watched_and_large_ones_are():
    record = gpu_parts.made_environment().record
    assert set(record.watched) == {"paddle/__init__.py", "paddle/base/libpaddle.so"}
    assert record.size == 2 << 20
