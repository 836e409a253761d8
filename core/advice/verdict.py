"""What a measured model is good for, in words: a few rules that a person can check.

A class is good enough where at least half of its objects are found and at least half of what is
claimed is right. Where no class is the background, a scene is divided up and objects mean little:
there, classes are judged by their pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.models.model_verdict import Level, Verdict, nothing_but
from core.prediction.figures import ImageFigures
from core.prediction.inspection import Evaluation, background_class
from core.prediction.metrics import metrics_from_matrix
from core.system.messages import Message, message

Row = tuple[str, ImageFigures]
"""An image's path and its figures."""

_GOOD: Final = 0.5
_HOPELESS: Final = 0.1
#: Fewer steps than these teach a network next to nothing.
_FEW_STEPS: Final = 150
#: Of the pixels of a class, where there is no background; IoU.
_GOOD_IOU: Final = 0.5
_HOPELESS_IOU: Final = 0.05
_LEAST_MORE: Final = 5
#: Fewer false alarms than these are not worth a minimum area.
_MANY_SPECKS: Final = 3
_EXAMPLES: Final = 3


def judge(
    labels: Sequence[str],
    matrix: npt.NDArray[np.int64],
    figures: Mapping[str, Any],
    rows: Iterable[Row],
) -> Verdict:
    """Say what a model is good for.

    Args:
        labels: class names.
        matrix: pixel counts of its measurement, rows labels, columns predictions.
        figures: ``objects`` and ``images`` of the measurement (``Figures.to_dict``).
        rows: its images.
    """
    background = background_class(labels)
    if background is None:
        return _judge_scene(labels, matrix)
    examples = _missed(labels, rows)
    classes = figures["objects"]["classes"]
    images = int(figures["images"]["count"])
    sentences = [_class_sentence(one, images, examples) for one in classes]
    marks_nothing = not np.delete(matrix.sum(axis=0), background).any()
    level, summary = _whole(classes, figures["objects"]["all"])
    if marks_nothing and level is not Level.UNKNOWN:
        summary = nothing_but(labels[background])
    more = [
        message(
            "{name}: label more like these: {images}.",
            name=one["name"],
            images=_names(examples[one["name"]]),
        )
        for one in classes
        if one["found"] and one["recall"] < _GOOD
    ]
    specks = [one for one in classes if _specks(one) >= _MANY_SPECKS]
    if specks:
        more.append(_specks_sentence(specks))
    noisy = [
        one["name"]
        for one in classes
        if one["false_alarms"] > max(one["found"], 1)
        and one["false_alarms"] - _specks(one) > one["found"] // 2
    ]
    if noisy:
        more.append(
            message(
                "To get rid of false alarms ({names}), add images that show what is taken for a "
                "defect and label them as having none there.",
                names=", ".join(noisy),
            )
        )
    kinds = _images_sentence(figures["images"])
    return Verdict(level, (summary, *sentences, *kinds, *more), examples)


def judge_evaluation(evaluation: Evaluation) -> Verdict:
    """Say what a model is good for by an evaluation that counted objects (``read_evaluation``)."""
    rows = [(str(one.image), ImageFigures(objects=one.objects)) for one in evaluation.images]
    return judge(evaluation.labels, evaluation.matrix, evaluation.metrics, rows)


def with_steps(verdict: Verdict, steps: int) -> Verdict:
    """Add that a training was too short, where that comes before every other advice.

    Args:
        verdict: on the model that it made.
        steps: about how many there were time for.
    """
    if verdict.level not in (Level.NOT_USABLE, Level.PARTLY) or steps >= _FEW_STEPS:
        return verdict
    remark = message(
        "There was time for about {steps} {steps:step|steps} of training, and several hundred are "
        "usual: train it longer before you label more.",
        steps=steps,
    )
    first, *others = verdict.sentences
    return replace(verdict, sentences=(first, remark, *others))


def _whole(classes: Sequence[Mapping[str, Any]], total: Mapping[str, Any]) -> tuple[Level, Message]:
    """Judge all classes together."""
    occurring = [one for one in classes if one["objects"]]
    weak = [one["name"] for one in occurring if not _is_good(one)]
    if not occurring:
        return Level.UNKNOWN, message(
            "Not measured: these images show no object of any class, so nothing can be found in "
            "them."
        )
    if not total["found"]:
        return Level.NOT_USABLE, message("It finds nothing: not usable.")
    if total["recall"] < _HOPELESS:
        return Level.NOT_USABLE, message("It finds hardly anything: not usable.")
    real_claims = total["found"] + total["false_alarms"] - sum(_specks(one) for one in classes)
    if total["found"] < _HOPELESS * real_claims:
        return Level.NOT_USABLE, message("Nearly all that it marks is wrong: not usable.")
    if weak:
        return Level.PARTLY, message(
            "Partly usable: not good enough for {names}.", names=", ".join(weak)
        )
    return Level.USABLE, message("Usable: it finds most of what it should.")


