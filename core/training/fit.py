"""One training from the model and its data to the result: ranks, device, first weights, loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paddle

from core.models.image_sizes import SIZE_MULTIPLE
from core.models.model_folder import check_same_network, read_model_info
from core.models.trainable import Color, TrainableModel
from core.prediction.paddle_predictor import use_device
from core.system.messages import Message
from core.system.reporting import Reporter
from core.training import distributed
from core.training.checkpoint import read_training_state
from core.training.console_reporter import ConsoleReporter
from core.training.data_checks import (
    check_classes,
    check_masks,
    check_same_classes,
    fixed_evaluation,
    goes_on_from,
    warn_of_remarks,
)
from core.training.loop import TrainingLoop
from core.training.own_optimizer import check_optimizer, follow_network, parameters_of
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
    warnings = [goes_on_from(model.labels, train_dataset.labels)]
    if eval_dataset is not None:
        check_same_classes(train_dataset, eval_dataset)
    if optimizer is not None:
        check_optimizer(optimizer, model.net)
    ranks = distributed.join(device)
    use_device(model.net, device if ranks.size == 1 else paddle.get_device())
    if not ranks.leads:
        reporter = Reporter()
    reporter = reporter or ConsoleReporter()
    warn_of_remarks(train_dataset, reporter)
    if eval_dataset is not None:
        warn_of_remarks(eval_dataset, reporter)
        eval_dataset = fixed_evaluation(eval_dataset, reporter)
    options = options.for_ranks(ranks.size, reporter)
    parameters = parameters_of(model.net)
    if resume_checkpoint is not None:
        warnings.append(_take_checkpoint(model, Path(resume_checkpoint), train_dataset.labels))
    else:
        model.size_multiple = SIZE_MULTIPLE
        ranks.wait_for_leader()  # it may download
        prepare(reporter)
        ranks.let_others_go()
    for warning in warnings:
        if warning is not None:
            reporter.warn(warning)
    if optimizer is not None:
        follow_network(optimizer, parameters, model.net)
    check_masks(train_dataset, check=reporter.check)
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


def _take_checkpoint(model: TrainableModel, folder: Path, labels: Sequence[str]) -> Message | None:
    """Make the network the checkpoint's; return a warning where its classes have other names.

    Raises:
        InputError: the checkpoint is of another network or of other classes.
    """
    read_training_state(folder)  # which says best what is missing
    info = read_model_info(folder)
    check_same_network(info, model.model_name, model.init_params, folder)
    warning = goes_on_from(info.labels, labels)
    model.take_structure(folder)
    model.size_multiple = info.size_multiple
    return warning
