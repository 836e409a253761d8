"""Predicting with a network of Paddle's, and the device it computes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import paddle

from core.models.model_folder import usual_input_size
from core.prediction.predictor import (
    WINDOW,
    ImageCallback,
    ImageEvaluation,
    LabelMap,
    NetworkPredictor,
    Scores,
    evaluate,
)
from core.system.device_choice import parse_device
from core.system.errors import InputError

if TYPE_CHECKING:
    from core.transforms import Compose

__all__ = [
    "WINDOW",
    "ImageCallback",
    "ImageEvaluation",
    "ImagePredictor",
    "LabelMap",
    "evaluate",
    "inference_mode",
    "select_device",
    "use_device",
]


def select_device(device: str) -> str:
    """Make paddle compute on ``device``; return its name as paddle uses it.

    Args:
        device: ``"auto"`` (a GPU if there is one), ``"cpu"``, ``"gpu"`` or ``"gpu:1"``.

    Raises:
        InputError: no such device here, or several are named.
    """
    choice = parse_device(device)
    if choice.is_several:
        raise InputError(
            "{device} takes several processes: train with the train command, or start the script "
            "with paddle.distributed.launch; everything else uses one device.",
            device=device,
        )
    gpus = paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0
    name = choice.names[0]
    if name == "auto":
        name = "gpu:0" if gpus else "cpu"
    if name == "cpu":
        paddle.set_device("cpu")
        return "cpu"
    if int(name.partition(":")[2]) >= gpus:
        raise InputError(
            "There is no device {device}: paddle sees {count} GPUs here. Use cpu, or run the "
            "doctor command to see what is missing.",
            device=device,
            count=gpus,
        )
    paddle.set_device(name)
    return name


def use_device(net: Any, device: str | None) -> None:
    """Compute on ``device``, and move the network there; None leaves all as it is."""
    if device is not None:
        net.to(device=select_device(device))


@contextlib.contextmanager
def inference_mode(net: Any) -> Iterator[None]:
    """Evaluation behaviour of batch norm and dropout, no gradients; restores the mode."""
    was_training = net.training
    net.eval()
    try:
        with paddle.no_grad():
            yield
    finally:
        if was_training:
            net.train()


def takes_any_size(net: Any) -> bool:
    """Whether images of any size mean the same to ``net``: nothing is pooled to a grid."""
    return not any(
        isinstance(layer, paddle.nn.AdaptiveAvgPool2D) and set(_pair(layer._output_size)) != {1}
        for layer in net.sublayers()
    )


def only_size(net: Any, transforms: Compose) -> tuple[int, int] | None:
    """Return the (width, height) of all inputs of a network that pools to a grid; None for any.

    It is the size that the network was trained on, and that its exported file takes: in a larger
    window the cells of its grid would be larger, too. None where the preprocessing tells no size.
    """
    return None if takes_any_size(net) else usual_input_size(transforms.to_list())


def _pair(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


class ImagePredictor(NetworkPredictor):
    """A network with its preprocessing.

    Args:
        net: (N, 3, H, W) → list of logits (N, num_classes, H, W).
        transforms: preprocessing.
        num_classes: number of classes.
        window: (width, height) above which a network input is predicted in windows; None for
            1024 × 1024, or what ``only_size`` says, which ``size`` is then, too.
        overlap: pixels that neighbouring windows share; None for 256, or half a smaller window.
        multiple: what sides of windows and inputs are multiples of.
        size: (width, height) of the only input that the network is to be given; None for any.
        flip_test: average the logits with those of the mirror image, left to right.
    """

    def __init__(
        self,
        net: Any,
        transforms: Compose,
        *,
        num_classes: int,
        window: tuple[int, int] | None = None,
        overlap: int | None = None,
        multiple: int = 1,
        size: tuple[int, int] | None = None,
        flip_test: bool = False,
    ) -> None:
        if window is None and size is None:
            size = only_size(net, transforms)
        super().__init__(
            transforms,
            num_classes=num_classes,
            window=WINDOW if window is None else window,
            overlap=overlap,
            multiple=multiple,
            size=size,
        )
        self.net = net
        self.flip_test = flip_test

    def logits(self, images: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32 → (N, num_classes, H, W)."""
        with inference_mode(self.net):
            logits: Scores = self.net(paddle.to_tensor(images))[0].numpy()
            if self.flip_test:
                logits += self.mirrored_logits(images)
                logits *= 0.5
        return logits

    def mirrored_logits(self, images: npt.NDArray[np.float32]) -> Scores:
        """Logits of the mirror images, mirrored back: (N, 3, H, W) → (N, num_classes, H, W)."""
        mirrored = np.ascontiguousarray(images[..., ::-1])
        with inference_mode(self.net):
            logits: Scores = self.net(paddle.to_tensor(mirrored))[0].numpy()
        return logits[..., ::-1]
