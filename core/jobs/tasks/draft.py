"""Predict images as drafts of their labels."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from core.annotation.draft import (
    DRAFTS_DIR,
    DraftRecord,
    append_record,
    confidence_file,
    drop_torn_line,
    mask_file,
    read_records,
    write_labels,
)
from core.images.io import write_image, write_mask
from core.jobs.draft_model import DraftModel, open_model
from core.project.draft_models import check_useful
from core.runs.kinds import DraftSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError
from core.system.reporting import Reporter


def run(spec: DraftSpec, folder: RunFolder, reporter: Reporter) -> dict[str, Any]:
    """Predict every image; goes on behind the last one that an interrupted run finished.

    The run folder gets what ``core.annotation.draft`` describes. An image that cannot be predicted
    is noted there with the reason and the others go on.
    """
    started = time.monotonic()
    if spec.image_ids and len(spec.image_ids) != len(spec.images):
        raise InputError(
            "The job has {images} {images:image|images} and {ids} ids for them: give one for "
            "each, or none.",
            images=len(spec.images),
            ids=len(spec.image_ids),
        )
    check_useful(spec.model_dir)
    model = open_model(spec.model_dir, reporter=reporter)
    drop_torn_line(folder.path)
    known = {record.index: record for record in read_records(folder.path)}
    (folder.path / DRAFTS_DIR).mkdir(exist_ok=True)
    write_labels(folder.path, model.labels)
    total, done, before = len(spec.images), len(known), len(known)
    for index, image in enumerate(spec.images):
        if index in known:
            continue
        reporter.check()
        seconds = time.monotonic() - started
        eta = None if done == before else seconds / (done - before) * (total - done)
        reporter.progress(done, total, stage="predict", eta_s=eta)
        image_id = spec.image_ids[index] if spec.image_ids else None
        record = _draft(model, folder.path, DraftRecord(index, str(image), image_id), reporter)
        append_record(folder.path, record)
        known[index] = record
        done += 1
    reporter.progress(total, total, stage="predict", eta_s=0.0)
    failed = [one for one in known.values() if one.problem]
    seconds = time.monotonic() - started
    return {
        "model_dir": str(spec.model_dir),
        "labels": list(model.labels),
        "images": total - len(failed),
        "failed": [{"image": one.image, "problem": one.problem} for one in failed],
        "seconds": seconds,
        "images_per_second": (done - before) / seconds,
    }


def _draft(
    model: DraftModel, run_dir: Path, record: DraftRecord, reporter: Reporter
) -> DraftRecord:
    image = Path(record.image)
    try:
        prediction = model.predict(image)
    except InputError as error:
        reporter.warn(error.message)
        return DraftRecord(record.index, record.image, record.image_id, problem=str(error))
    mask = mask_file(run_dir, record.index)
    write_mask(mask, prediction.label_map, palette=model.colors)
    write_image(confidence_file(run_dir, record.index), prediction.confidence)
    return DraftRecord(
        record.index,
        record.image,
        record.image_id,
        round(prediction.uncertainty.entropy, 6),
        round(prediction.uncertainty.margin, 6),
    )
