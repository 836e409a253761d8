"""The widths of a pruned network, and how a full one gets them in any process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from paddle import nn

from core.compression.slicing import keep_channels
from core.compression.trace import Call, Trace, trace
from core.system.errors import InputError

_Shapes = Mapping[str, tuple[int, ...]]


def shapes_of(net: nn.Layer) -> dict[str, tuple[int, ...]]:
    """Return the shape of everything in the network's state, by its name there."""
    return {name: tuple(value.shape) for name, value in net.state_dict().items()}


def apply_shapes(net: nn.Layer, shapes: Mapping[str, Sequence[int]]) -> None:
    """Give a full network the widths of a pruned one, so that its weights can be loaded.

    Args:
        net: as it was before pruning; its weights are meaningless afterwards.
        shapes: name in the state → shape; names left out keep theirs.

    Raises:
        InputError: the shapes are not those of this network with channels taken away; ``net`` is
            as it was.
    """
    full = shapes_of(net)
    wanted = full | {name: tuple(int(n) for n in shape) for name, shape in shapes.items()}
    for name in shapes:
        if name not in full or not _is_part(wanted[name], full[name]):
            raise _misfit(name)
    found = trace(net, (64, 64), training_heads=True)
    widths = {}
    for call in found.calls:
        if call.kind in ("conv", "conv_transpose", "batch_norm"):
            widths[call.path] = _widths(call, full, wanted)
    _check_flow(found, widths)
    for call in found.calls:
        if call.path in widths:
            out, into = widths[call.path]
            keep_channels(call.layer, np.arange(out), np.arange(into))


def _misfit(name: str) -> InputError:
    return InputError(
        "The shapes of the pruned model do not fit its architecture at {name}: "
        "its prune.yml or model.yml was changed, or belongs to another model.",
        name=name,
    )


def _is_part(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    return len(shape) == len(full) and all(
        1 <= n <= most for n, most in zip(shape, full, strict=True)
    )


def _widths(call: Call, full: _Shapes, wanted: _Shapes) -> tuple[int, int]:
    """Return the channels that a layer is to make and to read."""
    weight = f"{call.path}.weight"
    shape, shape_before = wanted[weight], full[weight]
    if call.kind == "batch_norm":
        out = into = shape[0]
    else:
        if shape[2:] != shape_before[2:]:
            raise _misfit(weight)
        if call.layer._groups > 1:
            out, into = _grouped_widths(call, shape, shape_before)
        else:
            out, into = shape[:2] if call.kind == "conv" else (shape[1], shape[0])
    for other in ("bias", "_mean", "_variance"):
        name = f"{call.path}.{other}"
        if name in full and wanted[name] != (out,):
            raise _misfit(name)
    return out, into


def _grouped_widths(
    call: Call, shape: tuple[int, ...], shape_before: tuple[int, ...]
) -> tuple[int, int]:
    """A grouped convolution keeps whole groups: the second axis counts the channels in one."""
    layer = call.layer
    groups, rest = divmod(shape[0] * layer._groups, shape_before[0])
    if rest or groups == 0 or shape[1] != shape_before[1]:
        raise _misfit(f"{call.path}.weight")
    return (
        layer._out_channels // layer._groups * groups,
        layer._in_channels // layer._groups * groups,
    )


def _check_flow(found: Trace, widths: Mapping[str, tuple[int, int]]) -> None:
    """See that each layer reads as many channels as there will be."""
    channels = {found.input: found.shapes[found.input][0]}
    for call in found.calls:
        taken = [channels[tensor] for tensor in call.inputs]
        made = sum(taken) if call.kind == "concat" else taken[0]
        if call.path in widths:
            made, read = widths[call.path]
            if read != taken[0]:
                raise _misfit(f"{call.path}.weight")
        elif call.kind in ("add", "multiply") and taken[0] != taken[1]:
            raise _misfit(call.path)
        channels[call.output] = made
    for tensor in found.outputs:
        maker = found.producer(tensor)
        if maker is not None and channels[tensor] != found.shapes[tensor][0]:
            raise _misfit(maker.path)
