"""Accept, warn, inconclusive or reject: what the objects of an image come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from .conditions import (
    Combined,
    Condition,
    Count,
    ObjectTest,
    Operator,
    TotalArea,
    is_fulfilled,
    passing,
    quoted,
    total_area,
)
from .objects import FoundObject
from .quantities import number_text
from .rules import Rule, check_units

Outcome: TypeAlias = Literal["accept", "warn", "inconclusive", "reject"]
#: From the best to the worst.
OUTCOMES: Final[tuple[Outcome, ...]] = ("accept", "warn", "inconclusive", "reject")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an image is not accepted: one sentence.

    Attributes:
        template: English sentence with ``{name}`` places.
        params: what goes into the places.
        outcome: what it makes of the image.
        rule: text of the rule that applies, None where it is none.
        is_doubtful: whether it depends on objects of low scores.
    """

    template: str
    params: Mapping[str, Any] = field(default_factory=dict)
    outcome: Outcome = "reject"
    rule: str | None = None
    is_doubtful: bool = False

    def __str__(self) -> str:
        sentence = self.template.format(**self.params)
        return f"{sentence} (low score)" if self.is_doubtful else sentence


@dataclass(frozen=True, slots=True)
class Decision:
    """What an image is.

    Attributes:
        outcome: the worst that its reasons say.
        reasons: in the order of the rules; empty for an accepted image.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the worst of some outcomes; ``accept`` for none."""
    return max(outcomes, key=OUTCOMES.index, default="accept")


def decide(
    objects: Sequence[FoundObject],
    rules: Sequence[Rule],
    *,
    inspected_px: int,
    has_background: bool = True,
    pixel_size_mm: float | None = None,
    inconclusive_below: float | None = None,
) -> Decision:
    """Decide about an image by its objects.

    The worst outcome of all rules counts: reject, inconclusive, warn, accept. Without rules any
    object rejects. Objects whose mean score is below ``inconclusive_below`` are doubtful: where it
    depends on them alone whether a rule rejects, the image is inconclusive; rules that warn do so.

    Args:
        objects: what was found.
        rules: in the order of their reasons.
        inspected_px: pixels of the image that are inspected: of these, ``%`` is a share.
        has_background: False where every class is something, so that no rules decide nothing.
        pixel_size_mm: side of a pixel, None where it is not known.
        inconclusive_below: 0 … 1, or None.

    Raises:
        PortableError: a rule is in millimetres, and the size of a pixel is not known.
    """
    check_units(rules, pixel_size_mm)
    if not rules:
        if not has_background:
            nothing = template("No class is the background, and there are no rules to decide by.")
            return Decision("inconclusive", (Reason(nothing, {}, "inconclusive"),))
        found = dict.fromkeys(one.name for one in objects)
        rules = [Rule(Count(name), "reject") for name in found]
        texts: list[str | None] = [None] * len(rules)
    else:
        texts = [str(rule) for rule in rules]
    sure = [
        one
        for one in objects
        if inconclusive_below is None or one.score is None or one.score >= inconclusive_below
    ]
    reasons = [
        replace(reason, rule=text)
        for rule, text in zip(rules, texts, strict=True)
        for reason in _applied(rule, objects, sure, inspected_px)
    ]
    return Decision(worst([reason.outcome for reason in reasons]), tuple(reasons))


def template(text: str) -> str:
    """Mark a sentence for translation."""
    return text


def _applied(
    rule: Rule, objects: Sequence[FoundObject], sure: Sequence[FoundObject], inspected_px: int
) -> list[Reason]:
    """Return why a rule applies; nothing where it does not."""
    with_all = is_fulfilled(rule.condition, objects, inspected_px)
    with_sure = with_all
    if len(sure) < len(objects):
        with_sure = is_fulfilled(rule.condition, sure, inspected_px)
    if with_all and with_sure:
        return _reasons(rule.condition, sure, inspected_px, rule.outcome)
    if with_all or with_sure:
        shown = objects if with_all else sure
        if rule.outcome != "reject":
            return _reasons(rule.condition, shown, inspected_px, rule.outcome)
        reasons = _reasons(rule.condition, shown, inspected_px, "inconclusive")
        return [replace(reason, is_doubtful=True) for reason in reasons]
    between = rule.unsure_condition
    if between is not None and is_fulfilled(between, objects, inspected_px):
        return _reasons(between, objects, inspected_px, "inconclusive")
    return []


def _reasons(
    condition: Condition, objects: Sequence[FoundObject], inspected_px: int, outcome: Outcome
) -> list[Reason]:
    """Say why a condition holds."""
    if isinstance(condition, Combined):
        return [
            reason
            for part in condition.parts
            if is_fulfilled(part, objects, inspected_px)
            for reason in _reasons(part, objects, inspected_px, outcome)
        ]
    if isinstance(condition, TotalArea):
        value = total_area(condition, objects, inspected_px)
        sentence = _TOTALS[condition.operator]
        params = _compared(value, condition.limit, condition.unit)
        return [Reason(sentence, {"name": _spoken(condition.class_name), **params}, outcome)]
    found = passing(condition, objects, inspected_px)
    if condition.is_any and len(condition.tests) == 1:
        return [_extreme(condition, condition.tests[0], found, inspected_px, outcome)]
    params = {"count": len(found), "limit": condition.number, "name": _counted(condition)}
    if condition.is_any:
        sentence = template("Found: {name} ({count})")
    elif not found:
        sentence = template("Nothing found of this: {name}")
    else:
        sentence = _COUNTS[condition.operator]
    return [Reason(sentence, params, outcome)]


