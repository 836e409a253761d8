"""Sentences for people that can be shown in another language than English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence: an English ``template`` with ``{name}`` places, and what goes into them.

    The window looks the template up in its catalogue; everyone else uses ``str(message)``.
    """

    template: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.params)


def message(template: str, /, **params: Any) -> Message:
    """Make a ``Message``; a separate name so that translators' tools find every template."""
    return Message(template, {name: _plain(value) for name, value in params.items()})


def _plain(value: Any) -> Any:
    """Keep JSON's own types, turn everything else (paths, numpy numbers) into text."""
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
