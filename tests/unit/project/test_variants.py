"""A project's variants, collected from its runs: what they came from, what was measured."""

from __future__ import annotations

import shutil

import pytest
import recorded_compression as recorded
from recorded_runs import make_project

from core.project import Project
from core.project.variants import VariantKind, VariantReader, class_changes, family, pareto_front
from core.runs.events import Done
from core.runs.kinds import MeasureSpec, QuantizeSpec
from core.runs.run_folder import RunFolder


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1", train=2, val=2)
    yield made
    made.close()


@pytest.fixture
def root(project):
    return recorded.record_model(project)


def read(project):
    return VariantReader().read(project)


def test_each_variant_knows_what_it_is_and_where_it_comes_from(project, root) -> None:
    pruned = recorded.record_pruning(project, root, recorded.FLOAT, removed=0.4)
    int8 = recorded.record_quantization(project, root, None)
    both = recorded.record_quantization(project, pruned, None, removed=0.4, epochs=2)
    found = {variant.folder: variant for variant in read(project)}
    assert {folder: variant.kind for folder, variant in found.items()} == {
        root: VariantKind.FLOAT,
        pruned: VariantKind.PRUNED,
        int8: VariantKind.INT8,
        both: VariantKind.PRUNED_INT8,
    }
    assert {variant.root for variant in found.values()} == {root}
    assert found[both].parent == pruned
    assert found[both].removed == pytest.approx(0.4)
    assert (found[both].trained, found[int8].trained) == (True, False)
    assert found[pruned].measured == recorded.FLOAT
    assert found[int8].measured is None
    assert found[int8].miou == found[int8].best_miou == 0.69


def test_the_newest_measurement_counts(project, root) -> None:
    recorded.record_measurement(project, root, recorded.FLOAT)
    newer = recorded.changed(recorded.FLOAT, latency_ms=3.0)
    recorded.record_measurement(project, root, newer)
    (variant,) = read(project)
    assert variant.measured == newer
    assert variant.best_miou == recorded.FLOAT.miou


def test_families_follow_each_other_the_newest_first(project, root) -> None:
    other = recorded.record_model(project)
    pruned = recorded.record_pruning(project, root, None)
    variants = read(project)
    assert [variant.folder for variant in variants] == [other, root, pruned]
    assert [variant.folder for variant in family(variants, root)] == [root, pruned]


def test_what_failed_or_is_gone_is_left_out(project, root) -> None:
    gone = recorded.record_pruning(project, root, None)
    shutil.rmtree(gone)
    failed = project.new_run("quantize", "FastSCNN")
    RunFolder.create(failed.folder, QuantizeSpec(model_dir=root, data_dir=root))
    project.set_run_state(failed.id, "failed")
    assert [variant.folder for variant in read(project)] == [root]


def test_a_variant_of_a_model_that_is_gone_stands_for_itself(project, root) -> None:
    pruned = recorded.record_pruning(project, root, None)
    shutil.rmtree(root)
    (variant,) = read(project)
    assert (variant.folder, variant.root, variant.parent) == (pruned, pruned, None)


def test_a_training_at_work_offers_no_model_yet(project, root) -> None:
    (run,) = project.runs("train")
    project.set_run_state(run.id, "running")
    assert read(project) == ()


def test_a_project_can_be_moved(project, root, tmp_path) -> None:
    recorded.record_pruning(project, root, recorded.FLOAT)
    project.close()
    moved = tmp_path / "别处 2"
    project.folder.rename(moved)
    with Project.open(moved) as again:
        first, second = read(again)
    assert first.folder.is_relative_to(moved)
    assert second.folder.is_relative_to(moved)
    assert second.parent == first.folder
    assert second.measured == recorded.FLOAT


def test_a_measurement_written_by_another_version_is_none(project, root) -> None:
    row = project.new_run("measure", "FastSCNN")
    run = RunFolder.create(row.folder, MeasureSpec(model_dir=root, data_dir=root))
    recorded.append(run, [Done({"variant": {"latency": 3}})])
    project.set_run_state(row.id, "done")
    (variant,) = read(project)
    assert variant.measured is None


def test_changes_of_classes_are_against_the_float_model(project, root) -> None:
    recorded.record_measurement(project, root, recorded.FLOAT)
    worse = recorded.changed(recorded.FLOAT, category_iou=(0.97, 0.65, None, 0.1))
    recorded.record_pruning(project, root, worse)
    first, second = read(project)
    assert class_changes(second, first) == [
        ("background", 0.97, 0.0),
        ("hole 孔", 0.65, pytest.approx(-0.03)),
        ("scratch", None, None),
        ("stain", 0.1, None),
    ]


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    points = [(4.0, 0.71), (3.0, 0.70), (3.5, 0.69), (2.0, 0.60), (2.0, 0.65), (5.0, 0.71)]
    assert pareto_front(points) == [4, 1, 0]
    assert pareto_front([]) == []
