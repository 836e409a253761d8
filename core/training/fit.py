"""One training from the model and its data to the result: ranks, device, first weights, loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paddle

from core.models.trainable import Color, TrainableModel
from core.prediction.paddle_predictor import use_device
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training import distributed
from core.training.console_reporter import ConsoleReporter
from core.training.loop import TrainingLoop
from core.training.train_options import TrainOptions, TrainResult

if TYPE_CHECKING:
    from core.datasets import SegDataset


def fit(
    model: TrainableModel,
    options: TrainOptions,
    *,
    train_dataset: SegDataset,
    eval_dataset: SegDataset | None,
    prepare: Callable[[Reporter], None],
    optimizer: Any | None = None,
    reporter: Reporter | None = None,
    resume_checkpoint: str | Path | None = None,
    device: str | None = None,
    colors: Sequence[Color] | None = None,
) -> TrainResult:
    """Train ``model``; its arguments are explained in ``Segmenter.train``.

    Args:
        model: is changed.
        options: the plain arguments.
        train_dataset: training set.
        eval_dataset: evaluation set, or None.
        prepare: gives the network what training starts from, unless a checkpoint does.
        optimizer: on the network's parameters; None for ours.
        reporter: is told of progress; None prints it.
        resume_checkpoint: model folder to continue from, or None.
        device: see there.
        colors: see there.

    Raises:
        InputError: the arguments, the data or the checkpoint cannot be used.
        StopRequested: the reporter asked to stop.
    """
    check_classes(model, train_dataset)
    if eval_dataset is not None:
        check_classes(model, eval_dataset)
    ranks = distributed.join(device)
    use_device(model.net, device if ranks.size == 1 else paddle.get_device())
    if not ranks.leads:
        reporter = Reporter()
    reporter = reporter or ConsoleReporter()
    options = options.for_ranks(ranks.size, reporter)
    if resume_checkpoint is not None:
        model.take_structure(Path(resume_checkpoint))
    else:
        ranks.wait_for_leader()  # it may download
        prepare(reporter)
        ranks.let_others_go()
    model.labels = list(train_dataset.labels)
    if colors is not None:
        model.colors = [(int(r), int(g), int(b)) for r, g, b in colors]
    if eval_dataset is not None:
        model.eval_transforms = deepcopy(eval_dataset.transforms)
        model.test_transforms = deepcopy(eval_dataset.transforms)
    with options.engine_flags(), ranks.synchronized_batch_norm(model.net):
        loop = TrainingLoop(
            model,
            options,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            optimizer=optimizer,
            reporter=reporter,
            resume_from=None if resume_checkpoint is None else Path(resume_checkpoint),
            ranks=ranks,
        )
        return loop.run()


def check_classes(model: TrainableModel, dataset: SegDataset) -> None:
    """Raise ``InputError`` for data with another number of classes than the model has."""
    if dataset.num_classes != model.num_classes:
        raise InputError(
            "The data has {data} classes and the model {model}: they must be the same.",
            data=dataset.num_classes,
            model=model.num_classes,
        )
