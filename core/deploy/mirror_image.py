"""A network's graph that predicts the mirror image, too."""

from __future__ import annotations

from typing import Final

import onnx

from core.deploy.node_writer import NodeWriter, Tensor
from core.deploy.onnx_graph import rename_inputs

_WIDTH: Final = 3
_TO_THE_START: Final = -(2**63) + 1


def average_with_mirror_image(model: onnx.ModelProto) -> None:
    """Have a graph average its logits with those of the mirror image, left to right.

    Both images go through the network as one batch, so that its nodes, quantised ones too, stay as
    they are.

    Args:
        model: input (N, 3, H, W) → logits (N, num_classes, H, W); it is changed.
    """
    graph = model.graph
    image, logits = graph.input[0].name, graph.output[0].name
    before, after = NodeWriter("mirror."), NodeWriter("average.")
    both = before.add("Concat", image, _mirrored(before, image), axis=0)
    of_both = f"{logits}_of_both"
    for node in graph.node:
        rename_inputs(node, {image: both, logits: of_both})
        node.output[:] = [of_both if name == logits else name for name in node.output]
    straight, mirrored = after.add_split("Split", of_both, names=[None, None], axis=0)
    total = after.add("Add", straight, _mirrored(after, mirrored))
    after.add("Mul", total, after.real(0.5), name=logits)
    network = list(graph.node)
    del graph.node[:]
    graph.node.extend([*before.nodes, *network, *after.nodes])
    graph.initializer.extend([*before.constants, *after.constants])


def _mirrored(nodes: NodeWriter, image: Tensor) -> Tensor:
    back, end, axis = nodes.whole(-1), nodes.whole(_TO_THE_START), nodes.whole(_WIDTH)
    return nodes.add("Slice", image, back, end, axis, back)
