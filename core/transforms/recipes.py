"""The preprocessing that jobs train and evaluate with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from core import transforms as T  # noqa: N812 - the field's usual short name

_RANGE = 0.4
_HUE_DEGREES = 10
#: Narrowest part cut out, width / height relative to the image's: below, nothing is recognisable.
_LEAST_ASPECT = 0.1
_MOST_STRETCH = 4.0


class Augmentation(BaseModel):
    """Random changes to training images; a probability or a range of 0 switches one off."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    horizontal_flip: float = Field(0.5, ge=0, le=1)
    vertical_flip: float = Field(0.0, ge=0, le=1)
    min_scale: float = Field(0.5, gt=0, le=1, description="smallest part of the image cut out")
    aspect_ratio: float = Field(0.33, ge=0, le=1, description="largest relative aspect change")
    class_crop: float = Field(
        0.0, ge=0, le=1, description="how often a part around a random class is cut out"
    )
    min_zoom: float = Field(
        1.0,
        gt=0,
        le=1,
        description="below 1, images are also shrunk so far and continued by their mirror image",
    )
    distort: float = Field(0.5, ge=0, le=1, description="brightness, contrast, saturation, hue")
    blur: float = Field(0.0, ge=0, le=1)


def train_transforms(
    image_size: tuple[int, int], augmentation: Augmentation, *, image_scale: float | None = None
) -> T.Compose:
    """Random part at random scale and aspect, flips, colour and blur; then network size.

    The part is cut from the image as it was taken, before it is scaled to the network's size, so
    that enlarged details are real ones.

    Args:
        image_size: (width, height) of the network's input.
        augmentation: how much of each.
        image_scale: network pixels for each pixel of an image; None: images are stretched to
            ``image_size``.
    """
    steps = _parts(image_size, augmentation, image_scale)
    if augmentation.horizontal_flip:
        steps.append(T.RandomHorizontalFlip(prob=augmentation.horizontal_flip))
    if augmentation.vertical_flip:
        steps.append(T.RandomVerticalFlip(prob=augmentation.vertical_flip))
    if augmentation.distort:
        steps.append(
            T.RandomDistort(
                brightness_range=_RANGE,
                brightness_prob=augmentation.distort,
                contrast_range=_RANGE,
                contrast_prob=augmentation.distort,
                saturation_range=_RANGE,
                saturation_prob=augmentation.distort,
                hue_range=_HUE_DEGREES,
                hue_prob=augmentation.distort,
            )
        )
    if augmentation.blur:
        steps.append(T.RandomBlur(prob=augmentation.blur))
    return T.Compose([*steps, T.Normalize()])


def _parts(
    image_size: tuple[int, int], augmentation: Augmentation, image_scale: float | None
) -> list[T.Transform]:
    """Return the steps from the image as it was taken to one of the network's size."""
    width, height = image_size
    aspect = max(_LEAST_ASPECT, 1 - augmentation.aspect_ratio)
    if augmentation.min_zoom < 1 or image_scale is not None:
        zoom = T.RandomZoomCrop(
            (height, width),
            scale=image_scale,
            zoom=(augmentation.min_zoom, 1 / augmentation.min_scale),
            aspect_ratio=min(1 / aspect, _MOST_STRETCH),
            class_prob=augmentation.class_crop,
        )
        return [zoom]
    steps: list[T.Transform] = []
    if augmentation.class_crop:
        steps.append(T.RandomClassCrop(prob=augmentation.class_crop))
    if augmentation.min_scale < 1:
        steps.append(T.RandomScaleAspect(min_scale=augmentation.min_scale, aspect_ratio=aspect))
    return [*steps, _to_network_size(image_size)]


def eval_transforms(image_size: tuple[int, int], *, image_scale: float | None = None) -> T.Compose:
    """Network size and normalisation.

    Args:
        image_size: (width, height) of the network's input, or of the parts it was trained on.
        image_scale: as in ``train_transforms``.
    """
    width, height = image_size
    if image_scale is not None:
        return T.Compose([T.Rescale(image_scale, window=(height, width)), T.Normalize()])
    return T.Compose([_to_network_size(image_size), T.Normalize()])


def _to_network_size(image_size: tuple[int, int]) -> T.Resize:
    width, height = image_size
    return T.Resize(target_size=(height, width))
