"""Which channels of a network must go together when some are taken away.

Every channel that a layer makes is a node; layers that need two channels to stay or go together
(sums, products, depthwise filters) are edges. The connected components are the *atoms* of
pruning; atoms that run through the same layers make a ``ChannelGroup``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from paddle import nn

from core.compression.trace import Call, Trace, trace

Channels: TypeAlias = npt.NDArray[np.int64]
Side: TypeAlias = Literal["out", "in"]
_Use: TypeAlias = tuple[str, Side]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """The channels of one layer that belong to a group.

    Attributes:
        path: the layer's place in the network.
        side: ``"out"``: channels that the layer makes (or, for a batch norm, normalises);
            ``"in"``: channels that a convolution reads.
        channels: (width, n): row i holds the n channels that belong to atom i.
    """

    path: str
    side: Side
    channels: Channels


@dataclass(frozen=True, slots=True, eq=False)
class ChannelGroup:
    """Atoms of pruning that run through the same layers: any of them may go, but not all.

    Attributes:
        name: parameter name of the first convolution's kernels
            ("encode.double_conv.0._conv.weight").
        convs: paths of the convolutions that make the channels, in the order of computation.
        width: the number of atoms.
        members: which channels of which layer belong to each atom.
    """

    name: str
    convs: tuple[str, ...]
    width: int
    members: tuple[Member, ...]


def find_groups(net: nn.Layer, size: tuple[int, int] = (64, 64)) -> tuple[ChannelGroup, ...]:
    """Find all channels of ``net`` that may go.

    The classes of every head and the channels of the image always stay. So do channels that only
    auxiliary heads have: they cost nothing where the network is used.

    Args:
        net: a network (N, 3, H, W) → list of logits.
        size: height and width of the image to trace it with; any that the network takes.

    Returns:
        Groups in the order of computation.
    """
    found = trace(net, size, training_heads=True)
    nodes = _Nodes(found)
    atoms = nodes.atoms()
    stays = np.concatenate([atoms[nodes.of[t]] for t in (found.input, *found.outputs)])
    uses = {key: atoms[of] for key, of in nodes.uses.items()}
    dense = {
        call.path: call.layer._groups == 1
        for call in found.calls
        if call.kind in ("conv", "conv_transpose")
    }
    deployed = {call.path for call in found.deployed().calls}
    groups = (_group(labels, members, dense) for labels, members in _alike(uses, stays))
    useful = [group for group in groups if not deployed.isdisjoint(group.convs)]
    order = {path: place for place, path in enumerate(dense)}
    return tuple(sorted(useful, key=lambda group: order[group.convs[0]]))


class _Nodes:
    """Numbers for all channels of a trace, and which of them belong together."""

    def __init__(self, found: Trace) -> None:
        self.of: dict[int, Channels] = {}
        # (layer, side) → the node of each of its channels
        self.uses: dict[_Use, Channels] = {}
        self._count = 0
        self._edges: list[tuple[Channels, Channels]] = []
        self._shapes = found.shapes
        self.of[found.input] = self._new(found.shapes[found.input][0])
        for call in found.calls:
            self.of[call.output] = self._follow(call)

    def atoms(self) -> Channels:
        """Return for each node the smallest node that it is connected with."""
        labels = np.arange(self._count)
        if not self._edges:
            return labels
        left, right = (np.concatenate(ends) for ends in zip(*self._edges, strict=True))
        while True:
            smaller = np.minimum(labels[left], labels[right])
            following = labels.copy()
            # Also the labels' own nodes learn it: components merge in few rounds.
            for nodes in (left, right, labels[left], labels[right]):
                np.minimum.at(following, nodes, smaller)
            following = following[following]
            if np.array_equal(following, labels):
                return labels
            labels = following

    def _new(self, count: int) -> Channels:
        self._count += count
        return np.arange(self._count - count, self._count)

    def _follow(self, call: Call) -> Channels:
        taken = [self.of[tensor] for tensor in call.inputs]
        match call.kind:
            case "conv" | "conv_transpose":
                made = self._new(self._shapes[call.output][0])
                self._use(call.path, "out", made)
                self._use(call.path, "in", taken[0])
                if call.layer._groups > 1:
                    self._tie_groups(taken[0], made, call.layer._groups)
                return made
            case "concat":
                return np.concatenate(taken)
            case "add" | "multiply":
                if len(taken[0]) != len(taken[1]):
                    raise ValueError(f"{call.path} joins different numbers of channels")
                self._edges.append((taken[0], taken[1]))
            case "batch_norm":
                self._use(call.path, "out", taken[0])
        return taken[0]

    def _use(self, path: str, side: Side, nodes: Channels) -> None:
        """Note a layer's channels; a layer that works more than once ties them."""
        before = self.uses.setdefault((path, side), nodes)
        if before is not nodes:
            self._edges.append((before, nodes))

    def _tie_groups(self, taken: Channels, made: Channels, groups: int) -> None:
        """A grouped convolution loses whole groups: their inputs and outputs at once."""
        rows = np.concatenate([taken.reshape(groups, -1), made.reshape(groups, -1)], axis=1)
        self._edges.append((np.repeat(rows[:, 0], rows.shape[1]), rows.ravel()))


def _alike(
    uses: Mapping[_Use, Channels], stays: Channels
) -> Iterator[tuple[dict[_Use, Channels], Channels]]:
    """Collect atoms that occur equally often in the same layers; ``uses`` names their atoms.

    Yields:
        The uses that a set of atoms has, and the atoms.
    """
    keys = list(uses)
    # Per atom: how many channels of which use (numbered by its place in ``keys``) it has.
    signatures: dict[int, list[tuple[int, int]]] = {}
    for number, atoms in enumerate(uses.values()):
        for atom, count in zip(*np.unique(atoms, return_counts=True), strict=True):
            signatures.setdefault(int(atom), []).append((number, int(count)))
    for atom in np.unique(stays):
        signatures.pop(int(atom), None)
    alike: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for atom, signature in signatures.items():
        alike.setdefault(tuple(signature), []).append(atom)
    for parts, members in alike.items():
        yield {keys[number]: uses[keys[number]] for number, _ in parts}, np.array(members)


def _group(
    labels: Mapping[_Use, Channels], atoms: Channels, dense: Mapping[str, bool]
) -> ChannelGroup:
    """Make a group of ``atoms``; ``labels`` has the atom of each channel of the layers."""
    convs = tuple(path for path, side in labels if side == "out" and path in dense)
    # Every atom starts at a convolution that reads all channels, or at the image, which stays.
    first = next(path for path in convs if dense[path])
    made = labels[first, "out"]
    order = made[np.sort(np.unique(made, return_index=True)[1])]
    order = order[np.isin(order, atoms)]
    row_of = {int(atom): row for row, atom in enumerate(order)}
    members = []
    for (path, side), atom_of in labels.items():
        channels = np.flatnonzero(np.isin(atom_of, order))
        rows = np.array([row_of[int(atom)] for atom in atom_of[channels]])
        by_atom = channels[np.argsort(rows, kind="stable")].reshape(len(order), -1)
        members.append(Member(path, side, by_atom))
    return ChannelGroup(
        name=f"{first}.weight", convs=convs, width=len(order), members=tuple(members)
    )
