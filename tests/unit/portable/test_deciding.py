"""Decisions: the worst outcome wins, doubts go to a person, and reasons hold the numbers."""

from __future__ import annotations

import re

import pytest

from core.portable import deciding
from core.portable.deciding import OUTCOMES, decide, worst
from core.portable.objects import FoundObject
from core.portable.portable_error import PortableError
from core.portable.rules import parse_rules

LABELS = ["background", "Crack", "Blowhole"]


def crack(length: float = 10, *, score: float | None = 0.9, name: str = "Crack", **more):
    values = {"area_px": int(length * 2), "length_px": length, "width_px": 2.0, "angle": 0.0}
    values |= {"center": (1, 1), "box": (0, 0, 2, 2), "pixel_size_mm": 0.1} | more
    return FoundObject(class_id=LABELS.index(name), name=name, score=score, **values)


def decided(objects, *rules: str, **more):
    options = {"inspected_px": 1000, "pixel_size_mm": 0.1} | more
    return decide(objects, parse_rules(rules, LABELS, background=0), **options)


def texts(decision) -> list[str]:
    return [str(reason) for reason in decision.reasons]


def test_without_rules_any_object_rejects():
    assert decided([]).outcome == "accept"
    found = decided([crack(), crack(), crack(name="Blowhole")])
    assert found.outcome == "reject"
    assert texts(found) == ["Found: Crack (2)", "Found: Blowhole (1)"]
    assert found.reasons[0].rule is None


def test_without_background_and_rules_a_person_decides():
    found = decided([crack()], has_background=False)
    assert found.outcome == "inconclusive"
    assert decided([crack()], "any Blowhole -> reject", has_background=False).outcome == "accept"


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        (["any Crack -> warn"], "warn"),
        (["any Crack -> warn", "any Crack -> inconclusive"], "inconclusive"),
        (["any Crack -> reject", "any Crack -> warn", "any Crack -> inconclusive"], "reject"),
        (["any Blowhole -> reject"], "accept"),
        (["no Blowhole -> reject"], "reject"),
        (["any Crack and any Blowhole -> reject"], "accept"),
        (["any Crack or any Blowhole -> reject"], "reject"),
    ],
)
def test_the_worst_outcome_wins(rules, outcome):
    assert decided([crack()], *rules).outcome == outcome


def test_outcomes_are_ordered():
    assert worst([]) == "accept"
    assert worst(["warn", "reject", "inconclusive"]) == "reject"
    assert OUTCOMES == ("accept", "warn", "inconclusive", "reject")


@pytest.mark.parametrize(
    ("length", "outcome"),
    [(14, "accept"), (15, "accept"), (16, "inconclusive"), (20, "inconclusive"), (21, "reject")],
)
def test_between_two_limits_a_person_decides(length, outcome):
    rule = "any Crack longer than 2 mm -> reject, unsure above 1.5 mm"
    assert decided([crack(length)], rule).outcome == outcome


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("any Crack longer than 2 mm -> reject", "Crack of 3.1 mm is longer than 2 mm"),
        ("any object longer than 9 px -> reject", "Crack of 31 px and 2 more are longer than 9 px"),
        ("Crack.width >= 2 px -> warn", "Crack of 2 px and 1 more are 2 px wide or wider"),
        (
            "any Blowhole smaller than 0.5 mm2 -> warn",
            "Blowhole of 0.2 mm² is smaller than 0.5 mm²",
        ),
        ("any Crack with score > 0.8 -> warn", "Crack has a score of 0.95, above 0.8"),
        ("more than 1 Crack -> warn", "2 × Crack, more than 1"),
        ("at most 2 Crack longer than 30 px -> warn", "1 × Crack longer than 30 px, 2 or fewer"),
        ("no Crack longer than 99 px -> warn", "Nothing found of this: Crack longer than 99 px"),
        ("total area of Crack above 1 % -> warn", "Crack: 8.2 % together, more than 1 %"),
        ("area(object) >= 1 mm2 -> warn", "object: 1.02 mm² together, 1 mm² or more"),
    ],
)
def test_reasons_hold_the_numbers(rule, reason):
    objects = [crack(31, score=0.95), crack(10, score=0.7), crack(10, name="Blowhole", score=0.7)]
    found = decided(objects, rule)
    assert texts(found) == [reason]
    assert found.reasons[0].rule is not None


def test_a_value_is_told_apart_from_its_limit():
    found = decided([crack(20.0009)], "any Crack longer than 2 mm -> reject")
    assert texts(found) == ["Crack of 2.0001 mm is longer than 2 mm"]


def test_all_tests_are_about_the_same_object():
    objects = [crack(30, width_px=1.0), crack(5, width_px=9.0)]
    rule = "any Crack longer than 20 px and wider than 5 px -> reject"
    assert decided(objects, rule).outcome == "accept"
    split = "any Crack longer than 20 px and any Crack wider than 5 px -> reject"
    assert texts(decided(objects, split)) == [
        "Crack of 30 px is longer than 20 px",
        "Crack of 9 px is wider than 5 px",
    ]
    both = [*objects, crack(30, width_px=9.0)]
    assert texts(decided(both, rule)) == ["Found: Crack longer than 20 px and wider than 5 px (1)"]


@pytest.mark.parametrize(
    ("scores", "rule", "outcome"),
    [
        ([0.4], "any Crack -> reject", "inconclusive"),
        ([0.4, 0.6], "any Crack -> reject", "reject"),
        ([0.4, 0.6], "at least 2 Crack -> reject", "inconclusive"),
        ([0.4], "any Crack longer than 99 px -> reject", "accept"),
        ([0.4], "any Crack -> warn", "warn"),
        ([0.4], "no Crack -> reject", "inconclusive"),  # perhaps it is missing
        ([], "no Crack -> reject", "reject"),
        ([0.6], "no Crack -> reject", "accept"),
        ([None], "any Crack -> reject", "reject"),
    ],
)
def test_objects_of_low_scores_cannot_reject(scores, rule, outcome):
    found = decided([crack(score=score) for score in scores], rule, inconclusive_below=0.5)
    assert found.outcome == outcome
    assert all(one.is_doubtful for one in found.reasons if one.outcome == "inconclusive")


def test_objects_of_low_scores_cannot_reject_without_rules_either():
    assert decided([crack(score=0.4)], inconclusive_below=0.5).outcome == "inconclusive"
    both = decided([crack(score=0.4), crack(name="Blowhole")], inconclusive_below=0.5)
    assert both.outcome == "reject"
    assert texts(both) == ["Found: Crack (1) (low score)", "Found: Blowhole (1)"]


def test_shares_are_of_the_inspected_area():
    rule = "any Crack larger than 10 % -> reject"
    assert decided([crack(30)], rule, inspected_px=1000).outcome == "accept"
    assert decided([crack(30)], rule, inspected_px=500).outcome == "reject"
    assert decided([], rule, inspected_px=0).outcome == "accept"


def test_millimetres_without_the_size_of_a_pixel_are_refused():
    with pytest.raises(PortableError, match="size of a pixel is not known"):
        decided([], "any Crack longer than 2 mm -> reject", pixel_size_mm=None)


def test_every_sentence_can_be_filled():
    places = {"name", "value", "limit", "others", "count"}
    tables = [*deciding._TOTALS.values(), *deciding._COUNTS.values()]
    tables += [text for pair in deciding._TESTS.values() for text in pair]
    for text in tables:
        assert set(re.findall(r"{(\w+)}", text)) <= places
