"""What is new in which version: the program's ``CHANGELOG.md``, section by section."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.version import InvalidVersion, Version

_SECTION = re.compile(r"^## ", re.MULTILINE)
_NUMBER = re.compile(r"\[?v?(\d[\w.+-]*)")


def read_changelog() -> str:
    """Return the text of the changelog that lies beside the program; "" where none does."""
    path = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # a wheel has none
        return ""


def changes_since(text: str, seen: str) -> str:
    """Return the sections of later versions than ``seen``, as Markdown.

    Args:
        text: in the form of Keep a Changelog; what has no number yet is later than all.
        seen: a version; "" for all sections.
    """
    known = parsed_version(seen)
    kept = []
    for section in _SECTION.split(text)[1:]:
        number = _NUMBER.match(section)
        version = parsed_version(number[1]) if number is not None else None
        if known is None or version is None or version > known:
            kept.append(f"## {section}".rstrip())
    return "\n\n".join(kept)


def is_earlier(version: str, than: str) -> bool:
    """Whether a version comes before another; False where one of them is none."""
    one, other = parsed_version(version), parsed_version(than)
    return one is not None and other is not None and one < other


def parsed_version(text: str) -> Version | None:
    """Return a version that can be compared, None where ``text`` is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None