def _is_good(one: Mapping[str, Any]) -> bool:
    return bool(one["found"]) and one["recall"] >= _GOOD and one["precision"] >= _GOOD


def more_labels(objects: int, found: int) -> int:
    """Return how many more objects to label at least, where ``found`` of ``objects`` are found.

    0 where a class is found well enough.
    """
    return 0 if found and found >= _GOOD * objects else max(_LEAST_MORE, objects - found)


def _class_sentence(
    one: Mapping[str, Any], images: int, examples: Mapping[str, tuple[str, ...]]
) -> Message:
    params = {
        "name": one["name"],
        "found": one["found"],
        "objects": one["objects"],
        "alarms": one["false_alarms"],
        "images": images,
    }
    if not one["objects"]:
        if one["false_alarms"]:
            return message(
                "{name}: does not occur in these images, and is claimed wrongly: {alarms} "
                "{alarms:time|times}.",
                **params,
            )
        return message("{name}: does not occur in these images, so it was not measured.", **params)
    if not one["found"]:
        params["more"] = more_labels(one["objects"], one["found"])
        params["images"] = _names(examples[one["name"]])
        return message(
            "{name}: finds none of {objects}: label at least {more} more, like these: {images}.",
            **params,
        )
    if images == 1:
        return message(
            "{name}: finds {found} of {objects} in one image, false alarms: {alarms}.", **params
        )
    if one["false_alarms"] == 0:
        return message(
            "{name}: finds {found} of {objects}, no false alarm in {images} {images:image|images}.",
            **params,
        )
    return message(
        "{name}: finds {found} of {objects}, {alarms} false {alarms:alarm|alarms} in {images} "
        "{images:image|images}.",
        **params,
    )


def _specks(one: Mapping[str, Any]) -> int:
    """Return how many false alarms are too small to be real; figures of before do not say."""
    return int((one.get("specks") or {}).get("false_alarms", 0))


def _specks_sentence(classes: Sequence[Mapping[str, Any]]) -> Message:
    areas = [
        f"{one['name']} {one['specks']['area']} px² ({_specks(one)}/{one['false_alarms']})"
        for one in classes
    ]
    return message(
        "Many false alarms are specks, smaller than half of the smallest real one. A minimum area "
        "leaves them out and loses nothing that is found: {areas}.",
        areas=", ".join(areas),
    )


def _images_sentence(images: Mapping[str, Any]) -> list[Message]:
    """Say how whole images are told apart, where there are good and defective ones."""
    if not images["good"] or not images["defective"]:
        return []
    return [
        message(
            "Whole images: it marks {detected} of {defective} defective {defective:one|ones}, and "
            "{alarms} of {good} good {good:one|ones}.",
            detected=images["detected"],
            defective=images["defective"],
            alarms=images["false_alarms"],
            good=images["good"],
        )
    ]


def _missed(labels: Sequence[str], rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """Return, by class name, images that show objects of it that were missed, most first."""
    missed: dict[int, list[tuple[int, str]]] = {}
    for image, figures in rows:
        for index, (objects, found, _) in figures.objects.items():
            if objects > found:
                missed.setdefault(index, []).append((objects - found, image))
    return {
        labels[index]: tuple(
            image for _, image in sorted(images, key=lambda pair: (-pair[0], pair[1]))[:_EXAMPLES]
        )
        for index, images in missed.items()
    }


def _names(images: Iterable[str]) -> str:
    return ", ".join(Path(image).name for image in images)


def _judge_scene(labels: Sequence[str], matrix: npt.NDArray[np.int64]) -> Verdict:
    """Judge by pixels: every class is something."""
    metrics = metrics_from_matrix(matrix)
    labelled = [index for index in range(len(labels)) if matrix[index].any()]
    predicted = np.flatnonzero(matrix.sum(axis=0))
    iou = {index: metrics["category_iou"][index] or 0.0 for index in labelled}
    weak = [labels[index] for index in labelled if iou[index] < _GOOD_IOU]
    sentences = [
        message(
            "{name}: recognises {percent} % of its pixels.",
            name=labels[index],
            percent=round(100 * metrics["category_recall"][index]),
        )
        for index in labelled
    ]
    if len(labelled) < 2:
        level = Level.UNKNOWN
        summary = message("Not measured: these images show fewer than two classes.")
    elif len(predicted) == 1:
        level, summary = Level.NOT_USABLE, nothing_but(labels[int(predicted[0])])
    elif max(iou.values()) < _HOPELESS_IOU:
        level, summary = Level.NOT_USABLE, message("It recognises nothing: not usable.")
    elif weak:
        level = Level.PARTLY
        summary = message("Partly usable: not good enough for {names}.", names=", ".join(weak))
    else:
        level = Level.USABLE
        summary = message("Usable: it recognises every class that occurs.")
    return Verdict(level, (summary, *sentences))
