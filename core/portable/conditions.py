"""What a rule asks of the objects of an image, as data, and in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from .objects import FoundObject
from .quantities import Quantity, rounded

Operator: TypeAlias = Literal[">", ">=", "<", "<="]
Measure: TypeAlias = Literal["length", "width", "area", "score"]
OPERATORS: Final[tuple[Operator, ...]] = (">", ">=", "<", "<=")
MEASURES: Final[tuple[Measure, ...]] = ("length", "width", "area", "score")
#: What a rule can make of an image; what none applies to is accepted.
RuleOutcome: TypeAlias = Literal["warn", "inconclusive", "reject"]
RULE_OUTCOMES: Final[tuple[RuleOutcome, ...]] = ("reject", "warn", "inconclusive")
#: Units by measure, the first one where there is no pixel size.
UNITS: Final[dict[Measure, tuple[str, ...]]] = {
    "length": ("px", "mm"),
    "width": ("px", "mm"),
    "area": ("px2", "mm2", "%"),
    "score": ("",),
}
#: Words of the language; classes of these names stand in quotes.
WORDS: Final = frozenset(
    {"any", "object", "objects", "no", "more", "fewer", "less", "than", "at", "least", "most"}
    | {"total", "area", "of", "above", "below", "and", "or", "with", "unsure", "count", "length"}
    | {"width", "score", "longer", "shorter", "wider", "narrower", "larger", "smaller", "reject"}
    | {"warn", "inconclusive", "accept"}
)
#: On which side of a limit an operator's values lie.
SIDE_OF: Final[dict[Operator, str]] = {
    ">": "above",
    ">=": "above",
    "<": "below",
    "<=": "below",
}
_BARE: Final = re.compile(r"[^\W\d]\w*(?:-\w+)*\Z")
_COMPARATIVES: Final[dict[tuple[Measure, Operator], str]] = {
    ("length", ">"): "longer than",
    ("length", "<"): "shorter than",
    ("width", ">"): "wider than",
    ("width", "<"): "narrower than",
    ("area", ">"): "larger than",
    ("area", "<"): "smaller than",
}
_ATTRIBUTES: Final[dict[tuple[Measure, str], str]] = {
    (measure, unit): f"{measure}_{unit.removesuffix('2') if unit == 'px2' else unit}"
    for measure, units in UNITS.items()
    for unit in units
}
_COUNTS: Final[dict[Operator, str]] = {
    ">": "more than",
    ">=": "at least",
    "<": "fewer than",
    "<=": "at most",
}


def holds(value: float, operator: Operator, limit: float) -> bool:
    """Whether ``value operator limit``."""
    if operator == ">":
        return value > limit
    if operator == ">=":
        return value >= limit
    return value < limit if operator == "<" else value <= limit


def quoted(name: str | None) -> str:
    """Return the name of a class as rules hold it; None is any class: ``object``."""
    if name is None:
        return "object"
    if _BARE.match(name) and name.casefold() not in WORDS:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class ObjectTest:
    """What is asked of one object.

    Attributes:
        measure: of the object.
        operator: how it compares.
        limit: with what.
        unit: of the limit; ``%`` is the share of the inspected area, scores have none.
    """

    measure: Measure
    operator: Operator
    limit: float
    unit: str = ""

    def __str__(self) -> str:
        limit = str(Quantity(self.limit, self.unit))
        words = _COMPARATIVES.get((self.measure, self.operator))
        return f"{words} {limit}" if words else f"with {self.measure} {self.operator} {limit}"

    def value(self, one: FoundObject, inspected_px: int) -> float:
        """Return the measure of an object in the unit of the limit."""
        if self.measure == "score":
            return 1.0 if one.score is None else one.score
        if self.unit == "%":
            return 100 * one.area_px / max(inspected_px, 1)
        value: float | None = getattr(one, _ATTRIBUTES[self.measure, self.unit])
        assert value is not None  # units were checked before
        return value


@dataclass(frozen=True, slots=True)
class Count:
    """So many objects of a class fulfil every test.

    Attributes:
        class_name: None for every class but the background.
        operator: how the number of objects compares.
        number: with what.
        tests: of each object; none of them: all objects count.
    """

    class_name: str | None
    operator: Operator = ">="
    number: int = 1
    tests: tuple[ObjectTest, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether one object is enough."""
        return (self.operator, self.number) in ((">=", 1), (">", 0))

    @property
    def counted(self) -> str:
        """What is counted, in words."""
        return " ".join(
            [quoted(self.class_name), " and ".join(str(one) for one in self.tests)]
        ).strip()

    def __str__(self) -> str:
        if self.operator == ">=" and self.number == 1:
            return f"any {self.counted}"
        if self.operator == "<" and self.number == 1:
            return f"no {self.counted}"
        return f"{_COUNTS[self.operator]} {self.number} {self.counted}"


