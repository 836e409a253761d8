"""Rules that decide about an image: a condition, and what it makes of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .conditions import (
    SIDE_OF,
    Combined,
    Condition,
    Count,
    ObjectTest,
    Operator,
    RuleOutcome,
    TotalArea,
    limit_of,
    single_conditions,
)
from .portable_error import PortableError
from .quantities import Quantity, number_text
from .rule_parser import RuleParser


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``str`` gives the text that ``parse_rule`` reads back to the same rule.

    Attributes:
        condition: when it applies.
        outcome: what the image is then.
        unsure: a second limit, of rules that reject by a single limit: between the two the image is
            inconclusive.

    Raises:
        PortableError: the second limit does not go with the rest.
    """

    condition: Condition
    outcome: RuleOutcome
    unsure: float | None = None

    def __post_init__(self) -> None:
        if self.unsure is not None:
            self._check_unsure(self.unsure)

    def _check_unsure(self, unsure: float) -> None:
        band = limit_of(self.condition)
        if band is None or self.outcome != "reject":
            raise PortableError(
                'The rule "{rule}" cannot have a limit for "unsure": only a rule that rejects by '
                "one limit alone has a band where it is unsure.",
                rule=f"{self.condition} -> {self.outcome}",
            )
        operator, limit, _ = band
        beyond = unsure >= limit if operator in (">", ">=") else unsure <= limit
        if beyond:
            raise PortableError(
                'The rule "{rule}" is unsure from {unsure} on, which is not before its limit of '
                "{limit}.",
                rule=f"{self.condition} -> {self.outcome}",
                unsure=number_text(unsure),
                limit=number_text(limit),
            )

    def __str__(self) -> str:
        text = f"{self.condition} -> {self.outcome}"
        band = limit_of(self.condition)
        if self.unsure is None or band is None:
            return text
        return f"{text}, unsure {SIDE_OF[band[0]]} {Quantity(self.unsure, band[2])}"

    @property
    def unsure_condition(self) -> Condition | None:
        """The condition with the second limit in place of the first; None without one."""
        if self.unsure is None or isinstance(self.condition, Combined):
            return None
        band = limit_of(self.condition)
        strict: Operator = ">" if band is None or band[0] in (">", ">=") else "<"
        if isinstance(self.condition, TotalArea):
            one = self.condition
            return TotalArea(one.class_name, strict, self.unsure, one.unit)
        if not self.condition.tests:
            return Count(self.condition.class_name, strict, int(self.unsure))
        test = self.condition.tests[0]
        return Count(
            self.condition.class_name,
            tests=(ObjectTest(test.measure, strict, self.unsure, test.unit),),
        )

    @property
    def units(self) -> set[str]:
        """Units that its limits have."""
        found = set()
        for one in single_conditions(self.condition):
            found |= {one.unit} if isinstance(one, TotalArea) else {test.unit for test in one.tests}
        return found - {""}


def parse_rule(text: str, labels: Sequence[str], *, background: int | None = None) -> Rule:
    """Read a rule.

    Args:
        text: one rule.
        labels: class names.
        background: class id of which no objects are made, or None.

    Raises:
        PortableError: what is wrong where, in one sentence.
    """
    return Rule(*RuleParser(text, labels, background).parse())


def parse_rules(
    texts: Sequence[str], labels: Sequence[str], *, background: int | None = None
) -> tuple[Rule, ...]:
    """Read several rules; lines that are empty or begin with ``#`` are passed over."""
    lines = (text.strip() for text in texts)
    return tuple(
        parse_rule(line, labels, background=background)
        for line in lines
        if line and not line.startswith("#")
    )


def unnamed_classes(rules: Sequence[Rule], names: Sequence[str]) -> list[str]:
    """Return those of some classes that no rule looks at; without rules each of them counts."""
    seen = {one.class_name for rule in rules for one in single_conditions(rule.condition)}
    return [] if not rules or None in seen else [name for name in names if name not in seen]


def check_units(rules: Sequence[Rule], pixel_size_mm: float | None) -> None:
    """Refuse rules in millimetres where the size of a pixel is not known.

    Raises:
        PortableError: there is one.
    """
    for rule in rules:
        if pixel_size_mm is None and rule.units & {"mm", "mm2"}:
            raise PortableError(
                'The rule "{rule}" is in millimetres, and the size of a pixel is not known: set '
                "it, or write the rule in px.",
                rule=rule,
            )
