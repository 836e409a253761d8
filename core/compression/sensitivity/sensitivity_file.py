"""``model.sensi.data``: what pruning each group of channels costs; needs no paddle.

Ours is JSON. PaddleX's, a pickled object of PaddleSlim's, can be read too, but nothing in it runs.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.system.errors import InputError, first_problem
from core.system.files import write_json_atomic
from core.system.restricted_pickle import DType, Mention, RestrictedUnpickler, latin1_bytes

FILE_NAME: Final = "model.sensi.data"
_MAX_BYTES: Final = 64 * 2**20

Losses = dict[str, dict[float, float]]


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """Loss of mIoU when a group alone is pruned: (baseline - mIoU) / (baseline + 0.001).

    Attributes:
        criterion: how filters were ranked; None where the file does not say.
        baseline: mIoU of the unpruned network; None where the file does not say.
        losses: group name → pruned ratio (0 … 1) → loss; below 0 where pruning helped.
        bounds: group name → ratios that were not measured: the group was hopeless before, and
            the loss given rises from the last measured one towards 1.
        fast: measured on part of the evaluation set.
        images: how many images were evaluated.
        network: hash of the weights.
        data: hash of the evaluation set.
    """

    criterion: str | None
    baseline: float | None
    losses: Losses
    bounds: dict[str, tuple[float, ...]] = field(default_factory=dict)
    fast: bool = False
    images: int | None = None
    network: str | None = None
    data: str | None = None


_Ratio = Annotated[float, Field(gt=0, lt=1)]
_Loss = Annotated[float, Field(allow_inf_nan=False)]


class _Content(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1]
    criterion: str
    fast: bool
    network: str
    data: str
    images: int = Field(ge=0)
    baseline: _Loss
    sensitivities: dict[str, dict[_Ratio, _Loss]]
    bounds: dict[str, tuple[_Ratio, ...]] = Field(default_factory=dict)


def write_sensitivities(path: Path, found: Sensitivities) -> None:
    """Replace ``path`` atomically."""
    write_json_atomic(
        path,
        {
            "version": 1,
            "criterion": found.criterion,
            "fast": found.fast,
            "network": found.network,
            "data": found.data,
            "images": found.images,
            "baseline": found.baseline,
            "sensitivities": found.losses,
            "bounds": {name: ratios for name, ratios in found.bounds.items() if ratios},
        },
    )


def read_sensitivities(path: Path | str, *, names: Sequence[str | None] = ()) -> Sensitivities:
    """Read ``model.sensi.data``, of this project or of PaddleX.

    Args:
        path: the file, or the folder that holds it.
        names: for each convolution, in the order of the network's definition, the group that it
            ranks, or None (``analysis.ranking_names``). PaddleX's files need them: there
            convolutions have numbers.

    Raises:
        InputError: missing, damaged, of another kind, or its names do not fit the network.
    """
    file = Path(path)
    if file.is_dir():
        file = file / FILE_NAME
    content = _read_bytes(file)
    if content.lstrip()[:1] == b"{":
        return _read_json(file, content)
    losses = _read_status(file, content)
    return Sensitivities(None, None, _structured(file, losses, names))


def _read_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(
            "There is no {file}; run the sensitivity analysis first.", file=file
        ) from error
    except OSError as error:
        raise InputError(
            "{file} cannot be read: {reason}.", file=file, reason=error.strerror or error
        ) from error
    if len(content) > _MAX_BYTES:
        raise _unreadable(file, f"more than {_MAX_BYTES >> 20} MiB")
    return content


def _unreadable(file: Path, reason: object) -> InputError:
    return InputError(
        "{file} is not a result of a sensitivity analysis, or it is damaged: {reason}.",
        file=file,
        reason=str(reason)[:200],
    )


def _read_json(file: Path, content: bytes) -> Sensitivities:
    try:
        read = _Content.model_validate(json.loads(content))
    except ValidationError as error:
        raise _unreadable(file, ": ".join(first_problem(error))) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(file, error) from error
    return Sensitivities(
        criterion=read.criterion,
        baseline=read.baseline,
        losses=read.sensitivities,
        bounds=read.bounds,
        fast=read.fast,
        images=read.images,
        network=read.network,
        data=read.data,
    )


# PaddleX's file: a pickled paddleslim.dygraph.prune.filter_pruner.Status.


class _Status:
    """Stand-in for PaddleSlim's object: whatever it holds becomes its ``content``."""

    def __init__(self) -> None:
        self.content: Any = None

    def __setstate__(self, state: Any) -> None:
        self.content = state


