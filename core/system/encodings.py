"""In which encoding a text is that is not in Unicode: by what makes sense in it, or in doubt.

Nearly any bytes are something in most encodings, and the names of a few classes are little to
judge by. So readings that no one would write are struck out (a word of two alphabets, Korean with
Chinese characters), the others are weighed by how often their letters follow each other, and where
two of them weigh nearly the same, both are told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

ENCODINGS = ("gb18030", "big5hkscs", "cp932", "cp949", "cp1252", "cp1250", "cp1251")
_NEARLY = 0.35
"""Share of the best reading's weight above which another one might be meant as well."""
_BACKGROUND = ("背景", "배경")
"""The class that most data have: who finds it needs no weights."""
_MOST_BYTES = 100_000
_LEAST = 1e-6
"""Weight of a reading that the letters say nothing of."""
_WORDS = re.compile(r"[^\W\d_]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_ENDS = rb"\s\"<>:,;="
"""What ends a word, and is part of no character of two or four bytes."""
_PIECES = re.compile(b"[^%b]+" % _ENDS)
_TENSE = (0x1101, 0x1104, 0x1108, 0x110A, 0x110D)
_RARE_VOWELS = (0x1164, 0x116B, 0x116F, 0x1170)
_RARE_FINALS = (0x11A9, 0x11AA, 0x11AC, 0x11AD, *range(0x11B0, 0x11B7), 0x11B9, 0x11BB)
_RARE_SOUNDS = frozenset(map(chr, (*_TENSE, *_RARE_VOWELS, *_RARE_FINALS, *range(0x11BD, 0x11C3))))
_SIGNS = ("P", "S", "N", "Z")
"""General categories of what is no letter: punctuation, symbols, numbers, spaces."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it is in one encoding."""

    encoding: str
    text: str


def readings(data: bytes) -> list[Reading]:
    """Return how bytes with anything but ASCII can be read, the most probable first.

    Returns:
        One reading where it is clear, several where it is not, none where nothing makes sense.
    """
    # Long files are mostly ASCII: what is to be judged are the words that are not.
    pieces = (match.group() for match in _PIECES.finditer(data))
    foreign_pieces = dict.fromkeys(piece for piece in pieces if not piece.isascii())
    words = b"\n".join(foreign_pieces)[:_MOST_BYTES]
    weighed: dict[str, tuple[float, Reading]] = {}
    for encoding, confidence in _confidences(words):
        sample = words.decode(encoding, "ignore")
        foreign = "".join(sorted(char for char in set(sample) if not char.isascii()))
        if not _makes_sense(sample, foreign, encoding):
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        weight = confidence * _commonness(foreign, encoding)
        if text not in weighed or weighed[text][0] < weight:
            weighed[text] = weight, Reading(encoding.upper(), text)
    found = sorted(weighed.values(), key=lambda pair: -pair[0])
    sure = [reading for _, reading in found if any(word in reading.text for word in _BACKGROUND)]
    if len(sure) == 1:
        return sure
    return [reading for weight, reading in found if weight >= _NEARLY * found[0][0]]


def _confidences(words: bytes) -> list[tuple[str, float]]:
    import chardet  # takes a tenth of a second, and most text is in UTF-8

    found = chardet.detect_all(
        words,
        ignore_threshold=True,
        include_encodings=ENCODINGS,
        compat_names=False,
        no_match_encoding=ENCODINGS[0],
        empty_input_encoding=ENCODINGS[0],
    )
    confidences = {one["encoding"]: one["confidence"] for one in found}
    return [(encoding, confidences.get(encoding) or _LEAST) for encoding in ENCODINGS]


def _makes_sense(words: str, foreign: str, encoding: str) -> bool:
    """Whether anyone writes such ``words``; ``foreign`` are all characters beside ASCII."""
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co") for char in foreign):
        return False
    if _CONTROL.search(words):
        return False
    if encoding.startswith("cp125"):
        found = [word for word in _WORDS.findall(words) if not word.isascii()]
        return all(_is_word(word, encoding) for word in found)
    letters = [char for char in foreign if unicodedata.category(char)[0] not in _SIGNS]
    return bool(letters) and all(_SCRIPTS[encoding](char) for char in letters)


def _is_word(word: str, encoding: str) -> bool:
    """Whether a word is in small or capital letters throughout, and in one alphabet."""
    in_latin = [unicodedata.name(char, "").startswith("LATIN") for char in word]
    if encoding == "cp1251":
        is_one_alphabet = all(in_latin) or not any(in_latin)
    else:  # Latin letters without any of ASCII are no word
        is_one_alphabet = all(in_latin) and (len(word) == 1 or any(map(str.isascii, word)))
    return is_one_alphabet and (word.islower() or word.isupper() or word.istitle())


def _is_han(char: str) -> bool:
    return unicodedata.name(char, "").startswith("CJK UNIFIED IDEOGRAPH")


_SCRIPTS: dict[str, Callable[[str], bool]] = {
    "gb18030": lambda char: _is_han(char) or "α" <= char.lower() <= "ω",
    "big5hkscs": lambda char: _is_han(char) or "α" <= char.lower() <= "ω",
    "cp932": lambda char: unicodedata.name(char, "").startswith(
        ("CJK UNIFIED IDEOGRAPH", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA")
    ),
    "cp949": lambda char: unicodedata.name(char, "").startswith("HANGUL SYLLABLE"),
}


def _commonness(foreign: str, encoding: str) -> float:
    """Return a factor: lower where an encoding is rare, or its rarer characters are needed.

    The Chinese and Korean ones put the characters of everyday use into rows of their own.
    """
    codes = [char.encode(encoding) for char in foreign]
    if encoding == "gb18030":
        everyday = all(0xA1 <= code[0] <= 0xD7 and code[1] >= 0xA1 for code in codes)
        return 1.5 if everyday else 0.75
    if encoding == "big5hkscs":
        return 1.0 if all(0xA1 <= code[0] <= 0xC6 for code in codes) else 0.3
    if encoding == "cp949":
        everyday = all(code[0] >= 0xA1 and code[1] >= 0xA1 for code in codes)
        return (1.0 if everyday else 0.3) * 0.6 ** sum(map(_is_rare_syllable, foreign))
    return 0.5 if encoding == "cp1250" else 1.0


def _is_rare_syllable(char: str) -> bool:
    """Whether a Korean syllable has a tense consonant, a rare vowel or a rare final sound."""
    sounds = unicodedata.normalize("NFD", char)
    return any(sound in _RARE_SOUNDS for sound in sounds)
