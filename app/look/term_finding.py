"""What of a text the glossary explains."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.look.glossary import TERMS, Term
from app.look.translation import current_language, tr, translated


@dataclass(frozen=True, slots=True)
class Found:
    """A term and the characters of a text that name it."""

    term: Term
    start: int
    end: int


_BY_KEY: Final = {term.key: term for term in TERMS}
_COLUMNS: Final = 72
_WORD: Final = re.compile(r"[^\W_]+")
_FIRST_WORDS: Final = frozenset(
    _WORD.findall(word.lower())[0] for one in TERMS for word in one.words
)
_CHINESE: Final = tuple(word for one in TERMS for word in one.chinese)


def term(key: str) -> Term:
    """Return a term by its anchor; raises ``KeyError``."""
    return _BY_KEY[key]


def terms_in(text: str) -> tuple[Found, ...]:
    """Return what of a text in the current language is explained, from left to right."""
    return _found(text, current_language())


def explain(text: str) -> str:
    """Return the sentences about every term of a text, one a line; empty without any."""
    shown = {found.term.key: found.term for found in terms_in(text)}
    return "\n".join(
        _wrapped(tr("{name}: {text}", name=translated(one.name), text=translated(one.text)))
        for one in shown.values()
    )


def with_terms(tooltip: str, text: str) -> str:
    """Return the tooltip of something labelled ``text``, with what the words in it mean."""
    return "\n".join(part for part in (tooltip, explain(text)) if part)


def _wrapped(text: str) -> str:
    """Break a sentence into lines: tooltips of plain text do not."""
    if text.isascii():
        return textwrap.fill(text, _COLUMNS)
    half = _COLUMNS // 2  # of characters that are twice as wide
    return "\n".join(text[start : start + half] for start in range(0, len(text), half))


@lru_cache(maxsize=4096)
def _found(text: str, language: str) -> tuple[Found, ...]:
    if not _may_hold_some(text):
        return ()
    found = []
    for match in _pattern(language).finditer(text):
        key = match.lastgroup
        assert key is not None
        found.append(Found(_BY_KEY[key], match.start(), match.end()))
    return tuple(found)


def _may_hold_some(text: str) -> bool:
    """Look for first words: most texts have none, and labels are made by the hundred."""
    if not _FIRST_WORDS.isdisjoint(_WORD.findall(text.lower())):
        return True
    return not text.isascii() and any(word in text for word in _CHINESE)


@lru_cache(maxsize=4)
def _pattern(language: str) -> re.Pattern[str]:
    """Return an expression with a group for each term, the longest spellings first."""
    chinese = language.startswith("zh")
    terms = [(one, [*one.words, *(one.chinese if chinese else ())]) for one in TERMS]
    terms.sort(key=lambda entry: -max(len(word) for word in entry[1]))
    return re.compile(
        "|".join(
            "(?P<{}>{})".format(
                one.key,
                "|".join(
                    _spelling(word, free=word in one.chinese)
                    for word in sorted(words, key=len, reverse=True)
                ),
            )
            for one, words in terms
        )
    )


def _spelling(word: str, *, free: bool) -> str:
    """Return an expression for a word: ``free`` ones stand between characters of any kind."""
    if free:
        return re.escape(word)
    flags = "" if word != word.lower() else "i"
    return rf"(?{flags}:(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9]))"
