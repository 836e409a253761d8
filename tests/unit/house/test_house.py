"""The layout keeps its promises; ``python tests/support/house.py`` prints what breaks them."""

from __future__ import annotations

import re

import house
import yaml
from house import ROOT


def test_nothing_is_there_for_tests_alone() -> None:
    assert [str(one) for one in house.unused()] == []


def test_a_family_of_files_is_a_package() -> None:
    assert house.families() == {}


def test_few_modules_lie_loose_at_the_top_of_core() -> None:
    assert len(house.top_modules()) <= house.TOP_MODULES, house.top_modules()


def test_a_module_is_found_by_its_name() -> None:
    assert house.repeated_names() == {}


def test_tests_lie_where_what_they_test_lies() -> None:
    for tests, package in (("unit", "core"), ("app", "app")):
        for folder in (ROOT / "tests" / tests).rglob("*/"):
            place = folder.relative_to(ROOT / "tests" / tests)
            if not any(folder.glob("test_*.py")) or place.name == "house":
                continue
            assert (ROOT / package / place).is_dir(), folder


def test_the_documentation_names_what_exists() -> None:
    assert house.stale_paths() == []


def test_links_of_the_documentation_lead_somewhere() -> None:
    assert house.broken_links() == []


def test_commits_are_checked_as_changes_are() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = {hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]}
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert entries == set(re.findall(r"^uv run --no-sync .+$", script, re.MULTILINE))
