"""Run again only the part of a network that a change reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import paddle.nn.functional as F  # noqa: N812
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


class PartialForward:
    """A network's way from image to logits, cut where one likes.

    Args:
        net: a network (N, 3, H, W) → list of logits; call ``PartialForward`` in evaluation mode.
        size: height and width of the images.
    """

    def __init__(self, net: nn.Layer, size: tuple[int, int]) -> None:
        self._trace: Trace = trace(net, size).deployed()
        self.paths = frozenset(call.path for call in self._trace.calls)
        self.logits = self._trace.outputs[0]
        self.input = self._trace.input
        self._biased = {call.output: call for call in self._trace.calls if self._is_biased(call)}

    def _is_biased(self, call: Call) -> bool:
        """Whether a batch norm, and nothing else, takes a convolution with a bias."""
        if type(call.layer) is not nn.Conv2D or call.layer.bias is None:
            return False
        consumers = self._trace.consumers(call.output)
        return len(consumers) == 1 and type(consumers[0].layer) is nn.BatchNorm2D

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
        layer = call.layer
        if call.kind == "concat":
            return layer(taken)
        if call.kind == "resize":
            return layer(taken[0], list(self._trace.shapes[call.output][1:]))
        # Adding a bias takes a third of Fast-SCNN's time; in the next mean it costs nothing.
        if call.output in self._biased:
            return F.conv2d(
                taken[0],
                layer.weight,
                None,
                layer._stride,
                layer._padding,
                layer._dilation,
                layer._groups,
            )
        if conv := self._biased.get(call.inputs[0]):
            return F.batch_norm(
                taken[0],
                layer._mean - conv.layer.bias,
                layer._variance,
                weight=layer.weight,
                bias=layer.bias,
                training=False,
                epsilon=layer._epsilon,
            )
        return layer(*taken)
