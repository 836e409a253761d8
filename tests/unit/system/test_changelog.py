"""Sections of the changelog."""

from __future__ import annotations

import pytest

from core.system.changelog import changes_since, parsed_version, read_changelog

TEXT = """# Changes

Words before.

## Unreleased

- soon

## [1.10.0] – 2027-01-02

### Added

- ten

## 1.9.1 - 2026-12-24

- nine

## 1.0.0rc1

- candidate
"""


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ("1.10.0", ["soon"]),
        ("1.9.1", ["soon", "ten"]),
        ("1.9", ["soon", "ten", "nine"]),
        ("1.0.0rc1", ["soon", "ten", "nine"]),
        ("0.9", ["soon", "ten", "nine", "candidate"]),
        ("", ["soon", "ten", "nine", "candidate"]),
        ("unknown", ["soon", "ten", "nine", "candidate"]),
    ],
)
def test_what_is_later_than_the_version_seen(seen: str, shown: list[str]) -> None:
    found = changes_since(TEXT, seen)
    assert [word for word in ("soon", "ten", "nine", "candidate") if word in found] == shown
    assert "Words before" not in found
    assert found.startswith("## Unreleased\n\n- soon")


def test_a_text_without_sections_is_nothing() -> None:
    assert changes_since("", "") == changes_since("# Changes\n", "1.0") == ""


def test_the_programs_own_changelog_has_versions() -> None:
    text = read_changelog()
    assert changes_since(text, "0.0.9").count("\n## 0.1.0") == 1
    assert "## 0.1.0" not in changes_since(text, "0.1.0")


def test_versions_are_compared_as_python_compares_them() -> None:
    assert parsed_version("1.10.0") > parsed_version("1.9.9")  # type: ignore[operator]
    assert parsed_version("one") is None
