"""Reading rules as people write them.

.. code-block:: text

    rule       = condition "->" ("reject" | "warn" | "inconclusive")
                 ["," "unsure" side NUMBER [UNIT]]
    condition  = all ("or" all)*                       all = one ("and" one)*
    one        = "(" condition ")"
               | "any" CLASS [tests] | "no" CLASS [tests]
               | ("more than" | "fewer than" | "at least" | "at most") NUMBER CLASS [tests]
               | "total area of" CLASS side NUMBER UNIT
               | CLASS "." measure op NUMBER [UNIT]
               | "count" "(" CLASS ")" op NUMBER | "area" "(" CLASS ")" op NUMBER UNIT
    tests      = test ("and" test)*                    all of the same object
    test       = ("longer" | "shorter" | "wider" | "narrower" | "larger" | "smaller")
                 "than" NUMBER UNIT
               | ["with"] measure (op | side) NUMBER [UNIT]
    measure    = "length" | "width" | "area" | "score"
    side       = "above" | "below"                     op = ">" | ">=" | "<" | "<="
    UNIT       = "px" | "mm" | "px2" | "mm2" | "%"

``object`` stands for every class but the background. Names that hold spaces or are words of the
language stand in double quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .conditions import (
    MEASURES,
    OPERATORS,
    RULE_OUTCOMES,
    SIDE_OF,
    UNITS,
    Combined,
    Condition,
    Count,
    Measure,
    ObjectTest,
    Operator,
    RuleOutcome,
    TotalArea,
    limit_of,
)
from .portable_error import PortableError
from .quantities import AREA_UNITS, MOST, plain_unit

MOST_CHARACTERS: Final = 1000
_DEEPEST: Final = 8
_TOKEN: Final = re.compile(
    r"""\s*(?:
    (?P<arrow>->|=>|→)
    | (?P<number>\d+(?:\.\d+)?|\.\d+)
    | (?P<quoted>"(?:[^"\\]|\\.)*"|“[^”]*”)
    | (?P<operator>>=|<=|≥|≤|>|<)
    | (?P<unit>%|％)
    | (?P<word>[^\W\d]\w*(?:-\w+)*²?)
    | (?P<mark>[().,])
    )""",
    re.VERBOSE,
)
_COMPARATIVES: Final[dict[str, tuple[Measure, Operator]]] = {
    "longer": ("length", ">"),
    "shorter": ("length", "<"),
    "wider": ("width", ">"),
    "narrower": ("width", "<"),
    "larger": ("area", ">"),
    "smaller": ("area", "<"),
}
_SIDES: Final[dict[str, Operator]] = {"above": ">", "below": "<"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


class RuleParser:
    """Reads one rule from left to right; every method takes what it reads."""

    def __init__(self, text: str, labels: Sequence[str], background: int | None) -> None:
        if len(text) > MOST_CHARACTERS:
            raise PortableError(
                "A rule has {count} characters, and {most} are the most: make several rules of it.",
                count=len(text),
                most=MOST_CHARACTERS,
            )
        self._text = unicodedata.normalize("NFC", text).rstrip()
        self._labels = labels
        self._background = background
        self._depth = 0
        self._next = 0
        self._tokens = self._split()

    def parse(self) -> tuple[Condition, RuleOutcome, float | None]:
        """Return condition, outcome and second limit.

        Raises:
            PortableError: the text is no rule.
        """
        if not self._text:
            raise PortableError(
                "The rule is empty: write, for example, any {name} longer than 20 px -> reject.",
                name=self._names[0] if self._names else "object",
            )
        condition = self._condition()
        if self._take("arrow") is None:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): and, or, or an arrow '
                "with an outcome, -> reject, is expected."
            )
        outcome = self._outcome()
        unsure = None
        if self._take("mark", ",") is not None or self._peek().text.casefold() == "unsure":
            unsure = self._unsure(condition)
        if self._peek().kind != "end":
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): it should end before that.'
            )
        return condition, outcome, unsure

    @property
    def _names(self) -> list[str]:
        return [name for index, name in enumerate(self._labels) if index != self._background]

    def _split(self) -> list[_Token]:
        tokens, place = [], 0
        while place < len(self._text):
            found = _TOKEN.match(self._text, place)
            if found is None:
                start = place + len(self._text[place:]) - len(self._text[place:].lstrip())
                self._tokens, self._next = [_Token("end", "", start)], 0
                if self._text[start] in '"“':
                    raise self._refused(
                        'In the rule "{rule}", at character {column} ({place}): the quotation '
                        "mark is never closed."
                    )
                raise self._refused(
                    'In the rule "{rule}", at character {column} ({place}): this character has '
                    "no meaning in a rule."
                )
            kind = str(found.lastgroup)
            tokens.append(_Token(kind, found[kind], found.start(kind)))
            place = found.end()
        return [*tokens, _Token("end", "", len(self._text))]

    def _peek(self, ahead: int = 0) -> _Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def _take(self, kind: str, *texts: str) -> _Token | None:
        """Take the next token if it is of the kind, and one of the texts where some are given."""
        token = self._peek()
        if token.kind != kind or (texts and token.text.casefold() not in texts):
            return None
        self._next += 1
        return token

    def _words(self, *words: str) -> bool:
        """Take these words if they come next, all of them."""
        for ahead, word in enumerate(words):
            token = self._peek(ahead)
            if token.kind != "word" or token.text.casefold() != word:
                return False
        self._next += len(words)
        return True

    def _refused(self, template: str, /, **params: object) -> PortableError:
        start = self._peek().start
        rest = self._text[start : start + 20]
        return PortableError(
            template,
            rule=self._text if len(self._text) <= 120 else self._text[:120] + "…",
            column=start + 1,
            place=f'"{rest}"' if rest else "…",
            **params,
        )

    def _condition(self) -> Condition:
        parts = [self._all()]
        while self._words("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Combined("or", tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._words("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Combined("and", tuple(parts))

    def _one(self) -> Condition:
        if self._take("mark", "("):
            return self._in_brackets()
        if self._words("any"):
            return Count(self._class(), tests=self._tests())
        if self._words("no"):
            return Count(self._class(), "<", 1, self._tests())
        for words, operator in _COUNT_WORDS:
            if self._words(*words):
                number = self._whole_number()
                return Count(self._class(), operator, number, self._tests())
        if self._words("total", "area", "of"):
            name = self._class()
            operator = self._side() or self._operator()
            return TotalArea(name, operator, *self._amount(AREA_UNITS))
        following = self._peek(1)
        if following.text == "(":
            if self._words("count"):
                name = self._bracketed_class()
                return Count(name, self._operator(), self._whole_number())
            if self._words("area"):
                name = self._bracketed_class()
                return TotalArea(name, self._operator(), *self._amount(AREA_UNITS))
        if following.text == "." and self._peek().kind in ("word", "quoted"):
            return self._dotted()
        raise self._refused(
            'In the rule "{rule}", at character {column} ({place}): a condition is expected, '
            "such as any {name} longer than 20 px.",
            name=self._names[0] if self._names else "object",
        )

    def _in_brackets(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): brackets are nested too '
                "deeply."
            )
        condition = self._condition()
        self._close()
        self._depth -= 1
        return condition

    def _close(self) -> None:
        if not self._take("mark", ")"):
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): a closing bracket is '
                "expected."
            )

    def _bracketed_class(self) -> str | None:
        self._take("mark", "(")
        name = self._class()
        self._close()
        return name

    def _dotted(self) -> Count:
        name = self._class()
        self._take("mark", ".")
        word = self._take("word", *MEASURES)
        if word is None:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): length, width, area or '
                "score is expected."
            )
        return Count(name, tests=(self._measured(_measure(word.text)),))

    def _tests(self) -> tuple[ObjectTest, ...]:
        tests: list[ObjectTest] = []
        while True:
            before = self._next
            if tests and not self._words("and"):
                break
            test = self._test()
            if test is None:
                self._next = before
                break
            tests.append(test)
        return tuple(tests)

    def _test(self) -> ObjectTest | None:
        word = self._take("word", *_COMPARATIVES)
        if word is not None:
            if not self._words("than"):
                raise self._refused(
                    'In the rule "{rule}", at character {column} ({place}): than is expected.'
                )
            measure, operator = _COMPARATIVES[word.text.casefold()]
            return ObjectTest(measure, operator, *self._amount(UNITS[measure]))
        is_with = self._words("with")
        following = self._peek(1)
        is_compared = following.kind == "operator" or following.text.casefold() in _SIDES
        if is_with or is_compared:
            word = self._take("word", *MEASURES)
            if word is not None:
                return self._measured(_measure(word.text))
        if is_with:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): length, width, area or '
                "score is expected."
            )
        return None

    def _measured(self, measure: Measure) -> ObjectTest:
        operator = self._side() or self._operator()
        if measure != "score":
            return ObjectTest(measure, operator, *self._amount(UNITS[measure]))
        start = self._next
        limit = self._number()
        if limit > 1:
            self._next = start
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): a score lies between 0 '
                "and 1."
            )
        return ObjectTest(measure, operator, limit)

    def _class(self) -> str | None:
        start = self._next
        token = self._take("word") or self._take("quoted")
        if token is None:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): the name of a class is '
                "expected, one of {names}.",
                names=self._listed(),
            )
        if token.kind == "word" and token.text.casefold() in ("object", "objects"):
            return None
        name = token.text
        if token.kind == "quoted":
            name = re.sub(r"\\(.)", r"\1", name[1:-1]) if name[0] == '"' else name[1:-1]
        found = self._known(name)
        if found is None:
            self._next = start
            raise self._refused(
                'The rule "{rule}" names {name} at character {column}, which is none of the '
                "classes {names}.",
                name=name[:60],
                names=self._listed(),
            )
        if found == self._background:
            self._next = start
            raise self._refused(
                'The rule "{rule}" names {name} at character {column}, which is the background: '
                "it has no objects. There are {names}.",
                name=name,
                names=self._listed(),
            )
        return self._labels[found]

    def _known(self, name: str) -> int | None:
        plain = [unicodedata.normalize("NFC", label) for label in self._labels]
        if name in plain:
            return plain.index(name)
        alike = [index for index, label in enumerate(plain) if label.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else None

    def _listed(self) -> str:
        names = [name[:40] for name in self._names]
        return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")

    def _operator(self) -> Operator:
        token = self._take("operator")
        if token is None:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): one of > >= < <= is '
                "expected."
            )
        plain = {"≥": ">=", "≤": "<="}.get(token.text, token.text)
        return next(one for one in OPERATORS if one == plain)

    def _side(self) -> Operator | None:
        token = self._take("word", *_SIDES)
        return None if token is None else _SIDES[token.text.casefold()]

    def _number(self) -> float:
        start = self._next
        token = self._take("number")
        if token is None:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): a number is expected.'
            )
        value = float(token.text)
        if value > MOST:
            self._next = start
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): the number is too large.'
            )
        return value

    def _whole_number(self) -> int:
        start = self._next
        value = self._number()
        if value != int(value):
            self._next = start
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): objects are counted in '
                "whole numbers."
            )
        return int(value)

    def _amount(self, units: Sequence[str]) -> tuple[float, str]:
        value = self._number()
        start = self._next
        token = self._take("unit") or self._take("word")
        unit = plain_unit(token.text) if token is not None else ""
        if unit + "2" in units:  # an area of 20 px
            unit += "2" if unit == "px" else ""
        if unit not in units:
            self._next = start
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): a unit is expected, one '
                "of {units}.",
                units=", ".join(units),
            )
        return value, unit

    def _outcome(self) -> RuleOutcome:
        token = self._take("word", *RULE_OUTCOMES)
        if token is None:
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): an outcome is expected: '
                "reject, warn or inconclusive. What no rule applies to is accepted."
            )
        return next(one for one in RULE_OUTCOMES if one == token.text.casefold())

    def _unsure(self, condition: Condition) -> float:
        band = limit_of(condition)
        if not self._words("unsure"):
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): only unsure above, or '
                "unsure below, can follow the comma; decimals have a point."
            )
        start = self._next
        side = self._side()
        if side is None or (band is not None and side != band[0][0]):
            self._next = start
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): {side} is expected, the '
                "side of its limit.",
                side="above" if band is None else SIDE_OF[band[0]],
            )
        if band is None:
            return self._number()  # refused with the whole rule
        if band[2] == "":
            is_count = isinstance(condition, Count) and not condition.tests
            return self._whole_number() if is_count else self._number()
        units = AREA_UNITS if band[2] in AREA_UNITS else UNITS["length"]
        start = self._next
        value, unit = self._amount(units)
        if unit != band[2]:
            self._next = start
            raise self._refused(
                'In the rule "{rule}", at character {column} ({place}): both limits have the '
                "same unit, {unit}.",
                unit=band[2],
            )
        return value


_COUNT_WORDS: Final[tuple[tuple[tuple[str, str], Operator], ...]] = (
    (("more", "than"), ">"),
    (("at", "least"), ">="),
    (("fewer", "than"), "<"),
    (("less", "than"), "<"),
    (("at", "most"), "<="),
)


def _measure(word: str) -> Measure:
    return next(one for one in MEASURES if one == word.casefold())
