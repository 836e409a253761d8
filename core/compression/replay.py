"""Run again only the part of a network that a change reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from paddle import Tensor, nn

from core.compression.trace import Call, Trace, trace


@dataclass(frozen=True, slots=True)
class Plan:
    """How to recompute the logits after some layers have changed.

    Attributes:
        trunk: calls that make ``frontier``; the change does not reach them.
        frontier: tensors that ``rest`` needs of the trunk.
        rest: calls that the change reaches, up to the logits.
    """

    trunk: tuple[Call, ...]
    frontier: frozenset[int]
    rest: tuple[Call, ...]


class Replay:
    """A network's way from image to logits, cut where one likes.

    Args:
        net: a network (N, 3, H, W) → list of logits; call ``Replay`` in evaluation mode.
        size: height and width of the images.
    """

    def __init__(self, net: nn.Layer, size: tuple[int, int]) -> None:
        self._trace: Trace = trace(net, size).deployed()
        self.paths = frozenset(call.path for call in self._trace.calls)
        self.logits = self._trace.outputs[0]
        self.input = self._trace.input

    def plan(self, changed: Collection[str]) -> Plan:
        """Cut where the layers at the paths ``changed`` take their inputs."""
        reached: set[int] = set()
        rest = []
        for call in self._trace.calls:
            if call.path in changed or not reached.isdisjoint(call.inputs):
                reached.add(call.output)
                rest.append(call)
        frontier = {tensor for call in rest for tensor in call.inputs} - reached
        if self.logits not in reached:
            frontier.add(self.logits)
        needed = set(frontier)
        trunk = []
        for call in reversed(self._trace.calls):
            if call.output in needed:
                needed.update(call.inputs)
                trunk.append(call)
        return Plan(tuple(reversed(trunk)), frozenset(frontier), tuple(rest))

    def run(
        self, calls: Iterable[Call], values: Mapping[int, Tensor], *, keep: Collection[int]
    ) -> dict[int, Tensor]:
        """Do ``calls`` and return the tensors ``keep``; others are freed once nobody needs them.

        Args:
            calls: in the order of computation.
            values: tensors that they start from.
            keep: tensors wanted.
        """
        calls = tuple(calls)
        left = Counter(tensor for call in calls for tensor in call.inputs)
        known = dict(values)
        for call in calls:
            taken = [known[tensor] for tensor in call.inputs]
            known[call.output] = self._do(call, taken)
            left.subtract(call.inputs)
            for tensor in {*call.inputs, call.output}:
                if left[tensor] <= 0 and tensor not in keep:
                    known.pop(tensor, None)
        return {tensor: known[tensor] for tensor in keep}

    def _do(self, call: Call, taken: list[Tensor]) -> Tensor:
        match call.kind:
            case "concat":
                return call.layer(taken)
            case "resize":
                return call.layer(taken[0], list(self._trace.shapes[call.output][1:]))
        return call.layer(*taken)
