"""The best model of a training, when the training is over: chosen, adjusted, measured, judged."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.advice.verdict import with_steps
from core.jobs.tasks.judging import Judgement, measure_and_judge
from core.models import model_folder
from core.models.weights import write_state_dict
from core.prediction.chance import chance, gain_to_ask_for
from core.seg.loading import load_model
from core.seg.score_adjustment import adjust_scores, choose_flip_test
from core.system.files import replace_folder_atomic, write_json_atomic
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.seg.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of it.

    Attributes:
        judgement: its measurement.
        score_offsets: what was added to each class's score, None for nothing.
        flip_test: whether it predicts mirror images, too.
        last_taken: whether it is that of the last evaluation, though another one had more mIoU.
    """

    judgement: Judgement
    score_offsets: list[float] | None
    flip_test: bool
    last_taken: bool

    def result(self) -> dict[str, Any]:
        """Return the part of a job's result that tells of it."""
        is_other = self.flip_test or self.last_taken or self.score_offsets is not None
        return {
            **(self.judgement.pixel_metrics if is_other else {}),
            **self.judgement.result(),
            "score_offsets": self.score_offsets,
            "flip_test": self.flip_test,
            "last_taken": self.last_taken,
        }


def finish_best_model(
    folder: Path,
    dataset: SegDataset,
    *,
    adjust: bool,
    flip_test: bool,
    reporter: Reporter,
    last: Path | None = None,
    steps: int | None = None,
) -> Finished:
    """Adjust the scores of a training's best model where that is asked for and helps; judge it.

    Args:
        folder: of the model; what is found is written there.
        dataset: validation set.
        adjust: whether scores may be adjusted (``core.seg.score_adjustment``).
        flip_test: whether mirror images may be predicted, too.
        reporter: is told of progress and may stop the work; then it is not adjusted.
        last: folder of the model of the last evaluation, which becomes the best one unless that
            has more mIoU than chance gives; None: the best one stays.
        steps: about how many there was time for, where the clock ended the training.
    """
    last_taken = last is not None and _takes_last(folder, last, images=len(dataset))
    if last is not None and last_taken:
        with replace_folder_atomic(folder) as temporary:
            shutil.copytree(last, temporary, dirs_exist_ok=True)
    model = load_model(folder, reporter=reporter)
    before = model_folder.read_model_info(folder).score
    had_flip_test = model.flip_test
    if flip_test:
        choose_flip_test(model, dataset, reporter=reporter)
    offsets = adjust_scores(model, dataset, reporter=reporter) if adjust else None
    judgement = measure_and_judge(model, dataset, reporter=reporter)
    is_other = model.flip_test != had_flip_test or offsets is not None
    if is_other and not _is_better(judgement, before, images=len(dataset)):
        model, is_other = load_model(folder, reporter=reporter), False
        judgement = measure_and_judge(model, dataset, reporter=reporter)
    if is_other:
        _write(model, folder, judgement)
    if steps is not None:
        judgement = replace(judgement, verdict=with_steps(judgement.verdict, steps))
    judgement.keep(folder)
    # By the model: it was finished before where a run goes on that had come so far.
    return Finished(judgement, model.score_offsets, model.flip_test, last_taken)


def _takes_last(best: Path, last: Path, *, images: int) -> bool:
    """Whether the last model is to be preferred to that with the highest mIoU.

    Its learning rate has fallen to nothing, so it is the better one by all that is known
    beforehand; on a handful of images the luckiest of twenty others has more mIoU by chance.
    """
    highest, at_last = (model_folder.read_model_info(one).score for one in (best, last))
    if highest is None or at_last is None or at_last >= highest:
        return False
    return at_last >= highest - chance(images)


def _is_better(judgement: Judgement, before: float | None, *, images: int) -> bool:
    score = judgement.metrics["miou"]
    if score is None or before is None:
        return score is not None
    return bool(score > before + gain_to_ask_for(images, gain=0.0))


def _write(model: Segmenter, folder: Path, judgement: Judgement) -> None:
    """Put the adjusted network in the place of the one that was measured before."""
    info = replace(
        model_folder.read_model_info(folder),
        score=judgement.metrics["miou"],
        score_offsets=None if model.score_offsets is None else tuple(model.score_offsets),
        flip_test=model.flip_test,
    )
    with model_folder.write(folder, info) as temporary:
        shutil.copytree(folder, temporary, dirs_exist_ok=True)
        write_state_dict(temporary / model_folder.WEIGHTS, model.net)
        write_json_atomic(
            temporary / model_folder.EVALUATION,
            {
                "confusion_matrix": judgement.matrix.tolist(),
                "metrics": judgement.pixel_metrics,
            },
        )
