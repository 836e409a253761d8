from __future__ import annotations

import json

import pytest

from core.compression.quantization.config import QuantConfig
from core.system.errors import InputError

PADDLEX = {
    "weight_preprocess_type": None,
    "activation_preprocess_type": None,
    "weight_quantize_type": "channel_wise_abs_max",
    "activation_quantize_type": "moving_average_abs_max",
    "weight_bits": 8,
    "activation_bits": 8,
    "dtype": "int8",
    "window_size": 10000,
    "moving_rate": 0.9,
    "quantizable_layer_type": ["Conv2D", "Linear"],
}


def test_the_defaults_are_those_of_paddlex():
    assert QuantConfig.parse(None).to_dict() == PADDLEX
    assert QuantConfig.parse({}) == QuantConfig.parse(PADDLEX)


def test_every_setting_is_kept():
    settings = {
        "weight_preprocess_type": "PACT",
        "activation_preprocess_type": "PACT",
        "weight_quantize_type": "abs_max",
        "activation_quantize_type": "abs_max",
        "weight_bits": 4,
        "activation_bits": 2,
        "dtype": "int8",
        "window_size": 100,
        "moving_rate": 0.5,
        "quantizable_layer_type": ["Conv2DTranspose"],
    }
    config = QuantConfig.parse(settings)
    assert config.to_dict() == settings
    assert QuantConfig.parse(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight_preprocess_type", "pact"),
        ("activation_preprocess_type", True),
        ("weight_quantize_type", "range_abs_max"),
        ("activation_quantize_type", "lsq_act"),
        ("weight_bits", 1),
        ("weight_bits", 9),
        ("weight_bits", "8"),
        ("activation_bits", 16),
        ("dtype", "uint8"),
        ("window_size", 0),
        ("moving_rate", 1.0),
        ("moving_rate", float("nan")),
        ("quantizable_layer_type", []),
        ("quantizable_layer_type", ["Conv3D"]),
        ("quantizable_layer_type", "Conv2D"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(name, value):
    with pytest.raises(InputError, match=f"quant_config: {name} cannot be"):
        QuantConfig.parse({name: value})


def test_an_unknown_setting_is_named():
    with pytest.raises(InputError, match="no setting “weigth_bits”; it knows weight_preprocess"):
        QuantConfig.parse({"weigth_bits": 8})


def test_settings_must_be_a_dict():
    with pytest.raises(InputError, match="must be a dict"):
        QuantConfig.parse([("weight_bits", 8)])
