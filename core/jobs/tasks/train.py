"""Train a network."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import psutil

from core.datasets import open_data_folder
from core.jobs.tasks.best_model import finish_best_model
from core.jobs.tasks.training_setup import eval_set, training_arguments, training_result
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.seg import create
from core.system.device_choice import launched_ranks
from core.system.reporting import Reporter
from core.training import distributed
from core.training.checkpoint import read_training_state
from core.training.train_options import TrainResult
from core.transforms import recipes


def _time_limit(spec: TrainSpec, resume: str | None, *, goes_on: bool) -> float | None:
    """Return the seconds that ``train`` may take, those of its checkpoint included.

    Starting the engine takes its part of them, and the worker's other processes. Another run's
    time does not count.
    """
    if spec.minutes is None:
        return None
    before = 0.0 if resume is None or goes_on else read_training_state(Path(resume)).seconds
    process = psutil.Process()
    if launched_ranks()[1] > 1:  # then this is one of the worker's children
        process = process.parent() or process
    return max(1.0, 60 * spec.minutes + before - (time.time() - process.create_time()))


def run(spec: TrainSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Train a network, or go on with the training that this run folder holds.

    Returns:
        ``best_model`` and ``last_model`` (folders), all metrics of the best evaluation, speed.
    """
    return train_network(spec, folder, reporter)


def _ended_by_clock(spec: TrainSpec, result: TrainResult) -> bool:
    limited = spec.minutes is not None
    return limited and not result.stopped_early and result.epochs < spec.epochs


def _steps(spec: TrainSpec, result: TrainResult, images: int) -> int:
    """Return about how many steps a training made."""
    epoch_steps: int = math.ceil((spec.epoch_images or images) / spec.batch_size)
    return result.epochs * epoch_steps


def train_network(
    spec: TrainSpec, folder: RunFolder, reporter: Reporter, *, seconds: float | None = None
) -> dict[str, Any]:
    """Train as ``run`` does; ``seconds`` that it may take count instead of the spec's minutes."""
    data = open_data_folder(spec.data_dir)
    size, scale = spec.image_size, spec.image_scale
    train_set = data.dataset(
        "train", recipes.train_transforms(size, spec.augmentation, image_scale=scale)
    )
    val_set = eval_set(data, recipes.eval_transforms(size, image_scale=scale), reporter)
    ranks = distributed.join(spec.device)
    checkpoint = folder.last_checkpoint or spec.resume
    resume = ranks.share(None if checkpoint is None else str(checkpoint))
    model = create(
        spec.model,
        seed=spec.seed,
        num_classes=len(data.labels),
        use_mixed_loss=spec.use_mixed_loss,
        **spec.model_params,
    )
    result = model.train(
        spec.epochs,
        pretrain_weights=None if resume else spec.pretrain_weights,
        optimizer=spec.optimizer,
        resume_checkpoint=resume,
        accumulate_steps=spec.accumulate_steps,
        amp=spec.amp,
        ema_decay=spec.ema_decay,
        deterministic=spec.deterministic,
        time_limit=_time_limit(spec, resume, goes_on=folder.last_checkpoint is not None)
        if seconds is None
        else seconds,
        backbone_lr_multiplier=spec.backbone_lr_multiplier,
        **training_arguments(spec, data, train_set, val_set, save_dir=folder.path),
        reporter=reporter,
    )
    judged: dict[str, Any] = dict.fromkeys(("objects", "images", "verdict", "score_offsets"))
    judged |= {"flip_test": False, "last_taken": False}
    if ranks.leads and result.best_model is not None and val_set is not None:
        finished = finish_best_model(
            result.best_model,
            val_set,
            adjust=spec.adjust_scores,
            # Who turned flips off may know that what a class says is wrong in a mirror.
            flip_test=spec.flip_test and spec.augmentation.horizontal_flip > 0,
            last=result.last_model if spec.take_last and not result.stopped_early else None,
            reporter=reporter,
            steps=_steps(spec, result, len(train_set)) if _ended_by_clock(spec, result) else None,
        )
        judged = finished.result()
        if finished.last_taken:
            judged["best_epoch"] = result.epochs
    return {
        **training_result(result),
        **judged,
        "resumed_from": resume,
        "labels": list(data.labels),
    }
