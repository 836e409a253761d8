"""What a verification found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from core.deploy.verification.machine_facts import Machine
from core.portable.manifest import Manifest
from core.system.messages import Message

Stage = Literal["preprocessing", "network", "postprocessing"]
STAGES: Final[tuple[Stage, ...]] = ("preprocessing", "network", "postprocessing")

#: Share of pixels that a float file must give the network's class.
FLOAT_AGREEMENT: Final = 0.9999
#: The same for an int8 file where no masks tell what the difference costs.
INT8_AGREEMENT: Final = 0.97
#: mIoU that an int8 file may lose, 0 … 1.
INT8_LOSS: Final = 0.005


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an export must keep to be called verified.

    Attributes:
        agreement: share of pixels of one class with the network, 0 … 1; None for 0.9999 in float,
            and for 0.97 of an int8 file where there are no masks.
        int8_loss: mIoU that an int8 file may lose where there are masks, 0 … 1.
    """

    agreement: float | None = None
    int8_loss: float = INT8_LOSS


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong.

    Attributes:
        stage: where.
        problem: one sentence.
    """

    stage: Stage
    problem: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageComparison:
    """One image, predicted by the network and by the exported file.

    Attributes:
        name: of the image.
        path: of the image.
        pixels: how many.
        same: how many have one class in both.
        difference: largest difference of scores (0 … 1) of a pixel, None where not compared.
    """

    name: str
    path: str
    pixels: int
    same: int
    difference: float | None

    @property
    def agreement(self) -> float:
        """Share of pixels of one class, 0 … 1."""
        return self.same / self.pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a verification found.

    Attributes:
        judged_by: ``"agreement"`` of pixels, or ``"miou"`` (an int8 file on images with masks).
        bound: what had to be kept: the least agreement, or the largest loss of mIoU.
        images: every image that was compared, in order.
        miou_model: of the network on the masks, None without any.
        miou_export: of the exported file.
        largest_difference: of the scores of a pixel, 0 … 1; None where no scores were compared.
        scored_images: on how many images scores were compared.
        faults: what is wrong, the first one to be put right first; empty: verified.
        warnings: what is to be known besides.
        machine: what computed the exported file.
        precision: of the file, ``"float32"`` or ``"int8"``.
        compared_with: ``"model"``, or ``"reference"``: what was stored at the export.
        unknown_images: images of which nothing was stored; 0 with the model.
        pictures: of what was found, by what they show; paths.
    """

    judged_by: Literal["agreement", "miou"]
    bound: float
    images: tuple[ImageComparison, ...]
    miou_model: float | None
    miou_export: float | None
    largest_difference: float | None
    scored_images: int
    faults: tuple[Fault, ...]
    warnings: tuple[Message, ...]
    machine: Machine
    format: str
    graph: str
    precision: str
    compared_with: Literal["model", "reference"]
    unknown_images: int = 0
    pictures: Mapping[str, str] = field(default_factory=dict)

    @property
    def verified(self) -> bool:
        """Whether the file may be used in place of the network."""
        return not self.faults

    @property
    def agreement(self) -> float | None:
        """Share of all pixels of one class in both, 0 … 1; None where nothing could be compared."""
        return agreement_of(self.images)

    @property
    def worst_image(self) -> ImageComparison | None:
        """The image with the lowest agreement, and of equal ones the largest difference."""
        return worst(self.images)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types; sentences also with template and places, to be translated."""
        first = self.faults[0] if self.faults else None
        worst_one = self.worst_image
        return {
            "verified": self.verified,
            "agreement": self.agreement,
            "miou_model": self.miou_model,
            "miou_export": self.miou_export,
            "largest_difference": self.largest_difference,
            "worst_image": None if worst_one is None else _image(worst_one),
            "stage": None if first is None else first.stage,
            "problem": None if first is None else str(first.problem),
            "faults": [{"stage": one.stage, **_sentence(one.problem)} for one in self.faults],
            "warnings": [_sentence(one) for one in self.warnings],
            "judged_by": self.judged_by,
            "bound": self.bound,
            "images": len(self.images),
            "scored_images": self.scored_images,
            "unknown_images": self.unknown_images,
            "format": self.format,
            "graph": self.graph,
            "precision": self.precision,
            "compared_with": self.compared_with,
            "machine": self.machine.to_dict(),
            "pictures": dict(self.pictures),
        }


def is_quantized_export(manifest: Manifest) -> bool:
    """Whether a file rounds to 8 bits, be it in integers or, as Paddle's library does, in float."""
    return manifest.precision == "int8" or manifest.status == "Quantized"


def agreement_of(images: Sequence[ImageComparison]) -> float | None:
    """Return the share of all pixels of one class in both, 0 … 1; None of no images."""
    pixels = sum(one.pixels for one in images)
    return sum(one.same for one in images) / pixels if pixels else None


def worst(images: Sequence[ImageComparison]) -> ImageComparison | None:
    """Return the image with the lowest agreement, of equal ones with the largest difference."""
    return min(images, key=lambda one: (one.agreement, -(one.difference or 0.0)), default=None)


def _image(one: ImageComparison) -> dict[str, Any]:
    return {
        "image": one.name,
        "path": one.path,
        "agreement": one.agreement,
        "largest_difference": one.difference,
    }


def _sentence(sentence: Message) -> dict[str, Any]:
    return {
        "problem": str(sentence),
        "template": sentence.template,
        "params": dict(sentence.params),
    }
