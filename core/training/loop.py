"""The training loop: epochs of steps, evaluation, saving, stopping and going on."""

from __future__ import annotations

import contextlib
import gc
import logging
import math
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paddle

from core.models import model_folder
from core.models.image_sizes import size_warning
from core.models.model_folder import WEIGHTS
from core.models.trainable import TrainableModel
from core.models.weights import load_exactly, write_state_dict
from core.prediction.metrics import ConfusionMatrix
from core.system.errors import InputError
from core.system.files import write_json_atomic
from core.system.messages import message
from core.system.reporting import Reporter, StopRequested
from core.training import checkpoint
from core.training.allocator import keep_freed_memory
from core.training.checkpoint import TrainingState
from core.training.class_weights import resolve_class_weights
from core.training.data_loader import BatchLoader, BatchStream
from core.training.distributed import Ranks
from core.training.early_stopping import BestScore
from core.training.evaluator import Evaluator
from core.training.losses import build_loss
from core.training.optimizers import (
    make_optimizer,
    scheduler_of,
    set_total_steps,
    step_on_score,
    waits_for_score,
)
from core.training.output_folder import OutputFolder
from core.training.precision import resolve_amp
from core.training.speed import Speed, Stopwatch
from core.training.step import TrainStep
from core.training.time_plan import TimePlan
from core.training.train_options import TrainOptions, TrainResult
from core.training.vdl_log import VdlLog

if TYPE_CHECKING:
    from core.datasets import SegDataset

_log = logging.getLogger(__name__)
#: How often an evaluation tells of its progress.
_EVALUATION_REPORTS = 20


