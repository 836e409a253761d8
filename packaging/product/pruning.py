"""Leaving out what nobody needs: ``pruning.toml`` says what and why."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from product.layout import Layout
from product.platforms import Platform

RULES = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Rule:
    """Files that are left out.

    Attributes:
        paths: patterns below the packages' folder; ``**`` stands for any folders. Each must fit
            something: a rule that no longer does is a mistake.
        keep: patterns of what stays although ``paths`` fit it.
        why: for people.
    """

    paths: tuple[str, ...]
    keep: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What is left out on one platform.

    Attributes:
        distributions: whole packages by name, and why.
        files: parts of packages.
    """

    distributions: dict[str, str]
    files: tuple[Rule, ...]


def read_rules(platform: Platform) -> Rules:
    """Return the rules for a platform."""
    table = tomllib.loads(RULES.read_text(encoding="utf-8"))
    files = tuple(
        Rule(tuple(one["paths"]), tuple(one.get("keep", ())), one["why"])
        for one in table["files"]
        if platform.name in one.get("platforms", (platform.name,))
    )
    return Rules(dict(table["distributions"]), files)


def prune(layout: Layout, rules: Rules) -> None:
    """Apply the rules.

    Raises:
        ValueError: a rule fits nothing.
    """
    stale = [*_drop_distributions(layout.packages, rules.distributions)]
    for rule in rules.files:
        stale += _drop_files(layout.packages, rule)
    if stale:
        raise ValueError(f"pruning.toml names what is not there: {', '.join(stale)}")
    _drop_empty_folders(layout.packages)


def _drop_distributions(packages: Path, names: Iterable[str]) -> list[str]:
    found: dict[str, Distribution] = {
        canonicalize_name(one.metadata["Name"]): one for one in distributions(path=[str(packages)])
    }
    for name in names:
        for file in (found[name].files or ()) if name in found else ():
            path = (packages / file).resolve()
            if path.is_relative_to(packages.resolve()):
                path.unlink(missing_ok=True)
    return [name for name in names if name not in found]


def _drop_files(packages: Path, rule: Rule) -> list[str]:
    kept = {path for pattern in rule.keep for path in packages.glob(pattern)}
    stale = [pattern for pattern in rule.keep if not any(packages.glob(pattern))]
    for pattern in rule.paths:
        found = list(packages.glob(pattern))
        if not found:
            stale.append(pattern)
        for path in found:
            _remove(path, kept)
    return stale


def _remove(path: Path, kept: set[Path]) -> None:
    if path in kept or not (path.exists() or path.is_symlink()):
        return
    if not path.is_dir() or path.is_symlink():
        path.unlink()
    elif any(one.is_relative_to(path) for one in kept):
        for child in path.iterdir():
            _remove(child, kept)
    else:
        shutil.rmtree(path)


def _drop_empty_folders(root: Path) -> None:
    for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
