"""What a network costs: operations and parameters, as PaddleSlim counts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from paddle import nn

from core.compression.channel_groups import ChannelGroup
from core.compression.trace import Call, Trace

Counts: TypeAlias = npt.NDArray[np.int64]


def flops_of(found: Trace) -> int:
    """Count the operations for one image of everything in a trace.

    A multiply-add counts once, as in ``paddleslim.analysis.dygraph_flops``. Unlike there,
    transposed convolutions count too.
    """
    return round(FlopsModel(found, ()).count(np.zeros(0, dtype=np.int64)))


def count_parameters(net: nn.Layer) -> int:
    """Count the numbers that training changes, auxiliary heads included."""
    return sum(int(np.prod(value.shape)) for value in net.parameters() if not value.stop_gradient)


class FlopsModel:
    """The operations of a network as a function of how many atoms each group loses.

    Args:
        found: what to count, as it is before pruning.
        groups: the groups that may lose atoms.
    """

    def __init__(self, found: Trace, groups: Sequence[ChannelGroup]) -> None:
        lost = _lost_channels(found, groups)
        nothing = np.zeros(len(groups))
        factors, made, made_lost, read, read_lost = [], [], [], [], []
        for call in found.calls:
            factor = _operations_per_channel(call, found)
            if factor == 0:
                continue
            mixes = _mixes_channels(call)
            factors.append(float(factor))
            made.append(float(found.shapes[call.output][0]))
            made_lost.append(lost[call.output])
            read.append(float(found.shapes[call.inputs[0]][0]) if mixes else 1.0)
            read_lost.append(lost[call.inputs[0]] if mixes else nothing)
        # Operations of a call = factor · channels made · channels read.
        self._factors = np.array(factors)
        self._made, self._made_lost = np.array(made), np.array(made_lost)
        self._read, self._read_lost = np.array(read), np.array(read_lost)

    def count(self, dropped: Counts) -> float:
        """Return the operations when group i has lost ``dropped[i]`` atoms."""
        made, read = self._channels(dropped)
        return float(np.sum(self._factors * made * read))

    def savings(self, dropped: Counts, more: Counts) -> npt.NDArray[np.float64]:
        """Return for each group alone what losing ``more[i]`` atoms beyond ``dropped`` saves."""
        made, read = self._channels(dropped)
        less_made, less_read = self._made_lost * more, self._read_lost * more
        either = read[:, None] * less_made + made[:, None] * less_read
        saved: npt.NDArray[np.float64] = self._factors @ (either - less_made * less_read)
        return saved

    def shares(self) -> list[tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
        """Return (operations, share that it makes, share that it reads) of each layer.

        The shares (groups,) tell which part of the layer's channels, 0 … 1, one atom of each group
        is; all zero for what a layer reads that treats each channel by itself.
        """
        operations = self._factors * self._made * self._read
        return [
            (float(count), made, read)
            for count, made, read in zip(
                operations,
                self._made_lost / self._made[:, None],
                self._read_lost / self._read[:, None],
                strict=True,
            )
        ]

    def _channels(self, dropped: Counts) -> tuple[npt.NDArray[np.float64], ...]:
        return self._made - self._made_lost @ dropped, self._read - self._read_lost @ dropped


def _lost_channels(
    found: Trace, groups: Sequence[ChannelGroup]
) -> dict[int, npt.NDArray[np.float64]]:
    """Return for each tensor how many channels one atom of each group takes from it."""
    made: dict[str, npt.NDArray[np.float64]] = {}
    for index, group in enumerate(groups):
        for member in group.members:
            if member.side == "out":
                loss = made.setdefault(member.path, np.zeros(len(groups)))
                loss[index] += member.channels.shape[1]
    lost = {found.input: np.zeros(len(groups))}
    for call in found.calls:
        if call.kind in ("conv", "conv_transpose"):
            lost[call.output] = made.get(call.path, np.zeros(len(groups)))
        elif call.kind == "concat":
            lost[call.output] = np.sum([lost[tensor] for tensor in call.inputs], axis=0)
        else:
            lost[call.output] = lost[call.inputs[0]]
    return lost


def _mixes_channels(call: Call) -> bool:
    return call.kind in ("conv", "conv_transpose") and call.layer._groups == 1


def _operations_per_channel(call: Call, found: Trace) -> int:
    """Operations for each channel made, and read where each output channel reads them all."""
    _, height, width = found.shapes[call.output]
    _, height_before, width_before = found.shapes[call.inputs[0]]
    layer = call.layer
    match call.kind:
        case "conv":
            read = 1 if layer._groups == 1 else layer.weight.shape[1]
            return height * width * read * int(np.prod(layer._kernel_size))
        case "conv_transpose":
            read = 1 if layer._groups == 1 else layer.weight.shape[0] // layer._groups
            return height_before * width_before * read * int(np.prod(layer._kernel_size))
        case "batch_norm":
            return 2 * height * width
        case "relu" | "sigmoid":
            return height * width
        case "average_pool":
            return 2 * height * width * _first(layer.ksize) ** 2
        case "adaptive_average_pool":
            # PaddleSlim takes the number of bins for the size of the window.
            return 2 * height * width * _first(layer._output_size) ** 2
    return 0


def _first(size: Any) -> int:
    return int(size if isinstance(size, int) else size[0])
