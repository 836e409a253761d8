"""Inspection of a recorded evaluation: numbers, order, confusions, error maps, and the way back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from panel_parts import noting_context, settle, shown
from PySide6.QtCore import QModelIndex, QPoint, Qt
from recorded_runs import HEIGHT, WIDTH, make_project, record_evaluation, record_training

from app.panels.base import StepState
from app.panels.inspect.error_viewer import ErrorView
from app.panels.inspect.inspection_panel import InspectionPanel
from app.panels.inspect.object_scores import image_sentence
from app.services.targets import ShowDataset
from app.widgets.blending import ERROR_COLORS, overlay_errors, overlay_mask
from app.widgets.class_colors import readable
from core.prediction.image_scores import ImageScores
from core.prediction.inspection import PixelError, read_evaluation
from core.project import ImageQuery, Project
from core.runs.events import Done, Progress


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1")
    yield made
    made.close()


@pytest.fixture
def context(qapp, tmp_path, project, monkeypatch):
    with noting_context(tmp_path, project, monkeypatch) as made:
        yield made


@pytest.fixture
def model_dir(project):
    _, run = record_training(project, epochs=1, end=Done({}), state="done")
    return run.path / "best_model"


@pytest.fixture
def panel(qtbot, context, project, model_dir):
    made = InspectionPanel(context)
    with shown(made, (1000, 800)):
        yield made


@pytest.fixture
def measured(qtbot, project, model_dir, panel):
    run_id = record_evaluation(project, model_dir)
    panel.set_project(project)
    settle(qtbot, panel)
    return project.run(run_id).folder


def names(panel) -> list[str]:
    return [score.image.name for score in panel.results.images.images.scores]


def cell(table, name, column) -> str:
    """The text in the row of a class."""
    rows = {table.item(row, 0).text(): row for row in range(table.rowCount())}
    return table.item(rows[name], column).text()


def test_results_are_shown_with_absent_classes_marked(panel, measured) -> None:
    expected = read_evaluation(measured)
    assert panel.figures.tiles["miou"].text() == f"{expected.metrics['miou']:.3f}"
    assert panel.figures.tiles["kappa"].text() == f"{expected.metrics['kappa']:.3f}"
    table = panel.results.figures.pixels
    assert cell(table, "stain", 1) == "absent"
    assert cell(table, "hole 孔", 1) == f"{expected.metrics['category_iou'][1]:.3f}"
    assert cell(table, "scratch", 5) == f"{int(expected.matrix[2].sum()):,}"
    assert panel.status().state is StepState.DONE


def test_worst_image_comes_first_and_is_shown(panel, measured) -> None:
    scores = panel.results.images.images.scores
    mious = [score.miou for score in scores]
    assert mious == sorted(mious)
    assert len(mious) == 6
    assert panel._inspector.name.text() == scores[0].image.name
    assert panel.results.viewer.picture.shape == (HEIGHT, WIDTH, 3)


def test_views_of_an_image_differ(qtbot, panel, measured) -> None:
    shown = []
    for view in ErrorView:
        panel.results.viewer.views.button(list(ErrorView).index(view)).click()
        settle(qtbot, panel)
        shown.append(panel.results.viewer.picture.copy())
    for i, first in enumerate(shown):
        assert not any(np.array_equal(first, second) for second in shown[i + 1 :])


def test_cell_of_the_matrix_lists_its_images(qtbot, panel, measured) -> None:
    every = names(panel)
    evaluation = panel._evaluation
    truth, predicted = 2, 1
    expected = {s.image.name for s in evaluation.images if s.confusions.get((truth, predicted))}
    assert 0 < len(expected) < len(every)
    matrix = panel.results.figures.matrix
    place = matrix.cell_rect(truth, predicted).center()
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(place.x(), place.y()))
    assert set(names(panel)) == expected
    assert "“scratch” is taken for “hole 孔”" in panel.results.list_title.text()
    assert panel.results.viewer.focus == truth
    assert panel.results.filter.class_id == truth
    panel.results.clear_button.click()
    assert names(panel) == every
    settle(qtbot, panel)


def test_matrix_can_be_walked_by_keyboard(qtbot, panel, measured) -> None:
    matrix = panel.results.figures.matrix
    chosen = []
    matrix.cell_clicked.connect(lambda truth, predicted: chosen.append((truth, predicted)))
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(matrix, key)
    assert chosen == [(1, 2)]
    share = panel._evaluation.matrix[1, 2] / panel._evaluation.matrix[1].sum()
    assert matrix.cell_text(1, 2).startswith(f"{share:.1%} of “hole 孔” is taken for “scratch”")
    settle(qtbot, panel)


def test_image_opens_in_the_data_set(qtbot, context, panel, measured) -> None:
    with qtbot.waitSignal(context.navigate_requested) as signal:
        panel._inspector.open_button.click()
    assert signal.args == [ShowDataset(panel.results.images.images.scores[0].image)]


def test_measuring_is_asked_for_followed_and_shown(
    qtbot, context, project, model_dir, panel
) -> None:
    panel.set_project(project)
    settle(qtbot, panel)
    assert panel._evaluation is None
    assert "has not been measured" in panel._unmeasured.text_label.text()
    panel._unmeasured.button.click()
    (fields,) = context.started
    assert fields == {
        "kind": "evaluate",
        "model_dir": model_dir,
        "split": "val",
        "save_masks": True,
        "save_odds": True,
    }
    run_id = record_evaluation(project, model_dir)
    context.run_started.emit(str(run_id))
    panel.job_event(str(run_id), Progress(3, 6, None, stage="evaluate"))
    assert panel._unmeasured.text_label.text() == "Measuring… 3 of 6 images"
    context.run_state_changed.emit(str(run_id), "done")
    settle(qtbot, panel)
    assert panel._evaluation is not None
    assert len(names(panel)) == 6
    expected = {score.image: score.miou for score in panel._evaluation.images}
    rows = {row.path: row.score for row in project.images(ImageQuery(subset="val"))}
    assert rows == expected
    assert all(row.score is None for row in project.images(ImageQuery(subset="train")))


def test_other_subset_is_not_shown_as_this_one(qtbot, panel, measured) -> None:
    panel.split_box.setCurrentIndex(panel.split_box.findData("test"))
    settle(qtbot, panel)
    assert panel._evaluation is None
    assert names(panel) == []
    panel.split_box.setCurrentIndex(panel.split_box.findData("val"))
    settle(qtbot, panel)
    assert len(names(panel)) == 6


def test_image_that_is_gone_is_told(qtbot, panel, measured) -> None:
    images = panel.results.images
    images.images.scores[1].image.unlink()
    images.setCurrentIndex(QModelIndex())
    images.choose(1)
    settle(qtbot, panel)
    assert panel.results.viewer.note.isVisible()
    assert "does not exist" in panel.results.viewer.note.text()


def test_project_without_model_says_so(qtbot, tmp_path, context) -> None:
    bare = make_project(tmp_path / "bare" / "p", train=1, val=1)
    context.project = bare
    panel = InspectionPanel(context)
    panel.set_project(bare)
    assert panel.status().state is StepState.BLOCKED
    assert panel._pages.currentIndex() == 0
    panel.shut_down()
    panel.deleteLater()
    bare.close()


def test_overlay_colours_classes_and_leaves_the_background() -> None:
    image = np.full((2, 2, 3), 100, np.uint8)
    mask = np.array([[0, 1], [1, 255]], np.uint8)
    drawn = overlay_mask(image, mask, [(9, 9, 9), (200, 0, 50)], background=0, strength=0.5)
    assert drawn[0, 0].tolist() == [100, 100, 100]
    assert drawn[0, 1].tolist() == [75, 50, 150]  # blue, green, red half way to the colour
    assert drawn[1, 1].tolist() == [139, 139, 139]  # a quarter towards white


def test_error_overlay_greys_what_is_right() -> None:
    image = np.dstack([np.full((1, 2), value, np.uint8) for value in (0, 0, 255)])
    errors = np.array([[PixelError.CORRECT, PixelError.FALSE]], np.uint8)
    drawn = overlay_errors(image, errors)
    assert len(set(drawn[0, 0].tolist())) == 1
    red, green, blue = ERROR_COLORS[PixelError.FALSE]
    assert drawn[0, 1].tolist() == pytest.approx([blue, green, red], abs=50)


@pytest.mark.parametrize("ground", ["#ffffff", "#1d2025"])
def test_class_colours_stand_out_from_the_ground(ground: str) -> None:
    for color in [(240, 228, 66), (64, 64, 64), (0, 0, 0), (255, 255, 255)]:
        made = readable(color, ground)
        grounds = [int(ground[i : i + 2], 16) for i in (1, 3, 5)]
        assert max(abs(a - b) for a, b in zip(made.getRgb()[:3], grounds, strict=True)) > 60


def test_the_verdict_and_the_objects_stand_above_the_pixels(panel, measured) -> None:
    metrics = read_evaluation(measured).metrics
    box, objects = panel.results.verdict, panel.results.figures.objects
    assert box.isVisible()
    assert box.summary.text() == metrics["verdict"]["sentences"][0]
    total = metrics["objects"]["all"]
    assert panel.figures.tiles["found"].text() == f"{total['found']} / {total['objects']}"
    one = metrics["objects"]["classes"][0]
    assert cell(objects.table, "hole 孔", 1) == str(one["objects"])
    assert cell(objects.table, "hole 孔", 3) == str(one["false_alarms"])
    assert objects.table.isColumnHidden(6)  # no object is that large
    assert objects.images.isHidden()  # every image has a defect


def test_an_evaluation_of_an_earlier_version_is_shown_without_them(
    qtbot, panel, measured, project
) -> None:
    file = measured / "metrics.json"
    metrics = json.loads(file.read_text(encoding="utf-8"))
    for name in ("objects", "verdict"):
        del metrics[name]
    metrics["images"] = 6
    file.write_text(json.dumps(metrics), encoding="utf-8")
    panel.set_project(project)
    settle(qtbot, panel)
    assert panel.figures.tiles["images"].text() == "6"
    assert panel.figures.tiles["found"].text() == "–"
    assert panel.results.verdict.isHidden()
    assert panel.results.figures.objects.isHidden()
    assert panel.results.figures.pixels.isVisible()
    assert not panel.results.filter.kind_box.isEnabled()
    assert "Measure again" in panel.results.filter.kind_box.toolTip()


def test_whole_images_are_told_apart_in_a_sentence() -> None:
    images = ImageScores()
    for score, defective in ((0.9, True), (0.8, True), (0.3, False), (0.1, False)):
        images.add(score, defective=defective, marked=defective)
    assert image_sentence(images.figures()) == (
        "Whole images: 2 of 2 defective ones are marked, 0 of 2 good ones. By their scores: AUC "
        "1.000; 100% detected at 5% false alarms."
    )
    assert image_sentence(ImageScores().figures()) == ""


def test_a_project_open_for_reading_is_looked_at_and_not_measured(
    qtbot, panel, project, model_dir, context
) -> None:
    with Project.open(project.folder, read_only=True) as reading:
        context.project = reading
        panel.set_project(reading)
        settle(qtbot, panel)
        unmeasured = panel._unmeasured
        assert unmeasured.button.isVisible() and not unmeasured.button.isEnabled()
        assert "reading only" in unmeasured.text_label.text()
        record_evaluation(project, model_dir)
        context.runs_changed.emit()
        settle(qtbot, panel)
        for part in (panel.measure_button, panel.curve.start_button):
            assert not part.isEnabled() and "reading only" in part.toolTip()
        assert panel.model_box.isEnabled() and panel.report.button.isEnabled()
        panel.set_project(None)
        context.project = project
    panel.set_project(project)
    settle(qtbot, panel)
    assert panel.measure_button.isEnabled() and "Measure again" in panel.measure_button.toolTip()