def _scalar(dtype: Any, data: Any) -> float:
    if not isinstance(dtype, DType) or dtype.dtype.kind == "b" or not isinstance(data, bytes):
        raise pickle.UnpicklingError("it holds a number of an unknown kind")
    return float(np.frombuffer(data, dtype=dtype.dtype, count=1)[0])


_CLASSES: dict[Mention, type] = {
    ("paddleslim.dygraph.prune.filter_pruner", "Status"): _Status,
}
_FUNCTIONS: dict[Mention, Callable[..., Any]] = {
    ("numpy", "dtype"): DType,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("_codecs", "encode"): latin1_bytes,
}


def _read_status(file: Path, content: bytes) -> Losses:
    """The losses by parameter name that a pickled status holds."""
    try:
        status = RestrictedUnpickler(io.BytesIO(content), _FUNCTIONS, _CLASSES).load()
        if not isinstance(status, _Status) or not isinstance(status.content, dict):
            raise pickle.UnpicklingError("it is no status of a pruner")
        return _plain_losses(status.content.get("sensitivies"))
    except Exception as error:  # a damaged pickle may raise anything
        raise _unreadable(file, f"{type(error).__name__} {error}") from error


def _plain_losses(table: Any) -> Losses:
    if not isinstance(table, dict):
        raise pickle.UnpicklingError("it holds no sensitivities")
    losses: Losses = {}
    for name, by_ratio in table.items():
        if not isinstance(name, str) or not isinstance(by_ratio, dict):
            raise pickle.UnpicklingError("its sensitivities are no table of ratios")
        losses[name] = {_number(ratio): _number(loss) for ratio, loss in by_ratio.items()}
        if not all(0 < ratio < 1 for ratio in losses[name]):
            raise pickle.UnpicklingError("it holds a ratio outside 0 … 1")
    return losses


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise pickle.UnpicklingError("it holds something else than numbers")
    return float(value)


_NUMBERED = re.compile(r"conv2d_(\d{1,6})\.w_\d+")


def _structured(file: Path, losses: Losses, names: Sequence[str | None]) -> Losses:
    """Give Paddle's numbered names ("conv2d_7.w_0") the groups' names.

    The numbers count the convolutions in the order that they were made, from wherever the process
    stood: the first one of the file's network need not be number 0.
    """
    numbers = [_NUMBERED.fullmatch(name) for name in losses]
    by_number = {
        int(found[1]): by_ratio
        for found, by_ratio in zip(numbers, losses.values(), strict=True)
        if found
    }
    first = _first_number(by_number, names) if len(by_number) == len(losses) else None
    if first is None:
        raise InputError(
            "{file} belongs to another network: its convolutions are not this one's; run the "
            "sensitivity analysis again.",
            file=file,
        )
    return {str(names[number - first]): by_ratio for number, by_ratio in by_number.items()}


def _first_number(numbers: Collection[int], names: Sequence[str | None]) -> int | None:
    """Number of the network's first convolution; None where it cannot be told."""

    def fits(first: int) -> bool:
        places = [number - first for number in numbers]
        return all(0 <= place < len(names) and names[place] is not None for place in places)

    if not numbers or fits(0):
        return 0
    possible = [first for first in range(1, min(numbers) + 1) if fits(first)]
    return possible[0] if len(possible) == 1 else None
