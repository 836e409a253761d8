"""From a network's name to its class and to a model."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

from core.models.catalog import Network, find_network
from core.seg.paddlex_classes import BiSeNetV2, DeepLabV3P, FastSCNN, HRNet, UNet
from core.seg.segmenter import Segmenter
from core.system.errors import InputError
from core.training.seeding import seed_everything

_PADDLEX: dict[str, type[Segmenter]] = {
    cls.__name__: cls for cls in (FastSCNN, BiSeNetV2, UNet, HRNet, DeepLabV3P)
}


def model_class(name: str) -> type[Segmenter]:
    """Return the class called ``name``.

    Raises:
        InputError: no such network.
    """
    network = find_network(name)
    return _PADDLEX[name] if name in _PADDLEX else _class_of(network)


def create(name: str, *, seed: int | None = None, **init_params: Any) -> Segmenter:
    """Build a network by its class name, with weights drawn from ``seed``.

    Args:
        name: class name, such as ``"FastSCNN"``.
        seed: seeds the initial weights; None leaves paddle's generator as it is.
        **init_params: the class's constructor arguments.

    Raises:
        InputError: unknown network or argument.
    """
    cls = model_class(name)
    known = list(inspect.signature(cls).parameters)
    for param in init_params:
        if param not in known:
            raise InputError(
                "{name} has no parameter “{param}”: choose among {known}.",
                name=name,
                param=param,
                known=", ".join(known),
            )
    if seed is not None:
        seed_everything(seed)
    return cls(**init_params)


@cache
def _class_of(network: Network) -> type[Segmenter]:
    """Make the class of a network that PaddleX does not have, from its entry and its layer."""

    def __init__(self: Segmenter, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        Segmenter.__init__(self)

    signature = _signature(network)
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    names = list(signature.parameters)[1:]
    content = {"__init__": __init__, "__doc__": _doc(network, names), "__module__": "core.seg"}
    return type(network.name, (Segmenter,), content)


def _signature(network: Network) -> inspect.Signature:
    """Return the constructor's: the class count, the loss, then the layer's arguments by name."""
    one = inspect.Parameter
    own = [
        parameter.replace(kind=one.KEYWORD_ONLY, annotation=one.empty)
        for parameter in inspect.signature(network.layer_class()).parameters.values()
        if parameter.name != "num_classes" and parameter.kind is one.POSITIONAL_OR_KEYWORD
    ]
    return inspect.Signature(
        [
            one("self", one.POSITIONAL_OR_KEYWORD),
            one("num_classes", one.POSITIONAL_OR_KEYWORD, default=2),
            one("use_mixed_loss", one.POSITIONAL_OR_KEYWORD, default=False),
            *own,
        ]
    )


def _doc(network: Network, names: list[str]) -> str:
    options = {option.name: option for option in network.options}
    texts = {
        "num_classes": "number of classes, background included.",
        "use_mixed_loss": "as in ``FastSCNN``.",
        "align_corners": "how bilinear resizing inside the network aligns pixels.",
    }
    for name, option in options.items():
        texts[name] = f"{option.title}: {', '.join(repr(value) for value in option.values)}."
    lines = [f"    {name}: {texts.get(name, 'see the network.')}" for name in names]
    return "\n".join([str(network.summary), "", "Args:", *lines])
