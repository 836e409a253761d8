"""Which model is taken where nobody chose: the best one whose score means something."""

from __future__ import annotations

from pathlib import Path

import pytest
import recorded_compression as recorded
from recorded_runs import make_project, record_training

from core.models.model_verdict import Level, Verdict
from core.project import Project, RunRow
from core.project.best_model import BestModels
from core.project.run_verdicts import RunVerdicts
from core.project.variant_choice import best_trained, praise, suggested
from core.project.variants import VariantReader
from core.runs.events import Done
from core.system.messages import message


@pytest.fixture
def project(tmp_path: Path):
    made = make_project(tmp_path / "项目 1", train=2, val=2)
    yield made
    made.close()


class Verdicts(RunVerdicts):
    """Says of chosen runs that they are of no use."""

    def __init__(self) -> None:
        super().__init__()
        self.useless: set[int] = set()

    def of(self, run: RunRow) -> Verdict | None:
        level = Level.NOT_USABLE if run.id in self.useless else Level.USABLE
        return Verdict(level, (message("So it is."),))


def train(project: Project, miou: float, state: str = "done") -> int:
    end = Done({}) if state == "done" else None
    run_id, _ = record_training(project, epochs=1, end=end, state=state)
    project._database.connection().execute(
        "UPDATE run SET best_miou = ? WHERE id = ?", (miou, run_id)
    )
    return run_id


def ids(project: Project, verdicts: RunVerdicts | None = None) -> list[int]:
    return [run.id for run in BestModels(verdicts or Verdicts()).candidates(project)]


def test_the_best_finished_one_is_first_whatever_else_there_is(project: Project) -> None:
    assert BestModels(Verdicts()).best(project) is None
    good, best = train(project, 0.6), train(project, 0.8)
    worse = train(project, 0.5)
    train(project, 0.95, "failed")
    train(project, 0.99, "interrupted")
    train(project, 0.97, "running")
    assert ids(project) == [best, good, worse]


def test_of_two_equal_ones_the_newer_is_taken(project: Project) -> None:
    older, newer = train(project, 0.6), train(project, 0.6)
    assert ids(project) == [newer, older]


def test_scores_on_other_labels_do_not_count(project: Project) -> None:
    train(project, 0.9)  # measured before a validation image was corrected
    image = next(row for row in project.images() if row.subset == "val")
    mask = project.label_map(image.id)
    mask[:20] = 1
    project.save_label_map(image.id, mask)
    newer, newest = train(project, 0.7), train(project, 0.6)
    assert ids(project) == [newer, newest]
    trained = next(row for row in project.images() if row.subset == "train")
    other = project.label_map(trained.id)
    other[:20] = 2
    project.save_label_map(trained.id, other)  # training images may differ
    again = train(project, 0.65)
    assert ids(project) == [newer, again, newest]


def test_scores_of_other_classes_do_not_count(project: Project) -> None:
    train(project, 0.9)
    project.rename_class(1, "pit")
    renamed = train(project, 0.4)
    assert ids(project) == [renamed]


def test_what_finds_nothing_is_taken_only_where_there_is_nothing_else(project: Project) -> None:
    verdicts = Verdicts()
    useless, good = train(project, 0.9), train(project, 0.4)
    verdicts.useless.add(useless)
    assert ids(project, verdicts) == [good]
    verdicts.useless.add(good)
    assert ids(project, verdicts) == [good, useless]  # the newest first: scores say nothing here


def test_a_stopped_one_comes_before_a_failed_one(project: Project) -> None:
    failed = train(project, 0.9, "failed")
    assert ids(project) == [failed]
    stopped, interrupted = train(project, 0.3, "cancelled"), train(project, 0.2, "interrupted")
    assert ids(project) == [interrupted, stopped]


def test_variants_know_the_place_of_their_training(project: Project) -> None:
    old = recorded.record_model(project)
    pruned = recorded.record_pruning(project, old, recorded.changed(recorded.FLOAT, miou=0.9))
    image = next(row for row in project.images() if row.subset == "val")
    project.save_label_map(image.id, project.label_map(image.id)[::-1].copy())
    new = recorded.record_model(project)
    small = recorded.record_pruning(project, new, recorded.changed(recorded.FLOAT, miou=0.6))
    variants = VariantReader().read(project)
    places = {variant.folder: variant.rank for variant in variants}
    assert places == {old: None, pruned: None, new: 0, small: 0}
    assert best_trained(variants).folder == new
    assert suggested(variants).folder == new  # the pruned one lost more than half a point
    assert not {old, pruned} & praise(variants).keys()


def test_variants_are_called_after_their_training_and_told_apart(project: Project) -> None:
    root = recorded.record_model(project)
    first = recorded.record_pruning(project, root, None, removed=0.4)
    second = recorded.record_pruning(project, root, None, removed=0.4)
    project.rename_run(project.runs("train")[0].id, "line 3")
    found = {variant.folder: variant for variant in VariantReader().read(project)}
    assert {variant.run_name for variant in found.values()} == {"line 3"}
    assert [found[folder].copy for folder in (root, first, second)] == [1, 1, 2]
