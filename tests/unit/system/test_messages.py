"""Sentences with places: counted things have two forms."""

from __future__ import annotations

import pytest

from core.system.errors import InputError
from core.system.messages import fill, message


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 files are"), (1, "1 file is"), ("1,200", "1,200 files are")]
)
def test_one_and_several(count, text):
    assert fill("{count} {count:file is|files are}", {"count": count}) == text


def test_other_places_beside_counted_ones():
    filled = fill("{share:.1f} % of {n:,} {n:pixel|pixels}, {{so}}", {"share": 2.25, "n": 4100})
    assert filled == "2.2 % of 4,100 pixels, {so}"


def test_an_error_of_one_thing():
    error = InputError("{count} {count:mask has|masks have} no image.", count=1)
    assert str(error) == "1 mask has no image."
    assert str(message(error.message.template, count=2)) == "2 masks have no image."


def test_a_place_that_is_not_given_is_refused():
    with pytest.raises(KeyError):
        fill("{count} {count:file|files} of {folder}", {"count": 1})
