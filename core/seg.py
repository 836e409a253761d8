"""The networks, under PaddleX's names and with PaddleX's constructor arguments."""

from __future__ import annotations

import inspect
from typing import Any

from core.errors import InputError
from core.networks.fast_scnn import FastSCNNNet
from core.networks.unet import UNetNet
from core.segmenter import Segmenter
from core.training.schedule import seed_everything
from core.visualization import visualize

__all__ = ["FastSCNN", "UNet", "create", "visualize"]

MixedLoss = bool | list[tuple[str, float]]


class FastSCNN(Segmenter):
    """Fast-SCNN (Poudel et al., 2019): real-time, 1.4 million parameters.

    Args:
        num_classes: number of classes, background included.
        use_mixed_loss: True for 0.8 cross entropy + 0.2 Lovász-softmax, False for cross entropy,
            or a list of ``(loss name, weight)``.
        align_corners: how bilinear resizing inside the network aligns pixels.
    """

    network = FastSCNNNet
    head_weights = (1.0, 0.4)

    def __init__(
        self,
        num_classes: int = 2,
        use_mixed_loss: MixedLoss = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__()


class UNet(Segmenter):
    """U-Net (Ronneberger et al., 2015), 13.4 million parameters.

    Args:
        num_classes: number of classes, background included.
        use_mixed_loss: as in ``FastSCNN``.
        use_deconv: upsample with transposed convolutions instead of bilinear resizing.
        align_corners: how bilinear resizing inside the network aligns pixels.
    """

    network = UNetNet

    def __init__(
        self,
        num_classes: int = 2,
        use_mixed_loss: MixedLoss = False,
        use_deconv: bool = False,
        align_corners: bool = False,
    ) -> None:
        super().__init__()


_CLASSES: dict[str, type[Segmenter]] = {cls.__name__: cls for cls in (FastSCNN, UNet)}


def model_class(name: str) -> type[Segmenter]:
    """Return the class called ``name``.

    Raises:
        InputError: no such network.
    """
    if name not in _CLASSES:
        raise InputError(
            "There is no network called “{name}”: choose one of {known}.",
            name=name,
            known=", ".join(_CLASSES),
        )
    return _CLASSES[name]


def create(name: str, *, seed: int | None = None, **init_params: Any) -> Segmenter:
    """Build a network by its class name, with weights drawn from ``seed``.

    Args:
        name: class name, ``"FastSCNN"`` or ``"UNet"``.
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
