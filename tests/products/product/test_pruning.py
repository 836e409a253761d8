"""Leaving out: what the rules say and nothing else, and no rule that says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from product.layout import Layout
from product.pins import read_pins
from product.platforms import LINUX, PLATFORMS, Platform
from product.pruning import Rule, Rules, prune, read_rules


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Two installed packages."""
    layout = Layout(tmp_path / "安装 1", LINUX)
    for name in (
        "left/__init__.py",
        "left/tests/test_left.py",
        "left/deep/tests/data/big.bin",
        "left/deep/part.pyi",
        "left/kept/stub.pyi",
        "left-1.0.dist-info/RECORD",
        "right/__init__.py",
        "right/sub/part.py",
        "shared.py",
        "bin/right",
        "right-2.0.dist-info/RECORD",
    ):
        path = layout.packages / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name, version in (("left", "1.0"), ("right", "2.0")):
        info = layout.packages / f"{name}-{version}.dist-info"
        (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n", encoding="utf-8")
    listed = ("right/__init__.py", "right/sub/part.py", "../outside", "right-2.0.dist-info/RECORD")
    record = "".join(f"{one},,\n" for one in (*listed, "right-2.0.dist-info/METADATA"))
    (layout.packages / "right-2.0.dist-info" / "RECORD").write_text(record, encoding="utf-8")
    (layout.root / "outside").touch()
    return layout


def files(layout: Layout) -> set[str]:
    return {
        path.relative_to(layout.packages).as_posix()
        for path in layout.packages.rglob("*")
        if path.is_file()
    }


def test_a_whole_package_goes_by_its_own_list_and_nothing_outside(layout: Layout) -> None:
    before = files(layout)
    prune(layout, Rules({"right": "not used"}, ()))
    assert before - files(layout) == {
        "right/__init__.py",
        "right/sub/part.py",
        "right-2.0.dist-info/RECORD",
        "right-2.0.dist-info/METADATA",
    }
    assert not (layout.packages / "right").exists()
    assert (layout.root / "outside").exists()


def test_files_go_but_for_what_is_kept(layout: Layout) -> None:
    before = files(layout)
    rule = Rule(paths=("**/tests", "**/*.pyi", "bin"), keep=("left/kept/*.pyi",), why="")
    prune(layout, Rules({}, (rule,)))
    assert before - files(layout) == {
        "left/tests/test_left.py",
        "left/deep/tests/data/big.bin",
        "left/deep/part.pyi",
        "bin/right",
    }


def test_a_folder_goes_but_for_what_is_kept_deep_in_it(layout: Layout) -> None:
    rule = Rule(paths=("left/*",), keep=("left/deep/tests/data/*",), why="")
    prune(layout, Rules({}, (rule,)))
    assert {name for name in files(layout) if name.startswith("left/")} == {
        "left/deep/tests/data/big.bin"
    }


@pytest.mark.parametrize(
    "rules",
    [
        Rules({"nowhere": ""}, ()),
        Rules({}, (Rule(("nowhere/*",), (), ""),)),
        Rules({}, (Rule(("left/*",), ("left/nowhere",), ""),)),
    ],
    ids=["package", "path", "kept"],
)
def test_a_rule_that_fits_nothing_fails_the_build(layout: Layout, rules: Rules) -> None:
    with pytest.raises(ValueError, match="nowhere"):
        prune(layout, rules)


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_the_rules_name_pinned_packages_that_the_project_does_not_ask_for(
    platform: Platform,
) -> None:
    rules = read_rules(platform)
    assert set(rules.distributions) <= set(read_pins(platform, "packages"))
    assert all(rules.distributions.values())
    assert all(rule.why for rule in rules.files)
    others = {one for each in PLATFORMS.values() for one in read_rules(each).files}
    assert len(others) > len(rules.files), "rules for the other platform are not for this one"
