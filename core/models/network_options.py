"""What each network is good at and which of its arguments are worth choosing, without the engine.

Names, defaults and values are those of the constructors in ``core.seg``.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.models.catalog import ModelName
from core.system.messages import Message, message

OptionValue = str | int | bool


@dataclass(frozen=True, slots=True)
class NetworkOption:
    """A constructor argument; ``choices`` hold its default and come with a text each."""

    name: str
    title: Message
    default: OptionValue
    choices: tuple[tuple[OptionValue, Message], ...]


STRENGTHS: dict[ModelName, Message] = {
    "FastSCNN": message("Small and fast: trains on a processor, runs in real time."),
    "BiSeNetV2": message("Real time with finer outlines than FastSCNN, at a few times its cost."),
    "UNet": message("Precise edges and fine detail; slow without a GPU."),
    "HRNet": message("Full resolution throughout: thin and small things; wants a GPU."),
    "DeepLabV3P": message("Large objects in context, the usual yardstick; wants a GPU."),
}
NETWORK_OPTIONS: dict[ModelName, tuple[NetworkOption, ...]] = {
    "UNet": (
        NetworkOption(
            "use_deconv",
            message("Upsampling"),
            False,
            (
                (False, message("bilinear resizing")),
                (True, message("transposed convolutions")),
            ),
        ),
    ),
    "HRNet": (
        NetworkOption(
            "width",
            message("Width"),
            48,
            (
                (18, message("18: 9.6 million parameters")),
                (48, message("48: 65.8 million parameters")),
            ),
        ),
    ),
    "DeepLabV3P": (
        NetworkOption(
            "backbone",
            message("Backbone"),
            "ResNet50_vd",
            (
                ("ResNet50_vd", message("ResNet50_vd: 26.7 million parameters")),
                ("ResNet101_vd", message("ResNet101_vd: 45.7 million parameters")),
            ),
        ),
        NetworkOption(
            "output_stride",
            message("Output stride"),
            8,
            (
                (8, message("8: finer features")),
                (16, message("16: about half the time and memory")),
            ),
        ),
    ),
}
