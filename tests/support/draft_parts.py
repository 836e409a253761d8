"""What tests do with drafts of a model: asking for them, and leaving some as a job would."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.annotation import draft as drafts
from core.annotation.draft import DraftRecord, Prediction
from core.annotation.uncertainty import Uncertainty
from core.images.io import write_mask
from core.project.rows import State
from core.runs.kinds import DraftSpec
from core.runs.run_folder import RunFolder

MODEL = ("scratch", "background", "crack", "pit")
SCRATCH, PIT = 1, 2  # in the project


def settle(qtbot, panel, timeout: int = 20_000) -> None:
    timers = (panel.images._timer, panel.workspace.drafts._timer)
    qtbot.waitUntil(
        lambda: (
            not panel.busy
            and not panel.session.pending
            and not any(timer.isActive() for timer in timers)
        ),
        timeout=timeout,
    )


def show(qtbot, panel, image_id: int) -> None:
    panel.images.open(image_id)
    qtbot.waitUntil(
        lambda: panel.session.row is not None and panel.session.row.id == image_id, timeout=20_000
    )
    settle(qtbot, panel)


def state(panel, image_id: int) -> State:
    return panel.project.image(image_id).state


def trigger(panel, key: str) -> None:
    assert panel.workspace.actions[f"draft.{key}"].isEnabled()
    panel.workspace.actions[f"draft.{key}"].trigger()


def prediction() -> Prediction:
    """Two scratches, one of them uncertain, a pit, a crack that the project does not know."""
    label_map = np.ones((32, 48), np.uint8)
    confidence = np.full((32, 48), 250, np.uint8)
    label_map[4:8, 4:8] = 0
    label_map[4:8, 20:24] = 0
    confidence[4:8, 20:24] = 130
    label_map[20:25, 10:15] = 3
    label_map[20:25, 30:35] = 2
    return Prediction(label_map, confidence, Uncertainty(0.3, 0.6), MODEL)


def predict(qtbot, panel) -> None:
    trigger(panel, "predict")
    settle(qtbot, panel)


def store(panel, uncertainties: dict[int, tuple[float, float]]) -> Path:
    """Leave a run with drafts, as a job would."""
    project = panel.project
    run = project.new_run("draft", "UNet")
    rows = project.images_by_id(list(uncertainties))
    spec = DraftSpec(
        model_dir=run.folder, images=[row.path for row in rows], image_ids=list(uncertainties)
    )
    RunFolder.create(run.folder, spec)
    (run.folder / drafts.DRAFTS_DIR).mkdir()
    drafts.write_labels(run.folder, MODEL)
    one = prediction()
    for place, row in enumerate(rows):
        write_mask(drafts.mask_file(run.folder, place), one.label_map)
        write_mask(drafts.confidence_file(run.folder, place), one.confidence)
        record = DraftRecord(place, str(row.path), row.id, *uncertainties[row.id])
        drafts.append_record(run.folder, record)
    return run.folder
