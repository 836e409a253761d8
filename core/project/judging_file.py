"""What decides about images beside the model, kept in the project: ``judging.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.portable.portable_error import PortableError
from core.portable.settings import Settings
from core.system.files import write_json_atomic

_FILE: Final = "judging.json"
_MOST_BYTES: Final = 2**20


def read_judging(project_dir: Path) -> dict[str, Any]:
    """Return what was written last, as ``Settings.to_dict`` gives it; empty where nothing was."""
    file = project_dir / _FILE
    try:
        if file.stat().st_size > _MOST_BYTES:
            return {}
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_judging(project_dir: Path, content: Mapping[str, Any]) -> None:
    """Keep what decides, atomically."""
    write_json_atomic(project_dir / _FILE, dict(content))


def usable_settings(
    content: Mapping[str, Any], *, labels: Sequence[str], background: int | None
) -> Settings:
    """Return as much of the settings as fits a model.

    Rules about classes that the model lacks are left out, and so is what else does not fit: the
    classes of a project change more often than what is decided about them.

    Args:
        content: as ``read_judging`` returns it.
        labels: the model's classes.
        background: class id of which no objects are made, or None.
    """
    kept: dict[str, Any] = {}
    for name, value in content.items():
        if name == "rules":
            continue
        if name in ("minimum_area", "fill_holes") and isinstance(value, Mapping):
            value = {key: one for key, one in value.items() if key == "*" or key in labels}
        if _reads({**kept, name: value}, labels, background):
            kept[name] = value
    rules = content.get("rules")
    kept["rules"] = []
    for rule in rules if isinstance(rules, list) else ():
        if _reads({**kept, "rules": [*kept["rules"], rule]}, labels, background):
            kept["rules"].append(rule)
    return Settings.from_dict(kept, labels=labels, background=background)


def _reads(content: Mapping[str, Any], labels: Sequence[str], background: int | None) -> bool:
    try:
        Settings.from_dict(content, labels=labels, background=background)
    except (PortableError, TypeError, ValueError):
        return False
    return True