class TrainingLoop:
    """One call of ``Segmenter.train``.

    Everything random is a function of seed, epoch and step, so a run that is stopped at any step
    and resumed does exactly what an uninterrupted one does.
    """

    def __init__(
        self,
        model: TrainableModel,
        options: TrainOptions,
        *,
        train_dataset: SegDataset,
        eval_dataset: SegDataset | None,
        optimizer: Any | None,
        reporter: Reporter,
        resume_from: Path | None,
        ranks: Ranks,
    ) -> None:
        self._ranks = ranks
        self._model = model
        self._options = options
        self._reporter = reporter
        self._resumed = resume_from
        options.check_data(train_dataset, eval_dataset)
        amp = resolve_amp(options.amp, paddle.get_device())
        self._state = self._shared(
            checkpoint.first_state(
                options,
                len(train_dataset),
                resume_from,
                reporter,
                own_optimizer=optimizer is None,
            )
        )
        self._watch = Stopwatch(earlier=self._state.seconds)
        self._loader = BatchLoader(
            train_dataset,
            batch_size=options.step_images,
            seed=self._state.seed,
            parts=options.accumulate_steps,
            rank=ranks.rank,
            ranks=ranks.size,
            sampling=options.sampling,
            epoch_images=options.epoch_images,
        )
        self._batches = BatchStream(self._loader, end=options.num_epochs)
        self._speed = Speed(
            batch_size=options.step_images,
            eval_images=0 if eval_dataset is None else len(eval_dataset),
        )
        interval = options.save_interval_epochs * self._loader.steps_per_epoch
        self._plan = TimePlan(
            most=options.num_epochs * self._loader.steps_per_epoch,
            limit_s=options.time_limit,
            planned=self._state.planned_steps,
            steps_between=None if eval_dataset is None else interval,
            processes=ranks.size,
            watch=self._watch,
            speed=self._speed,
        )
        self._evaluator = None
        if eval_dataset is not None:
            self._evaluator = Evaluator(
                model,
                eval_dataset,
                preview_images=options.preview_images,
                reporter=reporter,
                ranks=ranks,
            )
        loss = build_loss(
            model.init_params["use_mixed_loss"],
            model.head_weights,
            class_weights=resolve_class_weights(options.class_weights, train_dataset),
        )
        self._optimizer = optimizer or make_optimizer(
            model.net,
            learning_rate=self._state.learning_rate or options.learning_rate,
            lr_decay_power=options.lr_decay_power,
            total_steps=self._plan.steps,
            name=self._state.optimizer,
            warmup_steps=options.warmup_steps,
            warmup_start_lr=options.warmup_start_lr,
            encoder=model.encoder,
            backbone_lr_multiplier=self._state.backbone_lr_multiplier,
        )
        if eval_dataset is None and waits_for_score(self._optimizer):
            raise InputError(
                "ReduceOnPlateau lowers the learning rate when evaluations get no better: give an "
                "evaluation set, or another schedule."
            )
        self._step = TrainStep(
            model.net,
            loss,
            self._optimizer,
            ranks=ranks,
            amp=amp,
            ema_decay=options.ema_decay,
            seed=self._state.seed,
        )
        self._best = BestScore(patience=options.patience)
        if resume_from is not None:
            self._resume(resume_from, own_optimizer=optimizer is None)
        self._output = OutputFolder(options.save_dir, keep_epochs=options.keep_epochs)
        self._losses: list[Any] = []

    def run(self) -> TrainResult:
        """Train to the end.

        Raises:
            StopRequested: the reporter asked for it; ``interrupted`` has been written.
            InputError: the loss is not finite any more, or the data cannot be used.
        """
        keep_freed_memory()
        gc.collect()
        gc.freeze()  # what is loaded by now, half a million objects, stays anyway
        lock = self._output.exclusive() if self._ranks.leads else contextlib.nullcontext()
        try:
            with lock:
                return self._run()
        finally:
            gc.unfreeze()

    def _run(self) -> TrainResult:
        self._open_output()
        if self._finished:
            self._reporter.warn(
                message(
                    "The model has already been trained for {epochs} {epochs:epoch|epochs}: ask "
                    "for more to train it further.",
                    epochs=self._state.epoch,
                )
            )
        leads = self._ranks.leads
        vdl = VdlLog(self._output.vdl_log, enabled=self._options.use_vdl and leads)
        try:
            # Paddle says so of every batch norm in training.
            warnings.filterwarnings("ignore", message="When training, we now always track")
            while not self._finished and not self._best.exhausted:
                self._train_epoch(vdl)
                self._finish_epoch(vdl)
        except StopRequested:
            self._save_interrupted()
            raise
        finally:
            self._batches.close()
            vdl.close()
            self._step.finish()
            self._model.net.eval()
        return self._result()

    @property
    def _finished(self) -> bool:
        return self._state.epoch >= self._last_epoch

    @property
    def _last_epoch(self) -> int:
        return -(-self._plan.steps // self._loader.steps_per_epoch)

    def _plan_anew(self) -> None:
        """Where time is limited, decide how many steps fit into it, on all ranks alike."""
        if self._plan.limited:
            steps = int(self._ranks.share(self._plan.fitting(self._state.step)))
            self._plan.steps = self._state.planned_steps = steps
            set_total_steps(self._optimizer, steps)

    def _resume(self, folder: Path, *, own_optimizer: bool) -> None:
        state = self._state
        load_exactly(self._model.net, folder / WEIGHTS)
        checkpoint.restore_optimizer(
            folder,
            self._optimizer,
            self._model.net,
            restore_step=self._step.restore,
            restore_schedule=not own_optimizer,
        )
        self._ranks.copy_from_leader_(
            [*self._model.net.state_dict().values(), *checkpoint.accumulators(self._optimizer)]
        )
        schedule = scheduler_of(self._optimizer)
        if own_optimizer and schedule is not None:
            # Recomputed, so that other epochs or another batch size give a consistent schedule.
            schedule.step(state.step)
        self._model.completed_epochs = state.epoch
        self._best.score, self._best.epoch = state.best_score, state.best_epoch
        self._best.stale = state.stale
        if self._best.exhausted and not self._finished:
            self._reporter.warn(
                message(
                    "The training had stopped early after epoch {epoch}: it goes on, and stops "
                    "when {count} more {count:evaluation does|evaluations do} not beat the best "
                    "mIoU.",
                    epoch=state.epoch,
                    count=self._best.patience or 0,
                )
            )
            self._best.stale = state.stale = 0

    def _shared(self, state: TrainingState) -> TrainingState:
        """Return rank 0's state on all ranks."""
        if self._ranks.size == 1:
            return state
        return TrainingState.model_validate(self._ranks.share(state.model_dump()))

    def _open_output(self) -> None:
        """Rank 0 opens the folder; all ranks then know the best so far."""
        if self._ranks.leads:
            self._prepare_output()
        self._state = state = self._shared(self._state)
        self._best.score, self._best.epoch = state.best_score, state.best_epoch

    def _prepare_output(self) -> None:
        """Make ``save_dir`` ready: earlier trainings aside, the best model so far in it."""
        if self._resumed is None or not self._output.continues(self._resumed):
            aside = self._output.move_earlier_aside()
            if aside is not None:
                self._reporter.warn(
                    message(
                        "The models of an earlier training were moved to {folder}.", folder=aside
                    )
                )
        if self._resumed is None:
            return
        best = self._output.adopt_best(self._resumed, self._state)
        if best is None and self._best.score is not None:
            self._reporter.warn(
                message(
                    "The best model of the resumed training was not found beside {folder}: the "
                    "best is sought anew.",
                    folder=self._resumed,
                )
            )
        self._state.best_score = None if best is None else best.best_score
        self._state.best_epoch = 0 if best is None else best.best_epoch
        self._state.best_metrics = None if best is None else best.best_metrics

    def _train_epoch(self, vdl: VdlLog) -> None:
        state = self._state
        self._model.net.train()
        begin = self._watch.seconds
        while state.step < self._plan.steps and state.step_in_epoch < self._loader.steps_per_epoch:
            parts = self._batches.take(state.epoch, state.step_in_epoch)
            self._check(self._ranks.agree)
            self._look_at_size(parts)
            loss, rate = self._step(parts, state.step)
            self._losses.append(loss)
            state.step += 1
            state.step_in_epoch += 1
            self._speed.step_took(self._watch.seconds - begin)
            begin = self._watch.seconds
            if self._plan.step_done():
                self._plan_anew()
            if state.step % self._options.log_interval_steps == 0:
                self._log(rate, vdl)
            if self._evaluator is not None and self._reporter.preview_due(state.step):
                with self._step.saving():
                    self._evaluator.preview(state.step)
                begin = self._watch.seconds

    def _look_at_size(self, parts: Sequence[tuple[Any, Any]]) -> None:
        """Note that the network learns at a size that it rounds, and say so once."""
        if self._model.size_multiple == 1:
            return
        for images, _ in parts:
            height, width = images.shape[2:]
            if (warning := size_warning((width, height))) is not None:
                self._model.size_multiple = 1
                self._reporter.warn(warning)
                return

    def _finish_epoch(self, vdl: VdlLog) -> None:
        """Evaluate and save where it is time to; the epoch counts as complete only after that."""
        state, options = self._state, self._options
        self._mean_loss()
        self._plan_anew()
        epoch = state.epoch + 1
        due = epoch % options.save_interval_epochs == 0 or epoch >= self._last_epoch
        matrix = self._evaluate(vdl) if due else None
        if matrix is not None:
            step_on_score(self._optimizer, matrix.metrics()["miou"])
        self._model.completed_epochs = state.epoch = epoch
        state.step_in_epoch = 0
        if due:
            self._save_epoch(matrix)

    def _evaluate(self, vdl: VdlLog) -> ConfusionMatrix | None:
        if self._evaluator is None:
            return None
        begin = self._watch.seconds
        with self._step.saving():
            matrix = self._evaluator.evaluate(self._state.step, on_step=self._evaluation_step)
        self._speed.evaluation_took(self._watch.seconds - begin)
        metrics = matrix.metrics()
        for name in ("miou", "oacc", "kappa"):
            vdl.evaluation(name, metrics[name], self._state.epoch + 1)
        _log.info("epoch %d: mIoU %s", self._state.epoch + 1, metrics["miou"])
        return matrix

    def _save_epoch(self, matrix: ConfusionMatrix | None) -> None:
        state = self._state
        score = None
        if matrix is not None:
            metrics = matrix.metrics()
            score = metrics["miou"]
            is_best = self._best.update(score, state.epoch)
            state.best_score, state.best_epoch = self._best.score, self._best.epoch
            state.stale = self._best.stale
            if is_best:
                state.best_metrics = metrics
                # Before epoch_N, whose state names this as the best: it must exist by then.
                self._save(self._output.best, score=score, matrix=matrix)
                self._reporter.checkpoint(self._output.best, score, epoch=state.epoch, best=True)
        folder = self._output.epoch(state.epoch)
        self._save(folder, score=score, matrix=matrix)
        self._reporter.checkpoint(folder, score, epoch=state.epoch)
        if self._ranks.leads:
            self._output.tidy(keep=folder)

    def _save_interrupted(self) -> None:
        try:
            self._mean_loss()
        except InputError:
            self._reporter.warn(
                message("The loss was not finite any more, so this state was not saved.")
            )
            return
        self._save(self._output.interrupted, score=None, matrix=None)
        self._reporter.checkpoint(self._output.interrupted, None, epoch=self._state.epoch)

    def _save(self, folder: Path, *, score: float | None, matrix: ConfusionMatrix | None) -> None:
        if not self._ranks.leads:
            return
        self._state.seconds = self._watch.seconds_in_all
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._step.saving())
            info = self._model.describe(score=score, dataset_hash=self._options.dataset_hash)
            temporary = stack.enter_context(model_folder.write(folder, info))
            write_state_dict(temporary / WEIGHTS, self._model.net)
            checkpoint.write_training_state(
                temporary,
                self._state,
                self._optimizer,
                self._model.net,
                step_state=self._step.state(),
            )
            if matrix is not None:
                write_json_atomic(
                    temporary / model_folder.EVALUATION,
                    {"confusion_matrix": matrix.matrix.tolist(), "metrics": matrix.metrics()},
                )

    def _check(self, agree: Callable[[Callable[[], None]], None]) -> None:
        """Pause or stop here if asked to, all ranks; time spent paused is nobody's speed."""
        begin = time.perf_counter()
        try:
            agree(self._reporter.check)
        finally:
            self._watch.exclude(time.perf_counter() - begin)

    def _evaluation_step(self, done: int, count: int) -> None:
        self._check(self._ranks.agree if done == count else self._ranks.check_between)
        if done % max(1, count // _EVALUATION_REPORTS) == 0:
            self._progress(stage="evaluate", evaluated=done / max(1, count))

    def _log(self, rate: float, vdl: VdlLog) -> None:
        step, loss = self._state.step, self._mean_loss()
        if loss is None:
            return
        for name, value in (("loss", loss), ("lr", rate)):
            self._reporter.metric(f"train/{name}", step, value)
            vdl.training(name, value, step)
        speed = self._speed.take_images_per_second()
        self._progress(stage="train", images_per_second=speed)
        _log.info("step %d/%d: loss %.4f, lr %.6f", step, self._plan.steps, loss, rate)

    def _progress(
        self, *, stage: str, images_per_second: float | None = None, evaluated: float = 0.0
    ) -> None:
        state, options = self._state, self._options
        steps = self._plan.steps_in_time(state.step)
        last = max(-(-steps // self._loader.steps_per_epoch), state.epoch)
        evaluations = 0.0
        if self._evaluator is not None:
            interval = options.save_interval_epochs
            evaluations = -(-last // interval) - state.epoch // interval - evaluated
        self._reporter.progress(
            state.step,
            steps,
            stage=stage,
            epoch=min(state.epoch + 1, last),
            epochs=last,
            eta_s=self._plan.eta_s(state.step, evaluations),
            images_per_second=images_per_second,
        )

    def _mean_loss(self) -> float | None:
        """Mean loss of the steps since the last call; None without any.

        Looked at only now and then, because each look makes a GPU wait.

        Raises:
            InputError: it is infinite or not a number.
        """
        if not self._losses:
            return None
        loss = float(self._ranks.sum_(paddle.stack(self._losses).mean()))
        self._losses.clear()
        if not math.isfinite(loss):
            raise InputError(
                "The loss became {loss} by step {step}: the training diverged; lower the learning "
                "rate (it is {rate}) and train again. The best model so far is untouched.",
                loss=str(loss),
                step=self._state.step,
                rate=str(self._state.learning_rate),
            )
        return loss

    def _result(self) -> TrainResult:
        state = self._state
        has_best = self._best.score is not None
        last = self._output.epoch(state.epoch)
        return TrainResult(
            best_model=self._output.best if has_best else None,
            last_model=last if last.exists() or self._resumed is None else self._resumed,
            best_score=self._best.score,
            best_epoch=self._best.epoch,
            metrics=state.best_metrics,
            epochs=state.epoch,
            stopped_early=not self._finished,
            images_per_second=self._speed.images_per_second,
            seconds=self._watch.seconds_in_all,
        )
