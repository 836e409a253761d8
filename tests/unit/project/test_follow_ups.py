"""What follows a finished job by itself: an evaluation, the float model's measurement."""

from __future__ import annotations

from pathlib import Path

import pytest
import recorded_compression as recorded
from recorded_runs import make_project, record_evaluation, record_training

from core.project import Project
from core.project.follow_ups import follow_up
from core.project.run_start import prepare_run
from core.runs.events import Done
from core.runs.kinds import EvaluateSpec
from core.runs.run_folder import RunFolder


@pytest.fixture
def project(tmp_path: Path):
    made = make_project(tmp_path / "项目 1", train=2, val=2)
    yield made
    made.close()


def test_a_training_is_evaluated_on_what_it_was_chosen_by(project: Project) -> None:
    model = recorded.record_model(project)
    run = project.runs("train")[0]
    image = next(row for row in project.images() if row.subset == "val")
    project.save_label_map(image.id, project.label_map(image.id)[::-1].copy())
    found = follow_up(project, run)
    assert found is not None and found.revision is not None
    assert found.revision.id == run.revision_id  # not of the present labels
    made = prepare_run(project, found.fields, revision=found.revision)
    spec = RunFolder(made.folder).spec
    assert isinstance(spec, EvaluateSpec)
    assert (spec.model_dir, spec.split, spec.save_masks) == (model, "val", True)
    assert spec.save_odds
    assert (made.parent_id, made.name) == (run.id, run.name)
    assert made.revision_id == run.revision_id
    assert follow_up(project, run) is None  # it waits already
    project.set_run_state(made.id, "failed")
    assert follow_up(project, run) is not None


def test_one_that_is_evaluated_already_is_not_again(project: Project) -> None:
    model = recorded.record_model(project)
    run = project.runs("train")[0]
    record_evaluation(project, model)
    assert follow_up(project, run) is None


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_nothing_follows_what_did_not_end_well(project: Project, state: str) -> None:
    run_id, _ = record_training(project, epochs=1, state=state)
    assert follow_up(project, project.run(run_id)) is None


def test_nothing_follows_a_training_without_a_model(project: Project) -> None:
    run_id, run = record_training(project, epochs=1, end=Done({}), state="done")
    (run.path / "best_model").rmdir()
    assert follow_up(project, project.run(run_id)) is None


def test_the_float_model_is_measured_beside_its_int8_one(project: Project) -> None:
    root = recorded.record_model(project)
    recorded.record_quantization(project, root, None)
    run = project.runs("quantize")[0]
    assert follow_up(project, run) is None  # that one was not measured either
    recorded.record_quantization(project, root, recorded.FLOAT)
    run = project.runs("quantize")[0]
    found = follow_up(project, run)
    assert found is not None
    assert found.fields == {"kind": "measure", "model_dir": root}
    waiting = prepare_run(project, found.fields)
    assert follow_up(project, run) is None
    project.set_run_state(waiting.id, "cancelled")
    recorded.record_measurement(project, root, recorded.FLOAT)
    assert follow_up(project, run) is None


def test_the_trained_model_is_measured_not_the_pruned_one_between(project: Project) -> None:
    root = recorded.record_model(project)
    pruned = recorded.record_pruning(project, root, recorded.FLOAT)
    recorded.record_quantization(project, pruned, recorded.FLOAT, removed=0.4)
    found = follow_up(project, project.runs("quantize")[0])
    assert found is not None and found.fields["model_dir"] == root
