"""What is hidden in folders, which links are followed, and names that are the same."""

from __future__ import annotations

import os

import pytest

from core.system.folders import is_hidden, is_utf8, same_name, walk_visible


@pytest.mark.parametrize(
    "name", ["._a.png", ".ipynb_checkpoints", ".DS_Store", "__MACOSX", "Thumbs.db", "@eaDir"]
)
def test_what_systems_leave_behind_is_hidden(name):
    assert is_hidden(name)


@pytest.mark.parametrize("name", ["a.png", "__init__", "thumbs", "数据"])
def test_what_people_name_is_not(name):
    assert not is_hidden(name)


def test_letter_case_and_normal_form_do_not_make_another_name():
    assert same_name("Gr\u00f6\u00dfe.PNG") == same_name("gro\u0308sse.png")
    assert same_name("a.png") != same_name("b.png")


def test_bytes_that_are_not_utf8_are_told():
    assert is_utf8("图")
    assert not is_utf8(os.fsdecode(b"\xd6\xd0"))


def walked(folder, **options):
    return sorted(
        (place / name).relative_to(folder).as_posix()
        for place, _, names in walk_visible(folder, **options)
        for name in names
    )


def test_links_in_the_chosen_folder_are_followed_and_deeper_ones_told(tmp_path):
    outside = tmp_path / "elsewhere"
    chosen = tmp_path / "chosen"
    (outside / "deep").mkdir(parents=True)
    (chosen / "sub").mkdir(parents=True)
    for path in (outside / "a.png", outside / "deep/b.png", chosen / "sub/c.png"):
        path.touch()
    (chosen / "images").symlink_to(outside, target_is_directory=True)
    (chosen / "sub/link").symlink_to(outside, target_is_directory=True)
    (chosen / "again").symlink_to(chosen, target_is_directory=True)
    (chosen / "up").symlink_to(tmp_path, target_is_directory=True)
    skipped = []
    found = walked(chosen, on_skipped_link=skipped.append)
    assert found == ["images/a.png", "images/deep/b.png", "sub/c.png"]
    assert skipped == [chosen / "sub/link"]
