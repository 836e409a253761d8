"""Evaluations with kept odds, made by the real task from drawn logits, without an engine."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from core.datasets import write_data_folder
from core.images.io import read_mask, write_image, write_mask
from core.jobs.tasks import evaluate as task
from core.models import model_folder
from core.models.model_folder import ModelInfo, read_model_info
from core.prediction.choosing import Choice, Chooser
from core.prediction.evaluation import measure
from core.prediction.predictor import Predictor, Prepared
from core.prediction.thresholds import resolve_thresholds
from core.project import Project
from core.runs.kinds import EvaluateSpec, TrainSpec
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


def evaluate_drawn(
    monkeypatch, run_dir: Path, data: Path, model: DrawnModel, **fields
) -> RunFolder:
    """Run the task on a drawn model."""
    monkeypatch.setattr(task, "load_model", lambda *_args, **_options: model)
    spec = EvaluateSpec(
        **{"model_dir": run_dir / "model", "data_dir": data, "save_masks": True, "save_odds": True}
        | fields
    )
    folder = RunFolder.create(run_dir, spec)
    task.run(spec, folder, Reporter())
    return folder


def draw_project(folder: Path, *, count=6, size=(80, 100), seed=0):
    """Make a project of drawn images, all of them for validation; return it and their logits."""
    data, logits = draw_data(folder.parent / "drawn 数据", count=count, size=size, seed=seed)
    project = Project.create(folder, "Blech 金属", labels=LABELS)
    for name in logits:
        path = data / name
        project.add_images([path], subset="val")
        image_id = project.find_image(path)
        assert image_id is not None
        mask = read_mask(path.with_name(f"{path.stem} mask.png"))
        project.save_label_map(image_id, mask, state="labelled")
    return project, logits


def record_model(project: Project, *, name: str = "FastSCNN", score: float = 0.7) -> Path:
    """Make a run with a model folder as small as one can be; return the folder."""
    row = project.new_run("train", name)
    spec = TrainSpec(
        model="FastSCNN", data_dir=row.folder / "dataset", epochs=1, batch_size=4,
        image_size=(32, 32),
    )  # fmt: skip
    run = RunFolder.create(row.folder, spec)
    info = ModelInfo(
        name="FastSCNN", init_params={"num_classes": len(LABELS)}, labels=LABELS, score=score
    )
    folder = run.path / "best_model"
    with model_folder.write(folder, info) as inside:
        (inside / model_folder.WEIGHTS).touch()
    project.set_run_state(row.id, "done", best_miou=score)
    return folder


def record_drawn_evaluation(
    monkeypatch, project: Project, model_dir: Path, logits: dict[str, np.ndarray], **fields
) -> int:
    """Measure a drawn model in a run of the project; return the run's id."""
    revision = project.create_revision(needed=("val",))
    row = project.new_run("evaluate", "FastSCNN", revision=revision)
    data_dir = revision.write_data_folder(row.folder / "dataset")
    thresholds = read_model_info(model_dir).thresholds
    model = DrawnModel(logits, thresholds=thresholds)
    evaluate_drawn(monkeypatch, row.folder, data_dir, model, model_dir=model_dir, **fields)
    project.set_run_state(row.id, "done")
    return row.id
