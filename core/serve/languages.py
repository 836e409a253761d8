"""English or Chinese, as a request asks."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import Final

from core.system.messages import Message, fill

ENGLISH: Final = "en"
CHINESE: Final = "zh_CN"
_CATALOGUES: Final = Path(__file__).resolve().parents[2] / "resources" / "translations"
_MOST_CHOICES: Final = 20
_log = logging.getLogger(__name__)


def choose_language(accepted: str) -> str:
    """Return ``ENGLISH`` or ``CHINESE`` for the value of an ``Accept-Language`` header."""
    best, best_weight = ENGLISH, 0.0
    for choice in accepted.split(",")[:_MOST_CHOICES]:
        tag, *parameters = (part.strip().lower() for part in choice.split(";"))
        language = {"zh": CHINESE, "en": ENGLISH}.get(tag.split("-")[0])
        weight = _weight(parameters)
        if language is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def in_language(sentence: Message, language: str) -> str:
    """Return a sentence in a language; in English where there is no translation."""
    if language == ENGLISH:
        return str(sentence)
    template = _catalogue(language).get(sentence.template, sentence.template)
    try:
        return fill(template, sentence.params)
    except (KeyError, IndexError, ValueError):  # a translation with other places
        return str(sentence)


@cache
def _catalogue(language: str) -> dict[str, str]:
    import polib  # most services are never asked for Chinese

    try:
        entries = polib.pofile(str(_CATALOGUES / f"{language}.po"))
    except (OSError, UnicodeDecodeError, ValueError):
        _log.exception("the translations for %s could not be read", language)
        return {}
    return {entry.msgid: entry.msgstr for entry in entries if entry.translated()}