@dataclass(frozen=True, slots=True)
class TotalArea:
    """The objects of a class together are so large.

    Attributes:
        class_name: None for every class but the background.
        operator: how their area compares.
        limit: with what.
        unit: of the limit; ``%`` is the share of the inspected area.
    """

    class_name: str | None
    operator: Operator
    limit: float
    unit: str

    def __str__(self) -> str:
        limit = str(Quantity(self.limit, self.unit))
        if self.operator in (">", "<"):
            word = "above" if self.operator == ">" else "below"
            return f"total area of {quoted(self.class_name)} {word} {limit}"
        return f"area({quoted(self.class_name)}) {self.operator} {limit}"


@dataclass(frozen=True, slots=True)
class Combined:
    """Several conditions.

    Attributes:
        word: ``and``: all of them hold; ``or``: one at least.
        parts: two or more.
    """

    word: Literal["and", "or"]
    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        texts = [f"({part})" if isinstance(part, Combined) else str(part) for part in self.parts]
        return f" {self.word} ".join(texts)


Condition: TypeAlias = Count | TotalArea | Combined


def single_conditions(condition: Condition) -> list[Count | TotalArea]:
    """Return the conditions of which one consists, in their order."""
    if isinstance(condition, Combined):
        return [one for part in condition.parts for one in single_conditions(part)]
    return [condition]


def limit_of(condition: Condition) -> tuple[Operator, float, str] | None:
    """Return operator, limit and unit of a condition that has one limit alone; else None."""
    if isinstance(condition, Combined):
        return None
    if isinstance(condition, TotalArea):
        return condition.operator, condition.limit, condition.unit
    if not condition.tests:
        return condition.operator, condition.number, ""
    if len(condition.tests) == 1 and condition.is_any:
        test = condition.tests[0]
        return test.operator, test.limit, test.unit
    return None


def selected(objects: Sequence[FoundObject], class_name: str | None) -> list[FoundObject]:
    """Return the objects of a class, or all of them."""
    return [one for one in objects if class_name in (None, one.name)]


def total_area(condition: TotalArea, objects: Sequence[FoundObject], inspected_px: int) -> float:
    """Return the area of a class's objects in the unit of the limit."""
    of_class = selected(objects, condition.class_name)
    pixels = sum(one.area_px for one in of_class)
    if condition.unit == "%":
        return 100 * pixels / max(inspected_px, 1)
    if condition.unit == "px2" or not of_class:
        return pixels
    size = of_class[0].pixel_size_mm
    assert size is not None  # units were checked before
    return rounded(pixels * size * size)


def passing(
    condition: Count, objects: Sequence[FoundObject], inspected_px: int
) -> list[FoundObject]:
    """Return the objects that a condition counts."""
    return [
        one
        for one in selected(objects, condition.class_name)
        if all(
            holds(test.value(one, inspected_px), test.operator, test.limit)
            for test in condition.tests
        )
    ]


def is_fulfilled(condition: Condition, objects: Sequence[FoundObject], inspected_px: int) -> bool:
    """Whether a condition holds for the objects of an image."""
    if isinstance(condition, Combined):
        results = (is_fulfilled(part, objects, inspected_px) for part in condition.parts)
        return all(results) if condition.word == "and" else any(results)
    if isinstance(condition, TotalArea):
        value = total_area(condition, objects, inspected_px)
        return holds(value, condition.operator, condition.limit)
    count = len(passing(condition, objects, inspected_px))
    return holds(count, condition.operator, condition.number)
