"""Where an exported file goes another way than its network: before it, in it, or after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from core.deploy.verification.inner_tensors import InnerTensors, inner_tensors
from core.deploy.verification.model_facts import ModelFacts
from core.deploy.verification.originals import Answer, Array, LabelMap, Original
from core.deploy.verification.outcome import FLOAT_AGREEMENT, Fault
from core.deploy.verification.samples import Sample, probe_samples
from core.deploy.verification.whole_way import Exported, label_map_of, own_scores, scores_of
from core.portable.manifest import Manifest
from core.portable.tiling import needs_windows
from core.system.errors import InputError
from core.system.messages import Message, message

#: Of prepared values, which are around 1: a mean difference of a hundredth of a grey level is what
#: two ways of resizing come to; half of a level is another preprocessing.
_PREPARED_MEAN: Final = 5e-3
_PREPARED_LARGEST: Final = 0.1
#: Where larger images differ so much more, it is the windows.
_MUCH_MORE: Final = 10
#: Differences below are the arithmetic's.
_SMALL: Final = 1e-6


def swapped_colors(exported: Exported, original: Original, samples: Sequence[Sample]) -> bool:
    """Whether a file agrees with its network better when red and blue are swapped.

    Args:
        exported: the exported file.
        original: the network.
        samples: images in colour.
    """
    as_given = swapped = 0.0
    for sample in samples:
        answer = _answer(original, sample)
        if answer is None:
            continue
        pixels = sample.pixels()
        as_given += _distance(exported, answer, pixels)
        swapped += _distance(exported, answer, np.ascontiguousarray(pixels[..., ::-1]))
    return as_given > _SMALL and swapped < as_given / 2


def follows(
    exported: Exported, original: Original, given: ModelFacts
) -> Literal["model", "manifest"] | None:
    """Return which of two preprocessings a file computes, by what the network makes of both.

    Args:
        exported: the exported file.
        original: the network.
        given: what the manifest says.

    Returns:
        None where the two are the same, or the network is not at hand.
    """
    facts = replace(original.facts, transforms=given.transforms, size_multiple=given.size_multiple)
    if facts == original.facts or not given.transforms:
        return None
    distances = np.zeros(2)
    for sample in probe_samples():
        try:
            answers = original.answer(sample), original.answer_with(sample, facts)
        except InputError:  # one of them does not take this picture
            continue
        if answers[0] is None or answers[1] is None:
            return None
        pixels = sample.pixels()
        distances += [_distance(exported, one, pixels) for one in answers if one is not None]
    if distances[0] == distances[1]:
        return None
    return "model" if distances[0] < distances[1] else "manifest"


def locate(
    folder: Path,
    exported: Exported,
    original: Original,
    samples: Sequence[Sample],
    *,
    given: ModelFacts,
    least: float,
) -> Fault:
    """Return where a file that is not verified goes another way.

    Args:
        folder: of the export.
        exported: the exported file.
        original: the network.
        samples: images on which they differ, the worst first, then others.
        given: what the manifest says.
        least: agreement of label maps that counts as the same, 0 … 1.
    """
    known = list(_answers(original, samples))
    for find in (_read_otherwise, _follows_manifest, _ignores_thresholds):
        if (fault := find(exported, original, known, given, least)) is not None:
            return fault
    shares = [_difference(exported, *pair) for pair in known]
    windowed = [_in_windows(exported.manifest, *pair) for pair in known]
    in_windows = max((s for s, w in zip(shares, windowed, strict=True) if w), default=0.0)
    at_once = max((s for s, w in zip(shares, windowed, strict=True) if not w), default=0.0)
    if in_windows > _MUCH_MORE * max(at_once, 1 - FLOAT_AGREEMENT):
        return Fault("postprocessing", _other_windows(exported.manifest))
    whole = [
        pair
        for share, is_windowed, pair in zip(shares, windowed, known, strict=True)
        if share >= at_once and not is_windowed
    ]
    for sample, answer in whole:
        tensors = inner_tensors(
            folder, exported.manifest, sample.pixels(), runtime=exported.runtime.name
        )
        if tensors is not None and answer.prepared is not None and answer.logits is not None:
            return _by_tensors(exported, original, sample, answer, tensors, least=least)
    return _by_scores(exported, whole)


def _difference(exported: Exported, sample: Sample, answer: Answer) -> float:
    """Share of pixels that the file and the network give different classes."""
    return 1 - _same(label_map_of(exported, sample.pixels()), answer.label_map)


def _in_windows(manifest: Manifest, sample: Sample, answer: Answer) -> bool:
    """Whether an image is too large to be computed at once."""
    tiling = manifest.tiling
    if tiling is None:
        return False
    if manifest.graph == "complete":
        return needs_windows(sample.pixels(), tiling)
    if answer.prepared is None:
        return False
    height, width = answer.prepared.shape[1:]
    return bool(height > tiling.height or width > tiling.width)


def _other_windows(manifest: Manifest) -> Message:
    assert manifest.tiling is not None  # as something is computed in windows
    return message(
        "The file does what the model does on images of up to {width}×{height} pixels, and differs "
        "on larger ones, which are computed in windows.",
        width=manifest.tiling.width,
        height=manifest.tiling.height,
    )


def _answers(original: Original, samples: Sequence[Sample]) -> Iterator[tuple[Sample, Answer]]:
    for sample in samples:
        answer = _answer(original, sample)
        if answer is not None:
            yield sample, answer


def _answer(original: Original, sample: Sample) -> Answer | None:
    try:
        return original.answer(sample)
    except InputError:  # a picture of ours that this preprocessing does not take
        return None


def _distance(exported: Exported, answer: Answer, pixels: LabelMap) -> float:
    """Mean difference of the scores of an image, or where they are unknown of the label maps."""
    scores = own_scores(exported, answer)
    if scores is None:
        return float((label_map_of(exported, pixels) != answer.label_map).mean())
    return float(np.abs(scores_of(exported, pixels) - scores).mean())


def _read_otherwise(
    exported: Exported,
    _original: Original,
    known: Sequence[tuple[Sample, Answer]],
    _given: ModelFacts,
    least: float,
) -> Fault | None:
    """The line decodes a file to other pixels."""
    for sample, answer in known:
        if not isinstance(sample.image, Path):
            continue
        from_file = label_map_of(exported, str(sample.image))
        from_pixels = label_map_of(exported, sample.pixels())
        if _same(from_file, answer.label_map) < least <= _same(from_pixels, answer.label_map):
            text = message(
                "{image} is read as other pixels than in training: its pixels themselves give the "
                "model's label map.",
                image=sample.name,
            )
            return Fault("preprocessing", text)
        return None
    return None


def _follows_manifest(
    exported: Exported,
    original: Original,
    _known: Sequence[tuple[Sample, Answer]],
    given: ModelFacts,
    _least: float,
) -> Fault | None:
    """The file computes right what the manifest says, which is not what the model needs."""
    if follows(exported, original, given) != "manifest":
        return None
    text = message(
        "The file prepares images as manifest.json says, which is not how the model was trained."
    )
    return Fault("preprocessing", text)


def _ignores_thresholds(
    exported: Exported,
    original: Original,
    known: Sequence[tuple[Sample, Answer]],
    _given: ModelFacts,
    least: float,
) -> Fault | None:
    """The file chooses classes by thresholds, or does not, against what it is said to do."""
    facts = original.facts
    if facts.thresholds is None:
        return None
    for sample, answer in known[:1]:
        if answer.logits is None:
            return None
        chosen = replace(facts, applies_thresholds=not facts.applies_thresholds)
        otherwise = original.answer_with(sample, chosen)
        if otherwise is None:
            return None
        label_map = label_map_of(exported, sample.pixels())
        same = _same(label_map, otherwise.label_map)
        if same < least or same <= _same(label_map, answer.label_map):
            return None
        text = (
            message("The file is said to obey the thresholds, and does not.")
            if facts.applies_thresholds
            else message("The file obeys thresholds, and is said not to.")
        )
        return Fault("postprocessing", text)
    return None


def _by_tensors(
    exported: Exported,
    original: Original,
    sample: Sample,
    answer: Answer,
    tensors: InnerTensors,
    *,
    least: float,
) -> Fault:
    """Compare what the graph computes on the way, one after the other."""
    assert answer.prepared is not None and answer.logits is not None
    own = answer.prepared
    height, width = own.shape[1:]
    if tensors.prepared.shape[1] < height or tensors.prepared.shape[2] < width:
        return Fault("preprocessing", _other_size(tensors.prepared, own, sample))
    whole, tensors = tensors, tensors.cut(height, width)
    difference = np.abs(tensors.prepared - own)
    if difference.mean() > _PREPARED_MEAN or difference.max() > _PREPARED_LARGEST:
        if not _is_continued(whole.prepared, own):
            return Fault("preprocessing", _other_size(whole.prepared, own, sample))
        text = message(
            "The file prepares {image} otherwise than the model: what reaches the network differs "
            "by {mean} on average and by {largest} at most, where the values spread by {spread}.",
            image=sample.name,
            mean=_number(difference.mean()),
            largest=_number(difference.max()),
            spread=_number(own.std()),
        )
        return Fault("preprocessing", text)
    expected = original.logits_of(tensors.prepared)
    if expected is None:
        expected = answer.logits
    restored = original.label_map_of(tensors.logits, answer)
    wanted = original.label_map_of(expected, answer)
    if _same(restored, wanted) < least:
        return Fault("network", _other_logits(tensors.logits, expected, sample))
    if _same(restored, label_map_of(exported, sample.pixels())) < FLOAT_AGREEMENT:
        return Fault("postprocessing", _other_label_map(sample))
    if _same(wanted, answer.label_map) < _same(wanted, restored):
        text = message(
            "The file prepares {image} a little otherwise than the model, by {largest} at most; "
            "the network itself computes the same.",
            image=sample.name,
            largest=_number(difference.max()),
        )
        return Fault("preprocessing", text)
    return Fault("network", _other_logits(tensors.logits, expected, sample))


def _by_scores(exported: Exported, known: Sequence[tuple[Sample, Answer]]) -> Fault:
    """Without a look inside: whether the label map follows from the scores."""
    for sample, answer in known:
        scores = own_scores(exported, answer)
        if scores is None:
            continue
        pixels = sample.pixels()
        theirs = scores_of(exported, pixels)
        obeys_nothing = not exported.manifest.applies_thresholds
        label_map = label_map_of(exported, pixels)
        if obeys_nothing and _same(theirs.argmax(axis=2), label_map) < FLOAT_AGREEMENT:
            return Fault("postprocessing", _other_label_map(sample))
        return Fault("network", _other_logits(theirs, scores, sample))
    return Fault(
        "network", message("The network of the file gives other classes than the model's.")
    )


def _is_continued(prepared: Array, own: Array) -> bool:
    """Whether an input that is larger than the model's may be that one, continued by less."""
    return all(
        theirs - ours < max(32, ours)
        for theirs, ours in zip(prepared.shape[1:], own.shape[1:], strict=True)
    )


def _other_size(prepared: Array, own: Array, sample: Sample) -> Message:
    return message(
        "The file prepares {image} to another size than the model: {width}×{height} pixels reach "
        "the network instead of {own_width}×{own_height}.",
        image=sample.name,
        width=prepared.shape[2],
        height=prepared.shape[1],
        own_width=own.shape[2],
        own_height=own.shape[1],
    )


def _other_logits(theirs: Array, own: Array, sample: Sample) -> Message:
    if theirs.shape != own.shape:
        return message("The network of the file gives scores of another size than the model's.")
    return message(
        "On the same input of {image}, the network of the file gives other scores than the "
        "model's: they differ by up to {largest}, where they spread by {spread}.",
        image=sample.name,
        largest=_number(np.abs(theirs - own).max()),
        spread=_number(own.std()),
    )


def _other_label_map(sample: Sample) -> Message:
    return message(
        "The file gives {image} another label map than follows from its scores.",
        image=sample.name,
    )


def _same(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    return float((first == second).mean()) if first.shape == second.shape else 0.0


def _number(value: float | np.floating) -> str:
    return f"{float(value):.2g}"
