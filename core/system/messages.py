"""Sentences for people that can be shown in another language than English."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence: an English ``template`` with ``{name}`` places, and what goes into them.

    A place with two forms, ``{count:image|images}``, becomes the first one where the number is 1;
    a language with one form writes that. The window looks the template up in its catalogue;
    everyone else uses ``str(message)``.
    """

    template: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return fill(self.template, self.params)


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        one, separator, many = format_spec.partition("|")
        if not separator:
            return str(super().format_field(value, format_spec))
        return one if str(value) == "1" else many


_FORMATTER = _Formatter()


def fill(template: str, params: Mapping[str, Any]) -> str:
    """Put ``params`` into the places of ``template``; see ``Message`` for counted things.

    Raises:
        KeyError, IndexError, ValueError: the places are others.
    """
    if "|" in template:
        return _FORMATTER.vformat(template, (), params)
    return template.format(**params)


def message(template: str, /, **params: Any) -> Message:
    """Make a ``Message``; a separate name so that translators' tools find every template."""
    return Message(template, {name: _plain(value) for name, value in params.items()})


def _plain(value: Any) -> Any:
    """Keep JSON's own types, turn everything else (paths, numpy numbers) into text."""
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    return printable(str(value))


def printable(text: str) -> str:
    r"""Return text that is valid Unicode: bytes of names that are not UTF-8 become ``\\xd6``."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # halves of pairs that no file name holds, as JSON may
            return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text
