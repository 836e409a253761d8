"""Data sets and models that do not mean the same classes."""

from __future__ import annotations

import pytest

from core.data.class_names import compare_class_names
from core.system.errors import InputError


@pytest.mark.parametrize(
    ("data", "model"),
    [
        (["背景", "a"], ["背景", "a"]),
        (["Background", " a"], ["background", "A"]),
        (["背景", "a"], ["0", "1"]),
    ],
)
def test_the_same_classes(data, model):
    assert compare_class_names(data, model) is None


def test_other_names_are_a_warning():
    warning = compare_class_names(["背景", "car"], ["背景", "tree"])
    assert warning is not None
    assert warning.params == {"index": 1, "data": "car", "model": "tree"}


@pytest.mark.parametrize("data", [["b", "a", "c"], ["a", "c", "d"], ["d", "b", "a"]])
def test_a_class_at_another_index_is_refused(data):
    with pytest.raises(InputError, match=r"model's order \(a, b, c\)"):
        compare_class_names(data, ["a", "b", "c"])
