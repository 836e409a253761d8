"""Exponential moving average of a network's weights, often the better model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle

Arrays = dict[str, npt.NDArray[Any]]


class WeightAverage:
    """Average of all weights of ``net``; batch norm's running statistics are averaged alike.

    The statistics belong to the weights they were measured with, so they must lag as far behind.

    Args:
        net: the network that is trained.
        decay: share of the average that each step keeps, below 1. The first steps keep less,
            ``(1 + step) / (10 + step)``, or they would show the initial weights for long.
    """

    def __init__(self, net: Any, decay: float) -> None:
        self._decay = decay
        self._weights: dict[str, Any] = dict(net.state_dict())
        self._on_cpu = all(tensor.place.is_cpu_place() for tensor in self._weights.values())
        #: arrays on a processor, tensors on a card
        self._average = {name: self._copy(tensor) for name, tensor in self._weights.items()}

    def update(self, step: int) -> None:
        """Take in the weights after global step ``step``, counted from 1."""
        taken = 1.0 - min(self._decay, (1 + step) / (10 + step))
        if self._on_cpu:
            # Hundreds of small tensors: Paddle's calls cost six times as much as NumPy's.
            for name, tensor in self._weights.items():
                average = self._average[name]
                average += np.float32(taken) * (np.from_dlpack(tensor.detach()) - average)
            return
        with paddle.no_grad():
            for name, tensor in self._weights.items():
                self._average[name].lerp_(tensor.detach(), taken)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the network has the average's weights."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def apply(self) -> None:
        """Leave the average in the network; the end of a training."""
        self._exchange()

    def trained_weights(self) -> Arrays:
        """Return the weights that the optimizer works on, by name; call while ``applied``."""
        return {name: np.array(average) for name, average in self._average.items()}

    def restore(self, trained: Mapping[str, Any] | None) -> None:
        """After a checkpoint's model (the average) was loaded into the network: go on with it.

        Args:
            trained: the checkpoint's ``trained_weights``; None when it had no average, which then
                begins at its weights.
        """
        for name, tensor in self._weights.items():
            self._average[name] = self._copy(tensor)
        if trained is not None:
            load_trained(self._weights, trained)

    def _exchange(self) -> None:
        with paddle.no_grad():
            for name, tensor in self._weights.items():
                trained = self._copy(tensor)
                paddle.assign(self._average[name], tensor)
                self._average[name] = trained

    def _copy(self, tensor: Any) -> Any:
        return tensor.numpy().copy() if self._on_cpu else tensor.detach().clone()


def load_trained(weights: Mapping[str, Any], trained: Mapping[str, Any]) -> None:
    """Give ``weights`` (tensors by name) the arrays of ``trained``.

    Raises:
        ValueError: another network's.
    """
    for name, tensor in weights.items():
        array = trained.get(name)
        if not isinstance(array, np.ndarray) or list(array.shape) != list(tensor.shape):
            raise ValueError(f"{name} is missing or has another shape")
        tensor.set_value(array)
