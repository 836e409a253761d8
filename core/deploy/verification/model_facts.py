"""What decides how a network is used, and where two accounts of it differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import zip_longest
from typing import Any, Final

import numpy as np

from core.deploy.verification.outcome import Fault
from core.deploy.verification.samples import Sample
from core.models.model_folder import network_input_size
from core.portable.manifest import Manifest
from core.system.errors import InputError
from core.system.messages import Message, message
from core.transforms import Compose, Transform, to_chw, transforms_from_list

#: Of a prepared image's values, which are around 1; a grey level is 0.017.
_SAME_VALUE: Final = 1e-4
_SAME_THRESHOLD: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """How images go in and what comes out means.

    Attributes:
        labels: class names, index = class id.
        transforms: preprocessing as ``[{name: parameters}, …]``.
        size_multiple: what sides of the network's input are continued to multiples of.
        thresholds: how sure the model must be of each class where that is asked for, or None.
        applies_thresholds: whether the file obeys them by itself.
        flip_test: whether the scores of an image are averaged with those of its mirror image.
        background: class id that means "nothing here", or None.
        color_order: ``"BGR"`` or ``"RGB"``, of the images that a file takes; None where not said.
        size: (width, height) of the network's input; None for any, or where not said.
    """

    labels: tuple[str, ...]
    transforms: tuple[dict[str, dict[str, Any]], ...]
    size_multiple: int = 1
    thresholds: tuple[float | None, ...] | None = None
    applies_thresholds: bool = False
    flip_test: bool = False
    background: int | None = None
    color_order: str | None = None
    size: tuple[int, int] | None = None

    def compose(self) -> Compose:
        """Return the preprocessing; raises ``InputError`` where it names what does not exist."""
        return transforms_from_list(list(self.transforms))

    @property
    def chosen_by(self) -> tuple[float | None, ...] | None:
        """Thresholds that the file obeys by itself, None for the highest score."""
        return self.thresholds if self.applies_thresholds else None

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> ModelFacts:
        """Return what a manifest says."""
        width, height = manifest.input.width, manifest.input.height
        return cls(
            labels=tuple(manifest.labels),
            transforms=tuple(
                {name: dict(parameters) for name, parameters in step.items()}
                for step in manifest.preprocessing or ()
            ),
            size_multiple=manifest.size_multiple,
            thresholds=manifest.thresholds,
            applies_thresholds=manifest.applies_thresholds,
            flip_test=manifest.flip_test,
            background=manifest.background,
            color_order=manifest.input.color_order,
            size=None if width is None or height is None else (width, height),
        )


def with_size_of_export(own: ModelFacts, inside: ModelFacts | None) -> ModelFacts:
    """Return how the network is to be used where its file was made for another size of image.

    Such a file has one more resize at the end, so that it sees what the network was trained to see.

    Args:
        own: the model's own account.
        inside: what the file says of itself.
    """
    if inside is None:
        return own
    *before, last = inside.transforms or ({},)
    if tuple(before) != own.transforms or set(last) != {"Resize"}:
        return own
    return replace(own, transforms=inside.transforms)


def differences(
    given: ModelFacts, own: ModelFacts, samples: Sequence[Sample], *, file: str
) -> tuple[list[Fault], list[Message]]:
    """Return what one account says otherwise than the model, as faults and as warnings.

    Args:
        given: the account, a manifest's or that inside of the exported file.
        own: the model's.
        samples: images that the two preprocessings are tried on.
        file: name of the file that holds ``given``.
    """
    faults, warnings = _preprocessing(given, own, samples, file=file)
    faults += [Fault("postprocessing", one) for one in _meaning(given, own, file=file)]
    return faults, warnings


def _preprocessing(
    given: ModelFacts, own: ModelFacts, samples: Sequence[Sample], *, file: str
) -> tuple[list[Fault], list[Message]]:
    if not given.transforms:
        text = message("{file} does not say how images are prepared for the network.", file=file)
        return [Fault("preprocessing", text)], []
    try:
        theirs = given.compose()
    except InputError as error:
        text = message(
            "{file} says of the preprocessing what cannot be done: {reason}",
            file=file,
            reason=error,
        )
        return [Fault("preprocessing", text)], []
    ours = own.compose()
    if (difference := first_difference(theirs, ours, file=file)) is not None:
        if any(_prepare_alike(theirs, ours, one) is False for one in samples):
            return [Fault("preprocessing", difference)], []
        return [], [difference]
    free = network_input_size(own.transforms) is None
    if free and given.size_multiple != own.size_multiple:
        text = message(
            "{file} continues the sides of images to multiples of {given} pixels, the model to "
            "multiples of {own}.",
            file=file,
            given=given.size_multiple,
            own=own.size_multiple,
        )
        return [Fault("preprocessing", text)], []
    return [], []


def _prepare_alike(theirs: Compose, ours: Compose, sample: Sample) -> bool | None:
    """Whether two preprocessings make the same of an image; None where ours cannot take it."""
    pixels = sample.pixels()
    try:
        expected = to_chw(ours({"image": pixels})["image"])
    except InputError:
        return None
    try:
        prepared = to_chw(theirs({"image": pixels})["image"])
    except InputError:
        return False
    if prepared.shape != expected.shape:
        return False
    return bool(np.abs(prepared - expected).max() <= _SAME_VALUE)


def first_difference(theirs: Compose, ours: Compose, *, file: str) -> Message | None:
    """Return the first thing that two preprocessings say otherwise, None where they are equal."""
    for given, own in zip_longest(theirs.transforms, ours.transforms):
        if type(given) is not type(own):
            return message(
                "{file} says that images are prepared by {given}, the model was trained with "
                "{own}.",
                file=file,
                given=_names(theirs.transforms),
                own=_names(ours.transforms),
            )
        for one in fields(own):
            if one.compare and not _equal(getattr(given, one.name), getattr(own, one.name)):
                return message(
                    "{file} says {name} {given} ({transform}), the model was trained with {own}.",
                    file=file,
                    name=one.name,
                    given=_words(getattr(given, one.name)),
                    transform=type(own).__name__,
                    own=_words(getattr(own, one.name)),
                )
    return None


def _meaning(given: ModelFacts, own: ModelFacts, *, file: str) -> Iterable[Message]:
    """Yield what is said otherwise of that which comes out."""
    if len(given.labels) != len(own.labels):
        yield message(
            "{file} names {given} {given:class|classes}, the model has {own}.",
            file=file,
            given=len(given.labels),
            own=len(own.labels),
        )
        return
    for index, (name, right) in enumerate(zip(given.labels, own.labels, strict=True)):
        if name != right:
            yield message(
                "{file} calls class {index} {given}, the model calls it {own}.",
                file=file,
                index=index,
                given=name,
                own=right,
            )
            break
    if given.background != own.background:
        yield message(
            "{file} says that the background is {given}, in the model it is {own}.",
            file=file,
            given=_class(given.background, own.labels),
            own=_class(own.background, own.labels),
        )
    if given.applies_thresholds != own.applies_thresholds:
        yield (
            message(
                "{file} says that the model file obeys the thresholds, and it does not.", file=file
            )
            if given.applies_thresholds
            else message(
                "{file} says that the model file does not obey the thresholds, and it does.",
                file=file,
            )
        )
    if given.flip_test != own.flip_test:
        yield (
            message(
                "{file} says that the mirror image counts, too, and in the model file it does not.",
                file=file,
            )
            if given.flip_test
            else message(
                "{file} says that the mirror image does not count, and in the model file it does.",
                file=file,
            )
        )
    yield from _thresholds(given, own, file=file)


def _thresholds(given: ModelFacts, own: ModelFacts, *, file: str) -> Iterable[Message]:
    if given.thresholds is None or own.thresholds is None:
        if own.thresholds is not None:
            yield message("{file} has no thresholds, and the model has some.", file=file)
        elif given.thresholds is not None:
            yield message("{file} has thresholds, and the model has none.", file=file)
        return
    for label, one, right in zip(own.labels, given.thresholds, own.thresholds, strict=True):
        if not _equal(one, right, tolerance=_SAME_THRESHOLD):
            yield message(
                "{file} says that the threshold of {label} is {given}, the model's is {own}.",
                file=file,
                label=label,
                given=_words(one),
                own=_words(right),
            )
            return


def _equal(first: Any, second: Any, *, tolerance: float = 1e-9) -> bool:
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(
            _equal(one, other, tolerance=tolerance)
            for one, other in zip(first, second, strict=True)
        )
    numbers = (int, float)
    if isinstance(first, numbers) and isinstance(second, numbers):
        return abs(first - second) <= tolerance
    return bool(first == second)


def _names(steps: Sequence[Transform]) -> str:
    return ", ".join(type(step).__name__ for step in steps)


def _words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"({', '.join(_words(one) for one in value)})"
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None else str(value)


def _class(index: int | None, labels: Sequence[str]) -> str:
    return "–" if index is None else labels[index] if index < len(labels) else str(index)
