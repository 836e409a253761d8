"""The contract of a transform, lists of them, and their way to and from plain types."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import cv2
import numpy as np

from core.images.in_memory import as_image
from core.images.io import read_image, read_mask
from core.system.errors import InputError
from core.transforms.inversion import SpatialStep

Sample = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Transform(ABC):
    """One step on a sample: ``image`` (H, W, 3) RGB, perhaps ``mask`` (H, W) uint8, ``trace``.

    A transform never changes arrays in place and draws every random number from the generator it
    is given, so that a seed alone decides what a run sees. Its parameters are dataclass fields.

    A class of one's own is saved with a model, and loaded again, once ``register`` knows it.

    Attributes:
        is_random: whether it draws random numbers; then it has no place in an evaluation.
    """

    is_random: ClassVar[bool] = False

    @abstractmethod
    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Return ``sample`` with the changed entries replaced."""

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Apply to a copy of the dict; without ``rng`` the numbers are unpredictable."""
        trace = list(sample.get("trace", ()))
        return self.apply({**sample, "trace": trace}, rng or np.random.default_rng())

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return ``{name: parameters}`` of plain types, for ``model.yml``.

        Raises:
            InputError: it could not be read again: nobody registered the class, or a parameter is
                no plain value.
        """
        name = type(self).__name__
        if _REGISTRY.get(name) is not type(self):
            raise InputError(
                "The transform {name} cannot be saved with a model: put @register from "
                "core.transforms above its class, so that it can be loaded again.",
                name=name,
            )
        try:
            return {name: {key: _plain(value) for key, value in self._items()}}
        except TypeError as error:
            raise InputError(
                "The transform {name} cannot be saved with a model, {reason}: make its parameters "
                "numbers, texts and lists of these.",
                name=name,
                reason=str(error),
            ) from error

    def deterministic(self) -> Transform | None:
        """Return the transform without what it does at random; None: nothing is left."""
        return None if self.is_random else self

    def _items(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


_REGISTRY: dict[str, type[Transform]] = {}
TransformType = TypeVar("TransformType", bound=type[Transform])


def register(cls: TransformType) -> TransformType:
    """Class decorator: makes a transform one that model folders can hold.

    ``load_model`` finds the class by its name, so the module that defines it must be imported
    before a model with it is loaded.

    Raises:
        InputError: it is no transform, takes a name of this package, or has parameters that are
            no dataclass fields, which would be lost.
    """
    if not (isinstance(cls, type) and issubclass(cls, Transform)):
        raise InputError(
            "{name} is no transform: derive the class from core.transforms.Transform.",
            name=getattr(cls, "__name__", str(cls)),
        )
    name, known = cls.__name__, _REGISTRY.get(cls.__name__)
    package = __name__.rpartition(".")[0]
    taken = known is not None and known.__module__.startswith(f"{package}.")
    if taken and not cls.__module__.startswith(f"{package}."):
        raise InputError(
            "There is a transform called {name} already: give the class another name.", name=name
        )
    names = {field.name for field in fields(cls) if field.init}
    if set(inspect.signature(cls).parameters) != names:
        raise InputError(
            "The parameters of the transform {name} would not be saved: make it a dataclass, with "
            "@dataclass(frozen=True) below @register.",
            name=name,
        )
    _REGISTRY[name] = cls
    return cls


@register
@dataclass(frozen=True, slots=True)
class Decode(Transform):
    """Read ``image`` (path, or see ``as_image``) and ``mask``; ``Compose`` does it first.

    Args:
        to_rgb: turn the image's channels from BGR to RGB.

    Raises:
        InputError: unreadable, or image and mask differ in size.
    """

    to_rgb: bool = True

    def apply(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Replace paths by arrays."""
        source = sample["image"]
        image = read_image(source) if isinstance(source, (str, Path)) else as_image(source)
        mask_source = sample.get("mask")
        if mask_source is not None:
            is_path = isinstance(mask_source, (str, Path))
            mask = read_mask(mask_source) if is_path else mask_source
            if mask.shape != image.shape[:2]:
                raise size_mismatch(
                    mask_source if is_path else "mask",
                    (mask.shape[1], mask.shape[0]),
                    (image.shape[1], image.shape[0]),
                )
            sample["mask"] = mask
        sample["image"] = cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if self.to_rgb else image
        return sample


def size_mismatch(
    mask: Path | str, mask_size: tuple[int, int], image_size: tuple[int, int]
) -> InputError:
    """The error of a mask whose (width, height) is not its image's."""
    return InputError(
        "The mask {file} is {mask_width}×{mask_height} pixels but its image is"
        " {image_width}×{image_height}; both must have the same size.",
        file=mask,
        mask_width=mask_size[0],
        mask_height=mask_size[1],
        image_width=image_size[0],
        image_height=image_size[1],
    )


class Compose:
    """Decode a sample, then apply ``transforms`` in their order.

    Args:
        transforms: at least one transform of this package.
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        if not isinstance(transforms, Iterable) or isinstance(transforms, (str, Mapping)):
            raise InputError(
                "Compose takes a list of transforms, not {item}.", item=str(transforms)
            )
        transforms = list(transforms)
        for transform in transforms:
            if not isinstance(transform, Transform):
                raise InputError(
                    "Compose takes transforms, and {item} is none: make your own step a class "
                    "derived from core.transforms.Transform, with @register above it.",
                    item=getattr(transform, "__name__", str(transform)),
                )
        if not transforms:
            raise InputError("Compose takes a list of at least one transform, such as Resize.")
        self.transforms = transforms
        starts_decoded = isinstance(self.transforms[0], Decode)
        self._steps = [*([] if starts_decoded else [Decode()]), *self.transforms]

    def __call__(self, sample: Sample, rng: np.random.Generator | None = None) -> Sample:
        """Return a new sample; ``rng`` decides everything random.

        Returns:
            ``image``: (H, W, 3) RGB, float32 after ``Normalize`` (uint8 without one); ``mask``:
            (H, W) uint8 if one was given; ``trace``: for ``invert_label_map``.
        """
        rng = rng or np.random.default_rng()
        trace: list[SpatialStep] = []
        sample = {**sample, "trace": trace}
        for step in self._steps:
            sample = step.apply(sample, rng)
        return sample

    def to_list(self) -> list[dict[str, dict[str, Any]]]:
        """Return every transform as ``{name: parameters}``; ``transforms_from_list`` reads it."""
        return [transform.to_dict() for transform in self.transforms]

    def deterministic(self) -> tuple[Compose, tuple[str, ...]]:
        """Return it without anything random, and the names of the transforms that differ.

        Raises:
            InputError: nothing would be left.
        """
        kept = [transform.deterministic() for transform in self.transforms]
        changed = tuple(
            type(old).__name__
            for old, new in zip(self.transforms, kept, strict=True)
            if new is not old
        )
        if not changed:
            return self, ()
        left = [transform for transform in kept if transform is not None]
        if not left:
            raise InputError(
                "All transforms of the evaluation are random ({names}), and every image would be "
                "another each time: give it fixed ones, such as Resize and Normalize.",
                names=", ".join(changed),
            )
        return Compose(left), changed

    def __repr__(self) -> str:
        return f"Compose({self.transforms})"


def transforms_from_list(items: Sequence[Mapping[str, Any]]) -> Compose:
    """Rebuild a ``Compose`` from plain types, ours or PaddleX 2.1's ``model.yml``.

    Args:
        items: ``[{"Resize": {"target_size": 512}}, …]``.

    Raises:
        InputError: an unknown transform, or parameters it does not take.
    """
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise InputError("The list of transforms is empty or no list.")
    return Compose([_from_item(item) for item in items])


def _from_item(item: Any) -> Transform:
    if not isinstance(item, Mapping) or len(item) != 1:
        raise InputError(
            "A transform is written as {{name: parameters}}, not as {item}.", item=item
        )
    name, parameters = next(iter(item.items()))
    cls = _REGISTRY.get(name) if isinstance(name, str) else None
    if cls is None:
        raise InputError(
            "Unknown transform {name}; known are {known}. If it is your own, import the module "
            "that registers it (core.transforms.register) first.",
            name=name,
            known=", ".join(sorted(_REGISTRY)),
        )
    parameters = dict(parameters or {})
    convert = _FROM_PADDLEX.get(cls.__name__)
    if convert is not None:
        parameters = convert(parameters)
    try:
        return cls(**parameters)
    except TypeError as error:
        raise InputError(
            "The transform {name} cannot be made from {parameters}: {reason}.",
            name=name,
            parameters=parameters,
            reason=error,
        ) from error


def _distort_from_paddlex(parameters: dict[str, Any]) -> dict[str, Any]:
    """PaddleX stores a range r as [1 - r, 1 + r]."""
    return {
        name: value[1] - 1 if name.endswith("_range") and isinstance(value, Sequence) else value
        for name, value in parameters.items()
    }


def _resize_from_paddlex(parameters: dict[str, Any]) -> dict[str, Any]:
    """PaddleX stores RandomResize's ``target_sizes`` as ``target_size``."""
    return {{"target_size": "target_sizes"}.get(key, key): v for key, v in parameters.items()}


_FROM_PADDLEX: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "RandomDistort": _distort_from_paddlex,
    "RandomResize": _resize_from_paddlex,
}


def bad_parameter(transform: Transform, name: str, value: Any, wanted: str) -> InputError:
    """The error of a parameter out of its range."""
    return InputError(
        "{transform} takes {wanted} as {name}, not {value}.",
        transform=type(transform).__name__,
        wanted=wanted,
        name=name,
        value=str(value),
    )


def check_probability(transform: Transform, name: str) -> None:
    """Raise ``InputError`` unless the field is a number from 0 to 1."""
    value = getattr(transform, name)
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise bad_parameter(transform, name, value, "a number from 0 to 1")


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no plain form")
