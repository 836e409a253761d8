"""Numbers with units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.portable.portable_error import PortableError
from core.portable.quantities import Quantity, area_of, number_text, rounded


@given(st.floats(0, 1e9, allow_nan=False))
def test_numbers_read_back(value):
    assert float(number_text(value)) == value
    assert "e" not in number_text(value)


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("20 px2", Quantity(20, "px2")),
        ("20px", Quantity(20, "px2")),
        (" 0.5 mm² ", Quantity(0.5, "mm2")),
        (12, Quantity(12, "px2")),
        (2.5, Quantity(2.5, "px2")),
        ("7", Quantity(7, "px2")),
    ],
)
def test_areas_are_read(text, area):
    assert area_of(text, "minimum_area") == area
    assert area_of(str(area), "minimum_area") == area


@pytest.mark.parametrize(
    "text", ["", "mm2", "-3 px", -3, True, None, "3 mm", "1 %", "nan", "inf px2", "1e3 px2", [3]]
)
def test_what_is_no_area_is_refused(text):
    with pytest.raises(PortableError, match=r"minimum_area is .*: give an area such as 20 px2"):
        area_of(text, "minimum_area")


def test_too_large_an_area_is_refused():
    with pytest.raises(PortableError, match="too large"):
        area_of("9999999999999 px2", "fill_holes")


def test_products_are_rounded_as_people_would():
    assert rounded(3 * 0.1) == 0.3
