"""What is looked at in the data sets before a training or an evaluation begins."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.data.class_names import compare_class_names
from core.images.io import IGNORE_INDEX
from core.models.trainable import TrainableModel
from core.system.errors import InputError
from core.system.installation import program_name
from core.system.messages import Message, message
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose


def check_classes(model: TrainableModel, dataset: SegDataset) -> Message | None:
    """Compare the classes of the data with those that the model knows.

    Returns:
        A warning where one is called otherwise, or None.

    Raises:
        InputError: their number differs, one has another number, or ``dataset`` is no data set.
    """
    if not hasattr(dataset, "num_classes"):
        raise InputError("{value} is no data set: give a SegDataset.", value=repr(dataset)[:100])
    if dataset.num_classes != model.num_classes:
        raise InputError(
            "The data has {data} {data:class|classes} and the model {model}: they must be the "
            "same.",
            data=dataset.num_classes,
            model=model.num_classes,
        )
    return compare_class_names(dataset.labels, model.labels)


def warn_of_remarks(dataset: SegDataset, reporter: Reporter) -> None:
    """Tell what was assumed to read the lists of a data set."""
    for remark in dataset.remarks:
        reporter.warn(remark)


def goes_on_from(known: Sequence[str], labels: Sequence[str]) -> Message | None:
    """Compare the classes of the data with those of weights that are all trained on.

    Args:
        known: class names of the weights.
        labels: class names of the data, as many.

    Returns:
        A warning where one is called otherwise, or None.

    Raises:
        InputError: a class has another number.
    """
    if compare_class_names(labels, known) is None:
        return None
    return message(
        "The weights know the classes {known} and go on with {labels} under the same numbers: "
        "where a class is another thing now, start a new network with these weights as "
        "pretrain_weights, whose heads start anew.",
        known=", ".join(known),
        labels=", ".join(labels),
    )


def check_same_classes(train_dataset: SegDataset, eval_dataset: SegDataset) -> None:
    """Raise ``InputError`` where training and evaluation set number their classes differently."""
    train, evaluation = list(train_dataset.labels), list(eval_dataset.labels)
    if train != evaluation:
        raise InputError(
            "The training set has the classes {train} and the evaluation set {evaluation}: give "
            "both the same labels.txt.",
            train=", ".join(train),
            evaluation=", ".join(evaluation),
        )


def check_masks(dataset: SegDataset, *, check: Callable[[], None]) -> None:
    """Raise ``InputError`` where masks hold nothing but 0 and 255: what is 255 is never learnt.

    Reads masks until one shows a class above 0, in most sets one or two.

    Args:
        dataset: training set.
        check: called between masks; may raise to stop.
    """
    ignored = False
    for index in range(len(dataset)):
        check()
        mask = dataset.read_mask(index)
        counts = np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1)
        if counts[1:IGNORE_INDEX].any():
            return
        ignored = ignored or bool(counts[IGNORE_INDEX])
    if ignored:
        raise InputError(
            "The masks hold only the values 0 and 255, and 255 is ignored, so that nothing but "
            "class 0 would be learnt: if 255 is your object, write 1 instead ({program} convert "
            "--from masks does that for a folder without labels.txt).",
            program=program_name(),
        )


def without_random(transforms: Compose, reporter: Reporter) -> Compose:
    """Return preprocessing without random steps, and say so: it has to be the same each time.

    Raises:
        InputError: nothing is left of it.
    """
    fixed, changed = transforms.deterministic()
    if changed:
        reporter.warn(
            message(
                "Random transforms have no place in evaluation and prediction, which would give "
                "another mask each time: {names} left out there.",
                names=", ".join(changed),
            )
        )
    return fixed


def fixed_evaluation(dataset: SegDataset, reporter: Reporter) -> SegDataset:
    """Return an evaluation set whose transforms do the same each time and can be saved.

    Raises:
        InputError: a transform cannot be saved with the model.
    """
    if dataset.transforms is None:
        return dataset
    fixed = without_random(dataset.transforms, reporter)
    fixed.to_list()
    if fixed is dataset.transforms:
        return dataset
    changed = copy.copy(dataset)
    changed.transforms = fixed
    return changed
