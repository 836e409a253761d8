"""Take channels out of a network: for a moment by zeros, for good by smaller weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import paddle
from paddle import nn

from core.compression.channel_groups import ChannelGroup, Channels

Drop: TypeAlias = Mapping[str, Channels]

_STATISTICS = ("weight", "bias", "_mean", "_variance")


@dataclass(slots=True)
class _Lost:
    """Channels that one layer loses on each side."""

    out: list[Channels] = field(default_factory=list)
    into: list[Channels] = field(default_factory=list)


@contextmanager
def mask_channels(net: nn.Layer, groups: Sequence[ChannelGroup], drop: Drop) -> Iterator[None]:
    """Let ``net`` compute, while in use, what it would compute without some channels.

    The weights that make and read the channels are zero meanwhile, and what they were, to the
    bit, afterwards. For evaluation: training in between would be lost.

    Args:
        net: the network that ``groups`` were found in.
        groups: at least those named in ``drop``.
        drop: group name → atoms to go.
    """
    layers = dict(net.named_sublayers())
    kept: list[tuple[paddle.Tensor, paddle.Tensor]] = []
    try:
        with paddle.no_grad():
            for path, lost in _lost(groups, drop).items():
                for name, axis, channels in _zeroed(layers[path], lost):
                    value = getattr(layers[path], name)
                    kept.append((value, value.clone()))
                    _zero(value, axis, channels)
        yield
    finally:
        with paddle.no_grad():
            for value, before in reversed(kept):
                value.set_value(before)


def _lost(groups: Sequence[ChannelGroup], drop: Drop) -> dict[str, _Lost]:
    """Collect what each layer loses; keyed by the layer's path."""
    by_name = {group.name: group for group in groups}
    lost: dict[str, _Lost] = {}
    for name, atoms in drop.items():
        atoms = np.unique(np.asarray(atoms, dtype=np.int64))
        if not len(atoms):
            continue
        if atoms[0] < 0 or len(atoms) >= by_name[name].width or atoms[-1] >= by_name[name].width:
            raise ValueError(f"group {name} of {by_name[name].width} cannot lose {atoms}")
        for member in by_name[name].members:
            sides = lost.setdefault(member.path, _Lost())
            side = sides.out if member.side == "out" else sides.into
            side.append(member.channels[atoms].ravel())
    return lost


def _zeroed(layer: nn.Layer, lost: _Lost) -> Iterator[tuple[str, int, Channels]]:
    """Yield (parameter, axis, places) to set to zero."""
    if lost.out:
        channels = np.concatenate(lost.out)
        if isinstance(layer, nn.Conv2DTranspose):
            if layer._groups == 1:
                yield "weight", 1, channels
        else:
            yield "weight", 0, channels
        if layer.bias is not None:
            yield "bias", 0, channels
    # A grouped convolution's inputs go with its outputs.
    if lost.into and (layer._groups == 1 or isinstance(layer, nn.Conv2DTranspose)):
        axis = 0 if isinstance(layer, nn.Conv2DTranspose) else 1
        yield "weight", axis, np.concatenate(lost.into)


def _zero(value: paddle.Tensor, axis: int, channels: Channels) -> None:
    keeps = np.ones([value.shape[axis], *[1] * (value.ndim - axis - 1)], dtype="float32")
    keeps[channels] = 0.0
    value.set_value(value * paddle.to_tensor(keeps, dtype=value.dtype, place=value.place))


def slice_channels(net: nn.Layer, groups: Sequence[ChannelGroup], drop: Drop) -> None:
    """Take channels out of ``net`` for good: weights, statistics and layers get smaller.

    Parameters stay the objects they are, under their names, but what an optimizer has gathered
    for them no longer fits: make it afterwards. Arguments are those of ``mask_channels``.
    """
    layers = dict(net.named_sublayers())
    nothing = np.empty(0, dtype=np.int64)
    for path, lost in _lost(groups, drop).items():
        made, read = _widths(layers[path])
        out = np.delete(np.arange(made), np.concatenate([nothing, *lost.out]))
        into = np.delete(np.arange(read), np.concatenate([nothing, *lost.into]))
        keep_channels(layers[path], out, into)


def _widths(layer: nn.Layer) -> tuple[int, int]:
    """Return the channels that a layer makes and reads."""
    if isinstance(layer, nn.layer.norm._BatchNormBase):
        return layer._num_features, layer._num_features
    return layer._out_channels, layer._in_channels


def keep_channels(layer: nn.Layer, out: Channels, into: Channels) -> None:
    """Keep only the channels ``out`` that a layer makes and ``into`` that it reads."""
    with paddle.no_grad():
        if isinstance(layer, nn.layer.norm._BatchNormBase):
            _keep_normalized(layer, out)
        else:
            _keep_convolved(layer, out, into)


def _keep_normalized(layer: nn.Layer, channels: Channels) -> None:
    for name in _STATISTICS:
        _replace(layer, name, _take(getattr(layer, name), channels, axis=0))
    layer._num_features = len(channels)


def _keep_convolved(layer: nn.Layer, out: Channels, into: Channels) -> None:
    out_axis, in_axis = (1, 0) if isinstance(layer, nn.Conv2DTranspose) else (0, 1)
    weight = layer.weight
    if layer._groups == 1:
        weight = _take(_take(weight, out, axis=out_axis), into, axis=in_axis)
    else:
        # The other axis counts the channels inside of a group, which all stay.
        weight = _take(weight, out if out_axis == 0 else into, axis=0)
        layer._groups = layer._groups * len(into) // layer._in_channels
    _replace(layer, "weight", weight)
    if layer.bias is not None:
        _replace(layer, "bias", _take(layer.bias, out, axis=0))
    layer._out_channels, layer._in_channels = len(out), len(into)


def _take(value: paddle.Tensor, places: Channels, *, axis: int) -> paddle.Tensor:
    return paddle.index_select(value, paddle.to_tensor(places, place=value.place), axis=axis)


def _replace(layer: nn.Layer, name: str, value: paddle.Tensor) -> None:
    """Give a parameter other contents of another shape; it stays the same object."""
    parameter = getattr(layer, name)
    if list(parameter.shape) != list(value.shape):
        value._share_underline_tensor_to(parameter)
        parameter.clear_gradient(set_to_zero=False)
