"""What ``predict`` may be given, by whichever class of the library it is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt
from PIL import Image as PillowImage

from core.images.in_memory import IN_MEMORY, not_an_image
from core.system.errors import InputError
from core.transforms import Compose, Transform

#: One image: a path, or what ``core.images.in_memory.as_image`` takes.
Image: TypeAlias = str | os.PathLike[str] | npt.NDArray[Any] | PillowImage.Image
Prediction: TypeAlias = dict[str, npt.NDArray[Any]]
#: Preprocessing that a caller chooses; a list is taken as ``Compose`` of it.
Transforms: TypeAlias = Compose | Transform | Sequence[Transform]


def predict_images(
    predict: Callable[[Any], Prediction], img_file: Image | Iterable[Image]
) -> Prediction | list[Prediction]:
    """Predict one image, or each of a list; see ``Segmenter.predict``.

    Args:
        predict: predicts one image.
        img_file: what the caller was given.

    Raises:
        InputError: something is no image or cannot be read; of a list, it is said which one.
    """
    if _is_image(img_file):
        return predict(_plain(img_file))
    images = check_images(img_file)
    predictions = []
    for number, image in enumerate(images, 1):
        try:
            predictions.append(predict(image))
        except InputError as error:
            raise error if isinstance(image, str) else _numbered(number, error) from error
    return predictions


def check_images(images: Any) -> list[Any]:
    """Return a list of images once nothing in it is plainly none, so that no work is lost.

    Raises:
        InputError: it is no list, or an entry is no image; its number is said.
    """
    if not isinstance(images, Iterable) or isinstance(images, (bytes, bytearray, Mapping)):
        raise not_an_image(images)
    images = list(images)
    for number, image in enumerate(images, 1):
        if not _is_image(image):
            raise _numbered(number, not_an_image(image))
    return [_plain(image) for image in images]


def as_compose(transforms: Any) -> Compose:
    """Return preprocessing that a caller chose as a ``Compose``.

    Args:
        transforms: a ``Compose``, one transform, or a list of them.

    Raises:
        InputError: nothing of that, or an empty list.
    """
    if isinstance(transforms, Compose):
        return transforms
    steps = [transforms] if isinstance(transforms, Transform) else transforms
    if not isinstance(steps, (list, tuple)):
        raise InputError(
            "transforms takes a Compose or a list of transforms, not {value}.",
            value=type(transforms).__name__,
        )
    for step in steps:
        if not isinstance(step, Transform):
            raise InputError(
                "transforms takes a Compose or a list of transforms, and {value} is no transform.",
                value=str(step),
            )
    return Compose(steps)


def _is_image(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike, *IN_MEMORY))


def _plain(image: Any) -> Any:
    """Paths as text; the rest as it is."""
    return str(Path(image)) if isinstance(image, (str, os.PathLike)) and image else image


def _numbered(number: int, error: InputError) -> InputError:
    return InputError("Image {number} of the list: {problem}", number=number, problem=str(error))
