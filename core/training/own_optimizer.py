"""Optimizers that the caller made: on which parameters they work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import paddle

from core.system.errors import InputError

#: A network's parameters with their names, kept alive so that none is taken for another.
Parameters = Sequence[tuple[str, Any]]


def parameters_of(net: Any) -> Parameters:
    """Return a network's parameters with their names in it."""
    return list(net.named_parameters())


def check_optimizer(optimizer: Any, net: Any) -> None:
    """Raise ``InputError`` unless ``optimizer`` is one on parameters of ``net`` and no others."""
    if not isinstance(optimizer, paddle.optimizer.Optimizer):
        raise InputError(
            "optimizer is {value}: give a name or a paddle.optimizer.Optimizer.",
            value=repr(optimizer)[:100],
        )
    own = {id(parameter) for _, parameter in parameters_of(net)}
    given = [id(parameter) for group in _groups(optimizer) for parameter in group]
    strange = sum(parameter not in own for parameter in given)
    if strange or not given:
        raise InputError(
            "The optimizer was made for another network: {strange} of its {count} "
            "{count:parameter is|parameters are} not this one's. Make it with "
            "parameters=model.net.parameters().",
            strange=strange,
            count=len(given),
        )


def follow_network(optimizer: Any, before: Parameters, net: Any) -> None:
    """Give an optimizer the parameters of the network that was made from the one it was made for.

    Parameters keep their group by their names. New ones, such as the biases that batch norms
    become and the thresholds of quantisers, join the group of the parameter whose place in the
    network is nearest, if that one is trained.

    Args:
        optimizer: on parameters among ``before``.
        before: the network's parameters when the optimizer was made.
        net: the network now.
    """
    now = dict(net.named_parameters())
    if all(now.get(name) is parameter for name, parameter in before) and len(now) == len(before):
        return
    names = {id(parameter): name for name, parameter in before}
    group_of = {
        names[id(parameter)]: number
        for number, group in enumerate(_groups(optimizer))
        for parameter in group
    }
    former = [name for name, _ in before]
    joined: list[list[Any]] = [[] for _ in _groups(optimizer)]
    for name, parameter in now.items():
        number = group_of.get(name if name in former else _nearest(name, former))
        if number is not None and not parameter.stop_gradient:
            joined[number].append(parameter)
    _set_groups(optimizer, joined)


def _nearest(name: str, names: Sequence[str]) -> str:
    """Return the name with the longest beginning in common, layer by layer.

    The quantisers of tensors have the paths of the layers that make these, behind a name of their
    own.
    """
    parts = name.replace("/", ".").split(".")
    if not any(other.startswith(f"{parts[0]}.") for other in names):
        parts = parts[1:]

    def shared(other: str) -> int:
        pairs = zip(parts, other.split("."), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    return max(names, key=shared)


def _groups(optimizer: Any) -> list[list[Any]]:
    groups = optimizer._param_groups or []
    if groups and isinstance(groups[0], dict):
        return [list(group["params"]) for group in groups]
    return [list(groups)]


def _set_groups(optimizer: Any, groups: Sequence[list[Any]]) -> None:
    # Paddle has no public way to exchange an optimizer's parameters.
    former = optimizer._param_groups
    kept = {parameter.name for group in groups for parameter in group}
    if former and isinstance(former[0], dict):
        options = [{k: v for k, v in group.items() if k != "params"} for group in former]
        optimizer._param_groups = []
        for own, parameters in zip(options, groups, strict=True):
            if parameters:
                optimizer._add_param_group({**own, "params": parameters})
        optimizer._parameter_list = list(optimizer._param_groups)
    else:
        optimizer._parameter_list = optimizer._param_groups = groups[0]
    # Momenta of parameters that are no more.
    forget: Callable[[Any], None] = optimizer._already_create_accumulator.discard
    for tensors in optimizer._accumulators.values():
        for name in [name for name in tensors if name not in kept]:
            del tensors[name]
            forget(name)
