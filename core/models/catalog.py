"""The networks there are, one entry each, without the engine; everything else asks here.

A network is its entry below and its file in ``core.networks``. Its class in ``core.seg``, the
window's list, the command line's, suggested settings and published weights follow from the entry.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from core.models import paddlex_models
from core.models.efficientnet_weights import EFFICIENTNET_LITE0
from core.models.packaged_weights import PackagedWeights
from core.system.errors import InputError
from core.system.messages import Message, message

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

OptionValue = str | int | bool
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class NetworkOption:
    """A constructor argument that is worth choosing; ``choices`` hold its default, each a text."""

    name: str
    title: Message
    default: OptionValue
    choices: tuple[tuple[OptionValue, Message], ...]

    @property
    def values(self) -> tuple[OptionValue, ...]:
        """The values that can be chosen."""
        return tuple(value for value, _ in self.choices)


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """What training a network takes.

    ``base_bytes`` and ``bytes_per_pixel``: memory = base + bytes_per_pixel × pixels in a batch
    (PaddleX's measurements on GPUs; HRNet's and BiSeNetV2's pixels measured on a processor).
    Input pixels trained a second: ``cpu_pixels_per_s`` by one core (``benchmarks/networks.py`` on
    two quiet ones of an EPYC; EfficientNetFPN by processor time), ``gpu_pixels_per_s`` by a
    middling GPU (an estimate). ``parameters`` at 2 classes. Each network is as its constructor's
    defaults build it (HRNet: width 48).
    """

    base_bytes: int
    bytes_per_pixel: int
    cpu_pixels_per_s: float
    gpu_pixels_per_s: float
    parameters: int


def _nothing(_: paddlex_models.Shapes) -> dict[str, Any]:
    return {}


# Compared and hashed as the one thing it is.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """One network.

    Attributes:
        name: of its class in ``core.seg``.
        layer: its ``paddle.nn.Layer``, as ``"module:class"``; built from ``num_classes`` and the
            other arguments of its constructor, which have defaults.
        summary: what it is good at, one line.
        cost: what training takes.
        options: arguments that are worth choosing, as the window shows them.
        scores_bias: name of what is added to each class's score in its first output, (classes,).
        head_weights: what the loss of each of its outputs counts for.
        takes_any_size: whether images of any size mean the same to it; not so for one that pools
            its features to a grid.
        published: paths of published weights by ``[variant_]NAME`` (``core.models.pretrained``).
        packaged: those of its encoder that come in an installed package, by such names.
        default_weights: name of those that a training starts from where nothing is chosen; None:
            from chance.
        encoder: how the names of the parameters begin that weights of the encoder alone fill.
        variant: which of several sizes ``published`` means, made of ``options``' values.
        lost_params: reads the arguments that PaddleX leaves out of its model folders off the
            weights' shapes.
        shapeless_params: those that no weight tells.
    """

    name: str
    layer: str
    summary: Message
    cost: NetworkCost
    scores_bias: str
    options: tuple[NetworkOption, ...] = ()
    head_weights: tuple[float, ...] = (1.0,)
    takes_any_size: bool = True
    published: Mapping[str, str] = field(default_factory=dict)
    packaged: Mapping[str, PackagedWeights] = field(default_factory=dict)
    default_weights: str | None = None
    encoder: str = ""
    variant: str = ""
    lost_params: Callable[[paddlex_models.Shapes], dict[str, Any]] = _nothing
    shapeless_params: tuple[str, ...] = ("align_corners",)

    def layer_class(self) -> Any:
        """Import the class of the network; this imports the engine."""
        return pkgutil.resolve_name(self.layer)

    def weights_key(self, name: str, init_params: Mapping[str, Any]) -> str:
        """Return the weights' key in ``published`` or ``packaged`` for these arguments."""
        defaults = {option.name: option.default for option in self.options}
        return "_".join(filter(None, (self.variant.format_map(defaults | dict(init_params)), name)))


_NETWORKS = (
    Network(
        name="FastSCNN",
        layer="core.networks.fast_scnn:FastSCNNNet",
        summary=message("Small and fast: trains on a processor, runs in real time."),
        cost=NetworkCost(636 * _MIB, 576, 1.1e6, 20e6, 1_200_000),
        scores_bias="classifier.conv.bias",
        head_weights=(1.0, 0.4),
        takes_any_size=False,
        published={"CITYSCAPES": "cityscapes/fastscnn_cityscapes_1024x1024_160k/model.pdparams"},
    ),
    Network(
        name="BiSeNetV2",
        layer="core.networks.bisenetv2:BiSeNetV2Net",
        summary=message("Real time with finer outlines than FastSCNN, at a few times its cost."),
        cost=NetworkCost(591 * _MIB, 1024, 350e3, 12e6, 2_510_000),
        scores_bias="head.conv_1x1.bias",
        head_weights=(1.0,) * 5,
        published={"CITYSCAPES": "cityscapes/bisenet_cityscapes_1024x1024_160k/model.pdparams"},
    ),
    Network(
        name="UNet",
        layer="core.networks.unet:UNetNet",
        summary=message("Precise edges and fine detail; slow without a GPU."),
        cost=NetworkCost(1275 * _MIB, 5024, 36e3, 3e6, 13_400_000),
        scores_bias="conv.bias",
        options=(
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
        published={"CITYSCAPES": "cityscapes/unet_cityscapes_1024x512_160k/model.pdparams"},
        lost_params=paddlex_models.unet_params,
    ),
    Network(
        name="HRNet",
        layer="core.networks.hrnet:HRNetNet",
        summary=message("Full resolution throughout: thin and small things; wants a GPU."),
        cost=NetworkCost(1600 * _MIB, 7200, 50e3, 2.5e6, 65_800_000),
        scores_bias="head.cls.bias",
        options=(
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
        published={
            "HRNet_W18_CITYSCAPES": (
                "cityscapes/fcn_hrnetw18_cityscapes_1024x512_80k/model.pdparams"
            ),
            "HRNet_W48_CITYSCAPES": (
                "cityscapes/fcn_hrnetw48_cityscapes_1024x512_80k/model.pdparams"
            ),
            "HRNet_W18_PascalVOC": "pascal_voc12/fcn_hrnetw18_voc12aug_512x512_40k/model.pdparams",
            "HRNet_W48_PascalVOC": "pascal_voc12/fcn_hrnetw48_voc12aug_512x512_40k/model.pdparams",
        },
        variant="HRNet_W{width}",
        lost_params=paddlex_models.hrnet_params,
    ),
    Network(
        name="DeepLabV3P",
        layer="core.networks.deeplabv3p:DeepLabV3PNet",
        summary=message("Large objects in context, the usual yardstick; wants a GPU."),
        cost=NetworkCost(1469 * _MIB, 6420, 57e3, 2.5e6, 26_700_000),
        scores_bias="head.decoder.conv.bias",
        options=(
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
        published={
            "ResNet50_vd_CITYSCAPES": (
                "cityscapes/deeplabv3p_resnet50_os8_cityscapes_1024x512_80k/model.pdparams"
            ),
            "ResNet101_vd_CITYSCAPES": (
                "cityscapes/deeplabv3p_resnet101_os8_cityscapes_769x769_80k/model.pdparams"
            ),
            "ResNet50_vd_PascalVOC": (
                "pascal_voc12/deeplabv3p_resnet50_os8_voc12aug_512x512_40k/model.pdparams"
            ),
            "ResNet101_vd_PascalVOC": (
                "pascal_voc12/deeplabv3p_resnet101_os8_voc12aug_512x512_40k/model.pdparams"
            ),
            "ResNet50_vd_IMAGENET": "resnet50_vd_ssld_v2.tar.gz",
            "ResNet101_vd_IMAGENET": "resnet101_vd_ssld.tar.gz",
        },
        encoder="backbone.",
        variant="{backbone}",
        lost_params=paddlex_models.deeplab_params,
        shapeless_params=("output_stride", "aspp_ratios", "align_corners"),
    ),
    Network(
        name="EfficientNetFPN",
        layer="core.networks.efficientnet_fpn:EfficientNetFPNNet",
        summary=message(
            "Pretrained on a million photographs: learns from few labels, on a processor, too."
        ),
        cost=NetworkCost(450 * _MIB, 2000, 400e3, 10e6, 3_060_000),
        scores_bias="classifier.conv.bias",
        packaged={"IMAGENET": EFFICIENTNET_LITE0},
        default_weights="IMAGENET",
        encoder="backbone.",
    ),
)
#: All networks by name, in the order in which they are shown.
NETWORKS: dict[str, Network] = {network.name: network for network in _NETWORKS}


def find_network(name: str) -> Network:
    """Return the network called ``name``.

    Raises:
        InputError: there is none.
    """
    if name not in NETWORKS:
        raise InputError(
            "There is no network called “{name}”: choose one of {known}.",
            name=name,
            known=", ".join(NETWORKS),
        )
    return NETWORKS[name]


def alternatives(names: Iterable[str]) -> str:
    """Return ``A, B or C``."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


class _Known:
    """Tells pydantic to take names in the catalog only, with the words that it has for these."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import PydanticKnownError, core_schema

        def check(name: Any) -> str:
            if isinstance(name, str) and name in NETWORKS:
                return name
            expected = alternatives(f"'{known}'" for known in NETWORKS)
            raise PydanticKnownError("literal_error", {"expected": expected})

        return core_schema.no_info_plain_validator_function(check)


#: Name of a network; as a field of pydantic's it takes no other.
ModelName = Annotated[str, _Known()]
