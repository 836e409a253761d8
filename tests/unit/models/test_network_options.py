"""The window's table of networks against the networks themselves."""

from __future__ import annotations

import inspect
from typing import get_args

import pytest

from core import seg
from core.advice import presets
from core.models.catalog import ModelName
from core.models.network_options import NETWORK_OPTIONS, STRENGTHS

OPTIONS = [(name, option) for name, options in NETWORK_OPTIONS.items() for option in options]


def test_every_network_has_a_cost_and_a_strength() -> None:
    assert set(STRENGTHS) == set(presets.NETWORKS) == set(get_args(ModelName))


@pytest.mark.parametrize(("model", "option"), OPTIONS, ids=lambda x: getattr(x, "name", x))
def test_options_are_the_constructors(model, option) -> None:
    parameter = inspect.signature(seg.model_class(model)).parameters[option.name]
    assert option.default == parameter.default
    assert type(option.default) is type(parameter.default)
    assert option.default in [value for value, _ in option.choices]


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [(m, o.name, value) for m, o in OPTIONS for value, _ in o.choices if value != o.default],
)
def test_every_offered_value_builds_a_network(model, name, value) -> None:
    built = seg.create(model, num_classes=2, **{name: value})
    assert built.init_params[name] == value
