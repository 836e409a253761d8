"""Settings of quantisation: PaddleX's ``quant_config``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from core.system.errors import InputError

LayerType = Literal["Conv2D", "Linear", "Conv2DTranspose"]
Bits = Annotated[StrictInt, Field(ge=2, le=8)]

_ALLOWED = {
    "weight_preprocess_type": "None or PACT",
    "activation_preprocess_type": "None or PACT",
    "weight_quantize_type": "abs_max or channel_wise_abs_max",
    "activation_quantize_type": "moving_average_abs_max or abs_max",
    "weight_bits": "2 … 8",
    "activation_bits": "2 … 8",
    "moving_rate": "0 … 0.999",
    "quantizable_layer_type": "Conv2D, Linear, Conv2DTranspose",
    "dtype": "int8",
    "window_size": "1 …",
}


class QuantConfig(BaseModel):
    """PaddleX's ``quant_config``; every setting is optional.

    ``activation_quantize_type="abs_max"`` scales each training batch by its own largest value;
    evaluation and export, which need one fixed scale, use the largest of all these.
    ``window_size`` belongs to a method that is not offered and changes nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight_preprocess_type: Literal["PACT"] | None = None
    activation_preprocess_type: Literal["PACT"] | None = None
    weight_quantize_type: Literal["abs_max", "channel_wise_abs_max"] = "channel_wise_abs_max"
    activation_quantize_type: Literal["moving_average_abs_max", "abs_max"] = (
        "moving_average_abs_max"
    )
    weight_bits: Bits = 8
    activation_bits: Bits = 8
    dtype: Literal["int8"] = "int8"
    window_size: Annotated[StrictInt, Field(ge=1)] = 10000
    moving_rate: Annotated[float, Field(ge=0.0, le=0.999)] = 0.9
    quantizable_layer_type: Annotated[tuple[LayerType, ...], Field(min_length=1)] = (
        "Conv2D",
        "Linear",
    )

    @classmethod
    def parse(cls, settings: QuantConfig | Mapping[str, Any] | None) -> QuantConfig:
        """Check ``settings``; None stands for the defaults.

        Raises:
            InputError: a setting is unknown or its value is not allowed.
        """
        if isinstance(settings, QuantConfig):
            return settings
        if settings is not None and not isinstance(settings, Mapping):
            raise InputError(
                "quant_config must be a dict of settings, not {value}.", value=settings
            )
        try:
            return cls.model_validate({} if settings is None else dict(settings))
        except ValidationError as error:
            raise _explained(error) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON and YAML can hold them."""
        return self.model_dump(mode="json")


def _explained(error: ValidationError) -> InputError:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return InputError(
            "quant_config has no setting “{name}”; it knows {known}.",
            name=name,
            known=", ".join(QuantConfig.model_fields),
        )
    return InputError(
        "quant_config: {name} cannot be {value}; allowed is {allowed}.",
        name=name,
        value=repr(first["input"]),
        allowed=_ALLOWED.get(name, ""),
    )