def _extreme(
    condition: Count,
    test: ObjectTest,
    found: Sequence[FoundObject],
    inspected_px: int,
    outcome: Outcome,
) -> Reason:
    """Name the object that fulfils a test most, and how many others do."""
    is_above = test.operator in (">", ">=")
    pick = max if is_above else min
    one = pick(found, key=lambda each: test.value(each, inspected_px))
    params = _compared(test.value(one, inspected_px), test.limit, test.unit)
    params |= {"name": one.name, "others": len(found) - 1}
    several = len(found) > 1
    return Reason(_TESTS[test.measure, test.operator][several], params, outcome)


def _counted(condition: Count) -> str:
    if not condition.tests:
        return _spoken(condition.class_name)
    return condition.counted


def _spoken(name: str | None) -> str:
    return quoted(None) if name is None else name


def _compared(value: float, limit: float, unit: str) -> dict[str, Any]:
    """Return value and limit as texts; the value with as many digits as tell them apart."""
    for digits in range(3, 10):
        shown = float(f"{value:.{digits}g}")
        if shown != limit or value == limit:
            break
    space = "" if unit == "" else " "
    spoken = unit.replace("2", "²")
    return {
        "value": f"{number_text(shown)}{space}{spoken}",
        "limit": f"{number_text(limit)}{space}{spoken}",
    }


_TOTALS: Final[dict[Operator, str]] = {
    ">": template("{name}: {value} together, more than {limit}"),
    ">=": template("{name}: {value} together, {limit} or more"),
    "<": template("{name}: {value} together, less than {limit}"),
    "<=": template("{name}: {value} together, {limit} or less"),
}
_COUNTS: Final[dict[Operator, str]] = {
    ">": template("{count} × {name}, more than {limit}"),
    ">=": template("{count} × {name}, {limit} or more"),
    "<": template("{count} × {name}, fewer than {limit}"),
    "<=": template("{count} × {name}, {limit} or fewer"),
}
#: One object, and several of which the most extreme is named.
_TESTS: Final[dict[tuple[str, Operator], tuple[str, str]]] = {
    ("length", ">"): (
        template("{name} of {value} is longer than {limit}"),
        template("{name} of {value} and {others} more are longer than {limit}"),
    ),
    ("length", ">="): (
        template("{name} of {value} is {limit} long or longer"),
        template("{name} of {value} and {others} more are {limit} long or longer"),
    ),
    ("length", "<"): (
        template("{name} of {value} is shorter than {limit}"),
        template("{name} of {value} and {others} more are shorter than {limit}"),
    ),
    ("length", "<="): (
        template("{name} of {value} is {limit} long or shorter"),
        template("{name} of {value} and {others} more are {limit} long or shorter"),
    ),
    ("width", ">"): (
        template("{name} of {value} is wider than {limit}"),
        template("{name} of {value} and {others} more are wider than {limit}"),
    ),
    ("width", ">="): (
        template("{name} of {value} is {limit} wide or wider"),
        template("{name} of {value} and {others} more are {limit} wide or wider"),
    ),
    ("width", "<"): (
        template("{name} of {value} is narrower than {limit}"),
        template("{name} of {value} and {others} more are narrower than {limit}"),
    ),
    ("width", "<="): (
        template("{name} of {value} is {limit} wide or narrower"),
        template("{name} of {value} and {others} more are {limit} wide or narrower"),
    ),
    ("area", ">"): (
        template("{name} of {value} is larger than {limit}"),
        template("{name} of {value} and {others} more are larger than {limit}"),
    ),
    ("area", ">="): (
        template("{name} of {value} is {limit} large or larger"),
        template("{name} of {value} and {others} more are {limit} large or larger"),
    ),
    ("area", "<"): (
        template("{name} of {value} is smaller than {limit}"),
        template("{name} of {value} and {others} more are smaller than {limit}"),
    ),
    ("area", "<="): (
        template("{name} of {value} is {limit} large or smaller"),
        template("{name} of {value} and {others} more are {limit} large or smaller"),
    ),
    ("score", ">"): (
        template("{name} has a score of {value}, above {limit}"),
        template("{name} with a score of {value} and {others} more are above {limit}"),
    ),
    ("score", ">="): (
        template("{name} has a score of {value}, {limit} or more"),
        template("{name} with a score of {value} and {others} more have {limit} or more"),
    ),
    ("score", "<"): (
        template("{name} has a score of {value}, below {limit}"),
        template("{name} with a score of {value} and {others} more are below {limit}"),
    ),
    ("score", "<="): (
        template("{name} has a score of {value}, {limit} or less"),
        template("{name} with a score of {value} and {others} more have {limit} or less"),
    ),
}
