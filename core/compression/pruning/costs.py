"""What each convolution costs and which channel groups it consists of, as a file.

An analysis leaves it beside its losses, so that the effect of a pruning can be estimated without
the network; needs no engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.system.errors import InputError
from core.system.files import write_text_atomic

COSTS_FILE = "pruning_costs.json"
_Name = Annotated[str, Field(max_length=300)]
_Shares = dict[_Name, Annotated[float, Field(ge=0, le=1.0001)]]


@dataclass(frozen=True, slots=True)
class LayerCost:
    """What one layer costs.

    ``flops``: its operations; ``made`` and ``read``: share (0 … 1) of its output and of its input
    channels that belong to each group. A layer that treats each channel by itself reads nothing:
    its operations go with the channels that it makes.
    """

    flops: float
    made: Mapping[str, float]
    read: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PruningCosts:
    """``widths``: how many channels may go from each group (all but one); ``layers``: costs."""

    widths: Mapping[str, int]
    layers: tuple[LayerCost, ...]

    def removed(self, ratios: Mapping[str, float]) -> float:
        """Return the share of the operations (0 … 1) that goes with a share of each group."""
        total = sum(layer.flops for layer in self.layers)
        if not total:
            return 0.0
        left = sum(
            layer.flops * _left(layer.made, ratios) * _left(layer.read, ratios)
            for layer in self.layers
        )
        return 1 - left / total

    def gone(self, ratios: Mapping[str, float]) -> dict[str, int]:
        """Return how many channels of each group go with a share of it; one always stays."""
        return {
            name: min(width - 1, round(ratios.get(name, 0.0) * width))
            for name, width in self.widths.items()
        }


class _Layer(BaseModel):
    model_config = ConfigDict(extra="ignore")
    flops: float = Field(ge=0, allow_inf_nan=False)
    made: _Shares
    read: _Shares


class _Costs(BaseModel):
    model_config = ConfigDict(extra="ignore")
    version: Literal[1] = 1
    widths: dict[_Name, Annotated[int, Field(ge=1, le=2**20)]]
    layers: list[_Layer]


def write_costs(folder: Path, costs: PruningCosts) -> Path:
    """Write the costs into a folder, replacing older ones; returns the file."""
    content = _Costs(
        widths=dict(costs.widths),
        layers=[
            _Layer(flops=layer.flops, made=dict(layer.made), read=dict(layer.read))
            for layer in costs.layers
        ],
    )
    file = folder / COSTS_FILE
    write_text_atomic(file, content.model_dump_json())
    return file


def read_costs(folder: Path) -> PruningCosts:
    """Read the costs from a folder.

    Raises:
        InputError: the file is missing or damaged.
    """
    file = folder / COSTS_FILE
    try:
        content = _Costs.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            "{file} cannot be read; analyse the sensitivity again.", file=file
        ) from error
    return PruningCosts(
        content.widths,
        tuple(LayerCost(layer.flops, layer.made, layer.read) for layer in content.layers),
    )


def _left(shares: Mapping[str, float], ratios: Mapping[str, float]) -> float:
    return 1 - sum(share * ratios.get(name, 0.0) for name, share in shares.items())
