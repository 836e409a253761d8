"""Evaluations with kept odds, made by the real task from logits that are drawn, without an engine."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from core.datasets import write_data_folder
from core.images.io import write_image, write_mask
from core.jobs.tasks import evaluate as task
from core.prediction.choosing import Choice, Chooser
from core.prediction.evaluation import measure
from core.prediction.predictor import Predictor, Prepared
from core.prediction.thresholds import resolve_thresholds
from core.runs.kinds import EvaluateSpec
from core.runs.run_folder import RunFolder
from core.system.reporting import Reporter
from core.transforms import Compose, Resize

LABELS = ("background", "scratch", "dent")


class DrawnModel(Predictor):
    """Gives the logits (H, W, C) that belong to an image's file; otherwise as ``Segmenter``."""

    def __init__(self, logits: dict[str, np.ndarray], *, labels=LABELS, thresholds=None) -> None:
        super().__init__(num_classes=len(labels))
        self.labels, self.colors, self.thresholds = list(labels), None, thresholds
        self.test_transforms = Compose([Resize((32, 32))])
        self._logits = logits

    def prepare(self, image):
        return Prepared(self._logits[Path(image).name])

    def predict(self, image, *, with_scores=True):
        raise NotImplementedError

    def _choices(self, batch: list[Prepared], chooser: Chooser) -> list[Choice]:
        return [chooser.choose(one.image) for one in batch]

    def evaluate(self, dataset, batch_size=1, *, thresholds=False, **options):
        self.set_thresholds(resolve_thresholds(thresholds, self.thresholds))
        return measure(self, dataset, batch_size=batch_size, **options)


def draw_data(folder: Path, *, count=6, size=(80, 100), labels=LABELS, seed=0):
    """Write a data folder; return it and the logits of each image, of a model that errs."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    logits, pairs = {}, []
    for index in range(count):
        mask = np.zeros(size, np.uint8)
        for _ in range(0 if index == 0 else 4):
            x, y = rng.integers(0, size[1] - 20), rng.integers(0, size[0] - 20)
            width, height = rng.integers(3, 20, 2)
            mask[y : y + height, x : x + width] = rng.integers(1, len(labels))
        smooth = cv2.GaussianBlur(rng.normal(0, 1, (*size, len(labels))), (0, 0), 4) * 24
        smooth[..., 0] += 2.5
        for class_id in range(1, len(labels)):
            smooth[..., class_id] += cv2.GaussianBlur((mask == class_id) * 6.0, (0, 0), 2)
        mask[-3:] = 255
        image = np.full((*size, 3), 90, np.uint8)
        names = (f"图 {index}.png", f"图 {index} mask.png")
        write_image(folder / names[0], image)
        write_mask(folder / names[1], mask)
        logits[names[0]] = smooth.astype(np.float32)
        pairs.append(names)
    write_data_folder(folder, labels=labels, subsets={"train": pairs[:1], "val": pairs})
    return folder, logits


def evaluate_drawn(monkeypatch, run_dir: Path, data: Path, model: DrawnModel, **fields) -> RunFolder:
    """Run the task on a drawn model."""
    monkeypatch.setattr(task, "load_model", lambda *_args, **_options: model)
    spec = EvaluateSpec(
        **{"model_dir": run_dir / "model", "data_dir": data, "save_masks": True, "save_odds": True}
        | fields
    )
    folder = RunFolder.create(run_dir, spec)
    task.run(spec, folder, Reporter())
    return folder
