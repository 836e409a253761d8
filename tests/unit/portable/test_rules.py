"""The language of rules: what is read, what is refused and how, and back to text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.portable.conditions import (
    MEASURES,
    OPERATORS,
    RULE_OUTCOMES,
    UNITS,
    Combined,
    Count,
    ObjectTest,
    TotalArea,
    limit_of,
)
from core.portable.portable_error import PortableError
from core.portable.quantities import AREA_UNITS
from core.portable.rules import Rule, check_units, parse_rule, parse_rules, unnamed_classes

LABELS = [
    "background",
    "Crack",
    "Blowhole",
    "Deep Scratch",
    "count",
    'we"ird\\',
    "划痕",
    "open-weld",
]


def parsed(text: str) -> Rule:
    return parse_rule(text, LABELS, background=0)


def any_of(name: str | None, *tests: ObjectTest) -> Count:
    return Count(name, tests=tests)


LONG = ObjectTest("length", ">", 2, "mm")


@pytest.mark.parametrize(
    ("text", "condition", "outcome"),
    [
        ("any Crack longer than 2 mm -> reject", any_of("Crack", LONG), "reject"),
        (
            "any Crack wider than 0.1 mm -> reject",
            any_of("Crack", ObjectTest("width", ">", 0.1, "mm")),
            "reject",
        ),
        (
            "any Blowhole larger than 0.5 mm2 -> warn",
            any_of("Blowhole", ObjectTest("area", ">", 0.5, "mm2")),
            "warn",
        ),
        ("more than 3 Blowhole -> reject", Count("Blowhole", ">", 3), "reject"),
        (
            'total area of "Deep Scratch" above 1 % -> warn',
            TotalArea("Deep Scratch", ">", 1, "%"),
            "warn",
        ),
        ("count(Crack) >= 3 -> inconclusive", Count("Crack", ">=", 3), "inconclusive"),
        ("Crack.length > 2 mm -> reject", any_of("Crack", LONG), "reject"),
        ("Crack.score > 0.8 -> reject", any_of("Crack", ObjectTest("score", ">", 0.8)), "reject"),
        ("area(Blowhole) > 0.5 mm2 -> warn", TotalArea("Blowhole", ">", 0.5, "mm2"), "warn"),
        ("no Crack -> warn", Count("Crack", "<", 1), "warn"),
        ("any object -> reject", any_of(None), "reject"),
        ('any "count" -> reject', any_of("count"), "reject"),
        (
            "any Crack longer than 2 mm and wider than 3 px -> reject",
            any_of("Crack", LONG, ObjectTest("width", ">", 3, "px")),
            "reject",
        ),
        (
            "any Crack longer than 2 mm and any Blowhole -> reject",
            Combined("and", (any_of("Crack", LONG), any_of("Blowhole"))),
            "reject",
        ),
        (
            "at least 2 Blowhole larger than 20 px or no Crack and at most 1 划痕 -> warn",
            Combined(
                "or",
                (
                    Count("Blowhole", ">=", 2, (ObjectTest("area", ">", 20, "px2"),)),
                    Combined("and", (Count("Crack", "<", 1), Count("划痕", "<=", 1))),
                ),
            ),
            "warn",
        ),
        # as people type it
        ("ANY crack LONGER THAN 2MM => Reject", any_of("Crack", LONG), "reject"),
        ("any “Deep Scratch” → warn", any_of("Deep Scratch"), "warn"),
        (
            "any open-weld with area ≥ .5 mm² -> warn",
            any_of("open-weld", ObjectTest("area", ">=", 0.5, "mm2")),
            "warn",
        ),
    ],
)
def test_rules_are_read(text, condition, outcome):
    rule = parsed(text)
    assert rule == Rule(condition, outcome)
    assert parsed(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "unsure", "condition"),
    [
        (
            "any Crack longer than 2 mm -> reject, unsure above 1.5 mm",
            1.5,
            any_of("Crack", ObjectTest("length", ">", 1.5, "mm")),
        ),
        (
            "any Crack with score <= 0.5 -> reject, unsure below 0.75",
            0.75,
            any_of("Crack", ObjectTest("score", "<", 0.75)),
        ),
        ("at least 3 Crack -> reject, unsure above 1", 1, Count("Crack", ">", 1)),
        (
            "total area of object above 2 % -> reject, unsure above 1 %",
            1,
            TotalArea(None, ">", 1, "%"),
        ),
    ],
)
def test_a_second_limit_makes_a_band(text, unsure, condition):
    rule = parsed(text)
    assert (rule.unsure, rule.unsure_condition) == (unsure, condition)
    assert str(rule) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "The rule is empty: write, for example, any Crack longer than 20 px -> reject"),
        ("any Crak -> reject", "names Crak at character 5, which is none of the classes Crack, Bl"),
        ("any background -> reject", "which is the background: it has no objects"),
        ("any Crack longer 2 mm -> reject", r"character 18 \(\"2 mm -> reject\"\): than is expe"),
        ("any Crack longer than 2 -> reject", "a unit is expected, one of px, mm"),
        ("any Crack longer than 2 mm2 -> reject", "a unit is expected, one of px, mm"),
        ("any Crack larger than 2 mm -> reject", "a unit is expected, one of px2, mm2, %"),
        ("any Crack longer than two mm -> reject", r"\(\"two mm -> reject\"\): a number is expe"),
        ("any Crack longer than 2,5 mm -> reject", r"character 24 .*: a unit is expected"),
        ("any Crack longer than 2 mm", r"character 27 \(…\): and, or, or an arrow"),
        ("any Crack longer than 2 mm ->", "an outcome is expected"),
        ("any Crack -> accept", "What no rule applies to is accepted"),
        ("any Crack -> reject now", r"\(\"now\"\): it should end before that"),
        ("any Crack -> reject, please", "only unsure above, or unsure below, can follow the comma"),
        ("any -> reject", "the name of a class is expected, one of Crack, Blowhole"),
        ('any "Crack -> reject', "the quotation mark is never closed"),
        ("any Crack ; -> reject", r"character 11 .*: this character has no meaning"),
        ("Crack -> reject", "a condition is expected, such as any Crack longer than 20 px"),
        ("(any Crack -> reject", "a closing bracket is expected"),
        ("more than 2.5 Crack -> warn", "counted in whole numbers"),
        ("more than 99999999999 Crack -> warn", "the number is too large"),
        ("Crack.size > 3 px -> warn", "length, width, area or score is expected"),
        ("any Crack with size > 3 px -> warn", "length, width, area or score is expected"),
        ("Crack.length = 3 px -> warn", "has no meaning"),
        ("Crack.length 3 px -> warn", "one of > >= < <= is expected"),
        ("any Crack with score > 3 -> warn", "a score lies between 0 and 1"),
        (
            "any Crack longer than 2 mm -> warn, unsure above 1 mm",
            "only a rule that rejects by one",
        ),
        ("any Crack and no Blowhole -> reject, unsure above 1", "only a rule that rejects by one"),
        ("any Crack longer than 2 mm -> reject, unsure above 3 mm", "not before its limit of 2"),
        ("any Crack longer than 2 mm -> reject, unsure below 1 mm", "above is expected, the side"),
        ("any Crack longer than 2 mm -> reject, unsure above 9 px", "the same unit, mm"),
    ],
)
def test_errors_say_what_is_wrong_where(text, problem):
    with pytest.raises(PortableError, match=problem):
        parsed(text)


@pytest.mark.parametrize(
    ("texts", "unnamed"),
    [
        ([], []),
        (["any Crack -> reject"], ["Blowhole"]),
        (["any Crack -> reject", "area(Blowhole) > 2 px2 -> warn"], []),
        (["any Crack -> reject", "at least 3 object -> warn"], []),
        (["Crack.length > 2 px and count(Blowhole) > 1 -> reject"], []),
    ],
)
def test_classes_that_no_rule_is_about(texts, unnamed):
    names = ["background", "Crack", "Blowhole"]
    assert unnamed_classes(parse_rules(texts, names, background=0), names[1:]) == unnamed


def test_every_rule_of_the_guide_is_one():
    guide = Path(__file__).parents[3] / "docs" / "guide" / "judging.md"
    labels = ["background", "Crack", "Blowhole", "Deep Scratch", "Screw"]
    blocks = guide.read_text(encoding="utf-8").split("```")[1::2]
    (block,) = (one for one in blocks if one.strip().startswith("any Crack"))
    rules = parse_rules(block.strip().splitlines(), labels, background=0)
    assert [str(one) for one in rules] == block.strip().splitlines()


def test_no_name_of_python_is_ever_looked_up():
    for text in ("__import__('os') -> reject", "any Crack.__class__ -> reject", "1+1 -> reject"):
        with pytest.raises(PortableError):
            parsed(text)


@pytest.mark.parametrize(
    "text",
    [
        "any Crack " * 100_000,
        "(" * 900,
        "(" * 400 + "any Crack" + ")" * 400 + " -> reject",
        "any " + '"' * 900,
        "any Crack longer than " + "9" * 900 + " px -> reject",
        "any " + "\\" * 990,
        "any " + "a-" * 480,
        "-" * 990,
        "9." * 480,
        "\u202eany Crack\u0000 -> reject",
        "any Cra\u0301ck\ud800 -> reject",
        "any {rule} {0.__class__} -> reject",
    ],
)
def test_hostile_text_is_refused_quickly(text):
    start = time.perf_counter()
    with pytest.raises(PortableError) as refused:
        parsed(text)
    assert time.perf_counter() - start < 0.5
    assert len(str(refused.value)) < 1000


PIECES = ["any", "no", "Crack", "(", ")", ".", ">", "2", "mm", "->", "reject", "and", ",", "or"]
PIECES += ["total", "area", "of", "unsure", "above", "longer", "than", "with", "%", '"', "count"]


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
def test_any_text_is_read_or_refused(text):
    try:
        rule = parsed(text)
    except PortableError:
        return
    assert parsed(str(rule)) == rule


names = st.sampled_from([None, *LABELS[1:]])
operators = st.sampled_from(OPERATORS)
numbers = st.floats(0, 1e9, allow_nan=False, allow_subnormal=False) | st.integers(0, 500).map(float)


@st.composite
def object_tests(draw) -> ObjectTest:
    measure = draw(st.sampled_from(MEASURES))
    limit = draw(st.floats(0, 1)) if measure == "score" else draw(numbers)
    return ObjectTest(measure, draw(operators), limit, draw(st.sampled_from(UNITS[measure])))


counts = st.builds(
    Count,
    names,
    operators,
    st.integers(0, 10**9),
    st.lists(object_tests(), max_size=3).map(tuple),
)
totals = st.builds(TotalArea, names, operators, numbers, st.sampled_from(AREA_UNITS))
conditions = st.recursive(
    counts | totals,
    lambda inner: st.builds(
        Combined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=4,
)


@st.composite
def rules(draw) -> Rule:
    condition, outcome = draw(conditions), draw(st.sampled_from(RULE_OUTCOMES))
    band = limit_of(condition)
    unsure = None
    if band is not None and outcome == "reject" and draw(st.booleans()):
        most = 1 if isinstance(condition, Count) and band[2] == "" and condition.tests else 1e9
        is_count = isinstance(condition, Count) and not condition.tests
        operator, limit, _ = band
        least, most = (0, limit) if operator[0] == ">" else (limit, most)
        unsure = draw(st.integers(int(least), int(most)) if is_count else st.floats(least, most))
        if unsure == limit:
            unsure = None
    return Rule(condition, outcome, unsure)


@settings(max_examples=300, deadline=None)
@given(rules())
def test_the_text_of_a_rule_reads_back_to_it(rule):
    text = str(rule)
    if len(text) <= 1000:
        assert parsed(text) == rule


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=4, unique_by=str.casefold))
def test_every_name_can_be_written(labels):
    for name in labels:
        rule = Rule(Count(name), "reject")
        try:
            assert parse_rule(str(rule), labels) == rule
        except PortableError as error:
            assert "is none of the classes" not in str(error), rule


def test_names_that_differ_in_case_alone_are_told_apart():
    labels = ["ok", "CRACK", "Crack"]
    assert parse_rule("any Crack -> warn", labels).condition == Count("Crack")
    with pytest.raises(PortableError, match="names crack at"):
        parse_rule("any crack -> warn", labels)


def test_empty_lines_and_remarks_of_a_file_of_rules_are_passed_over():
    lines = ["# agreed on with quality", "", "any Crack -> reject", "  no 划痕 -> warn "]
    assert [str(one) for one in parse_rules(lines, LABELS)] == [
        "any Crack -> reject",
        "no 划痕 -> warn",
    ]


@pytest.mark.parametrize("text", ["any Crack longer than 2 mm", "area(Crack) > 1 mm2"])
def test_millimetres_need_the_size_of_a_pixel(text):
    rule = parsed(f"any Crack or {text} -> reject")
    check_units([rule], 0.1)
    with pytest.raises(PortableError, match="the size of a pixel is not known: set it, or write"):
        check_units([rule], None)
    check_units([parsed("any Crack longer than 2 px -> reject")], None)
