"""What was done to a compressed network, as its model folder says it; needs no paddle.

``prune.yml`` and ``quant.yml`` hold what it takes to rebuild the network in any process, before
its weights are loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.system.errors import InputError, first_problem
from core.system.files import read_yaml

PRUNING = "prune.yml"
QUANTIZATION = "quant.yml"

_Side = Annotated[int, Field(ge=1, le=8192)]
_Channels = Annotated[int, Field(ge=1, le=2**16)]
_Name = Annotated[str, Field(max_length=300)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PruningRecord(_Record):
    """Which channels a network has lost; ``prune.yml``.

    Attributes:
        criterion: how the channels were ranked.
        strategy: how their number was shared among the groups.
        flops_before: operations of the unpruned network, multiply-adds counted once.
        flops_after: those of the pruned one, for the same input.
        parameters_before: numbers in the unpruned network's trained weights.
        parameters_after: those in the pruned one's.
        image_size: (width, height) of the input they were counted for.
        ratios: pruned share of each group's channels, 0 … 1.
        shapes: shape of each weight and statistic that differs from the unpruned network's.
    """

    version: Literal[1] = 1
    criterion: _Name
    strategy: _Name
    flops_before: int = Field(ge=0)
    flops_after: int = Field(ge=0)
    parameters_before: int = Field(ge=0)
    parameters_after: int = Field(ge=0)
    image_size: tuple[_Side, _Side]
    ratios: dict[_Name, Annotated[float, Field(ge=0, lt=1)]]
    shapes: dict[_Name, Annotated[tuple[_Channels, ...], Field(max_length=6)]]


class QuantizationRecord(_Record):
    """How a network computes in 8 bits; ``quant.yml``.

    Attributes:
        config: ``quant_config`` in full.
        float_layers: paths of the convolutions that stay in float.
        image_size: (width, height) of the input that the network was traced with.
        activations: for each quantised tensor its ``scale``, ``zero_point`` and ``bits``, for
            people to read: the weights file has the scales, too.
    """

    version: Literal[1] = 1
    config: dict[str, Any]
    float_layers: tuple[_Name, ...] = ()
    image_size: tuple[_Side, _Side]
    activations: dict[_Name, dict[str, float | int]] = Field(default_factory=dict)


def check_prunable(pruning: PruningRecord | None, quantization: QuantizationRecord | None) -> None:
    """Raise ``InputError`` for a model that has been compressed before."""
    if quantization is not None:
        raise InputError(
            "The model is quantised, and a quantised model cannot be pruned: prune the model "
            "that it was made from, then quantise."
        )
    if pruning is not None:
        raise InputError(
            "The model is pruned already: to prune more, prune the model that it was made "
            "from by a larger share."
        )


_R = TypeVar("_R", bound=_Record)


def read_pruning(folder: Path) -> PruningRecord:
    """Read ``prune.yml``; raises ``InputError`` if it is missing or damaged."""
    return _read(folder / PRUNING, PruningRecord)


def read_quantization(folder: Path) -> QuantizationRecord:
    """Read ``quant.yml``; raises ``InputError`` if it is missing or damaged."""
    return _read(folder / QUANTIZATION, QuantizationRecord)


def _read(file: Path, kind: type[_R]) -> _R:
    try:
        return kind.model_validate(read_yaml(file))
    except ValidationError as error:
        where, reason = first_problem(error)
        raise InputError(
            "{file} does not say how the model was compressed: {where}: {reason}.",
            file=file,
            where=where,
            reason=reason,
        ) from error
