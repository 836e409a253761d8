"""Train a network."""

from __future__ import annotations

from typing import Any

from core.datasets import open_data_folder
from core.jobs.tasks.judging import measure_and_judge
from core.jobs.tasks.training_setup import eval_set, training_arguments, training_result
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.seg import create
from core.seg.loading import load_model
from core.system.reporting import Reporter
from core.training import distributed
from core.transforms import recipes


def run(spec: TrainSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Train a network, or go on with the training that this run folder holds.

    Returns:
        ``best_model`` and ``last_model`` (folders), all metrics of the best evaluation, speed.
    """
    data = open_data_folder(spec.data_dir)
    train_set = data.dataset("train", recipes.train_transforms(spec.image_size, spec.augmentation))
    val_set = eval_set(data, recipes.eval_transforms(spec.image_size), reporter)
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
        **training_arguments(spec, data, train_set, val_set, save_dir=folder.path),
        reporter=reporter,
    )
    judged: dict[str, Any] = {"objects": None, "images": None, "verdict": None}
    if ranks.leads and result.best_model is not None and val_set is not None:
        best = load_model(result.best_model, reporter=reporter)
        judgement = measure_and_judge(best, val_set, reporter=reporter)
        judgement.keep(result.best_model)
        judged = judgement.result()
    return {
        **training_result(result),
        **judged,
        "resumed_from": resume,
        "labels": list(data.labels),
    }
