"""A small project with runs that were recorded by real event classes, without an engine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from core.advice.verdict import judge
from core.images.io import write_image, write_mask
from core.prediction.choosing import Choice
from core.prediction.figures import Figures
from core.prediction.inspection import score_image
from core.prediction.metrics import ConfusionMatrix, metrics_from_matrix
from core.project import ImageQuery, Project
from core.runs.event_log import EventWriter
from core.runs.events import Checkpoint, Event, MaskPreview, Metric, Progress, Started
from core.runs.kinds import EvaluateSpec, TrainSpec
from core.runs.run_folder import RunFolder
from core.system.files import write_json_atomic

LABELS = ("background", "hole 孔", "scratch", "stain")
WIDTH, HEIGHT = 128, 96
STEPS_PER_EPOCH = 10


def make_project(folder: Path, *, train: int = 12, val: int = 6) -> Project:
    """Images of dark discs and bright lines with their masks, split."""
    project = Project.create(folder, "Blech 金属", labels=LABELS)
    rng = np.random.default_rng(5)
    source = folder.parent / "数据 images"
    source.mkdir()
    for subset, count in (("train", train), ("val", val)):
        for index in range(count):
            image, mask = draw_part(rng)
            path = source / f"{subset} {index}.png"
            write_image(path, image)
            project.add_images([path], subset=subset)
            image_id = project.find_image(path)
            assert image_id is not None
            project.save_label_map(image_id, mask, state="labelled")
    return project


def draw_part(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return (image BGR, mask): class 1 a disc, class 2 a line, a corner ignored; 3 is absent."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    grey = 120 + 40 * x / WIDTH + rng.normal(0, 6, (HEIGHT, WIDTH))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cx, cy, radius = rng.uniform(30, 98), rng.uniform(25, 70), rng.uniform(8, 16)
    mask[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = 1
    slope, start = rng.uniform(-0.4, 0.4), rng.uniform(20, 76)
    mask[np.abs(y - start - slope * x) < 2] = 2
    grey[mask == 1] -= 70
    grey[mask == 2] += 50
    mask[:6, :6] = 255
    image = np.repeat(np.clip(grey, 0, 255)[..., None], 3, 2).astype(np.uint8)
    return image, mask


def training_events(project: Project, run: RunFolder, *, epochs: int) -> Iterable[Event]:
    """Yield what a training of ``epochs`` epochs tells, writing its previews as it goes."""
    rng = np.random.default_rng(9)
    steps = epochs * STEPS_PER_EPOCH
    yield Started("train", 4711, "cpu", time=1000.0)
    rows = project.images(ImageQuery(subset="val"))[:4]
    for step in range(2, steps + 1, 2):
        share = step / steps
        epoch = math.ceil(step / STEPS_PER_EPOCH)
        now = 1000.0 + step
        loss = 1.6 * math.exp(-3 * share) + 0.1 + 0.08 * rng.normal()
        yield Metric("train/loss", step, loss, time=now)
        yield Metric("train/lr", step, 0.01 * (1 - share) ** 0.9, time=now)
        yield Progress(
            step, steps, float(steps - step), epoch=epoch, epochs=epochs,
            images_per_second=6.4, time=now,
        )  # fmt: skip
        if step % STEPS_PER_EPOCH:
            continue
        ious: list[float | None] = [0.9 + 0.08 * share, 0.75 * share, 0.5 * share**2, None]
        for index, value in enumerate(ious):
            yield Metric(f"val/iou/{index}", step, value, time=now)
        miou = sum(value for value in ious if value is not None) / 3
        yield Metric("val/miou", step, miou, time=now)
        yield Checkpoint(f"epoch_{epoch}", miou, epoch, time=now)
        yield Checkpoint("best_model", miou, epoch, best=True, time=now)
        for index, row in enumerate(rows):
            mask = project.label_map(row.id)
            assert mask is not None
            path = run.previews_dir / f"{index:02d}_{step:08d}.png"
            write_mask(path, guess(mask, share, rng))
            relative = path.relative_to(run.path).as_posix()
            yield MaskPreview(str(row.path), relative, index, step, time=now)


def guess(mask: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return a prediction that is right in about ``share`` of the defects' blocks."""
    blocks = rng.random((HEIGHT // 8, WIDTH // 8))
    noise = np.kron(blocks, np.ones((8, 8)))
    guessed = np.where(mask == 255, 0, mask).astype(np.uint8)
    guessed[(noise > share) & (guessed > 0)] = 0
    guessed[noise > 0.97 + 0.03 * share] = 1
    return guessed


def queue_up(project: Project, model: str) -> int:
    """Make a training that waits; returns its run's id."""
    run = project.new_run("train", model)
    spec = TrainSpec(model=model, data_dir=run.folder, epochs=1, batch_size=1, image_size=(32, 32))
    RunFolder.create(run.folder, spec)
    return run.id


def record_training(
    project: Project,
    *,
    epochs: int = 4,
    end: Event | None = None,
    state: str = "interrupted",
    model: str = "FastSCNN",
) -> tuple[int, RunFolder]:
    """Record a whole training; ``end`` is its last event, ``state`` what the project remembers."""
    revision = project.create_revision()
    row = project.new_run("train", model, revision=revision)
    data_dir = revision.write_data_folder(row.folder / "dataset")
    spec = TrainSpec(
        model=model, data_dir=data_dir, epochs=epochs, batch_size=4, image_size=(WIDTH, HEIGHT)
    )
    run = RunFolder.create(row.folder, spec)
    append(run, training_events(project, run, epochs=epochs))
    if end is not None:
        append(run, [end])
    (run.path / "best_model").mkdir()
    _, values = run.metrics()["val/miou"]
    project.set_run_state(row.id, state, best_miou=float(values.max()))
    return row.id, run


def append(run: RunFolder, events: Iterable[Event]) -> None:
    """Append events as a worker does."""
    writer = EventWriter(run.events_path)
    for event in events:
        writer.append(event)
    writer.close()


def record_evaluation(project: Project, model_dir: Path, *, quality: float = 0.6) -> int:
    """Record an evaluation on the validation images, with its predictions."""
    revision = project.create_revision(needed=("val",))
    row = project.new_run("evaluate", model_dir.parent.name, revision=revision)
    data_dir = revision.write_data_folder(row.folder / "dataset")
    spec = EvaluateSpec(model_dir=model_dir, data_dir=data_dir, split="val", save_masks=True)
    run = RunFolder.create(row.folder, spec)
    rng = np.random.default_rng(3)
    total = np.zeros((len(LABELS), len(LABELS)), np.int64)
    rows, judged, figures = [], [], Figures(LABELS)
    items = [item for item in revision.items if item.subset == "val"]
    (run.path / "predictions").mkdir()
    for index, item in enumerate(items):
        image_id = project.find_image(item.image)
        assert image_id is not None
        mask = project.label_map(image_id)
        assert mask is not None
        predicted = guess(mask, quality * (index + 1) / len(items), rng)
        path = run.path / "predictions" / f"{index:06d}.png"
        write_mask(path, predicted)
        counted = ConfusionMatrix(len(LABELS))
        counted.update(predicted, mask)
        matrix = counted.matrix
        total += matrix
        score = score_image(matrix, image=item.image, label=item.mask, prediction=path)
        defect = np.where(predicted == 0, np.uint8(1), predicted)
        odds = np.where(predicted == 0, 100, 180).astype(np.uint8)
        judged.append((str(item.image), figures.update(Choice(predicted, defect, odds), mask)))
        rows.append(
            {
                "image": str(item.image),
                "mask": str(item.mask),
                "prediction": path.relative_to(run.path).as_posix(),
                "miou": score.miou,
                "accuracy": score.accuracy,
                "iou": metrics_from_matrix(matrix)["category_iou"],
                "pixels": score.pixels,
                "wrong_pixels": score.wrong_pixels,
                "confusions": [[*pair, count] for pair, count in score.confusions.items()],
            }
        )
    rows.sort(key=lambda row: row["miou"])
    result = {
        **metrics_from_matrix(total),
        **figures.to_dict(),
        "verdict": judge(LABELS, total, figures.to_dict(), judged).to_dict(),
        "split": "val",
        "labels": list(LABELS),
        "model_dir": str(model_dir),
        "confusion_matrix": total.tolist(),
    }
    write_json_atomic(run.path / "metrics.json", result)
    write_json_atomic(run.path / "per_image.json", rows)
    project.set_run_state(row.id, "done", best_miou=result["miou"])
    return row.id
