"""Drafts of a model in the Labelling panel: accepting, states, order; once with real workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click_models import ritm, sam_encoder
from draft_parts import (
    MODEL,
    PIT,
    SCRATCH,
    predict,
    prediction,
    settle,
    show,
    state,
    store,
    trigger,
)

from app.panels.label.widgets.click_model_dialog import ClickModelDialog
from app.services.targets import LabelImage
from core.annotation import draft as drafts
from core.annotation.click_model import ClickModelFiles
from core.annotation.draft import Prediction
from core.annotation.edits import Region, whole_box
from core.annotation.uncertainty import Uncertainty
from core.project.draft_models import ModelChoice
from core.project.variants import ModelVariant, VariantKind

TIMEOUT_MS = 300_000
IGNORED = 255


@pytest.fixture
def panel(opened, qtbot):
    project = opened.context.project
    for image_id in project.image_ids()[:6]:
        project.clear_label_map(image_id)
    area = opened.window.work_area
    area.show_panel("labelling")
    made = area.panels["labelling"]
    qtbot.waitUntil(lambda: made.editor.document is not None, timeout=20_000)
    settle(qtbot, made)
    return made


@pytest.fixture
def asked(panel, monkeypatch, tmp_path):
    """A model to choose whose process answers with ``prediction``."""
    variant = ModelVariant(
        run_id=1, run_name="第 1", network="UNet", kind=VariantKind.FLOAT, folder=tmp_path,
        parent=None, root=tmp_path, labels=MODEL,
    )  # fmt: skip
    asked: list[Path] = []

    def predict(_model: Path, image: Path) -> Prediction:
        asked.append(image)
        return prediction()

    monkeypatch.setattr(panel.draft._server, "predict", predict)
    panel.inspector_parts.draft.set_models([ModelChoice(variant, tmp_path)], None)
    return asked


def test_a_draft_is_accepted_as_one_step_and_the_image_is_a_draft(panel, asked, qtbot):
    image_id = panel.session.row.id
    predict(qtbot, panel)
    offered = panel.editor.draft
    assert offered[5, 5] == SCRATCH and offered[22, 12] == PIT
    assert offered[22, 32] == 255  # a class that the project lacks
    assert offered[0, 0] == 255  # background is not proposed unless asked for
    assert "crack" in panel.inspector_parts.draft.note.text()
    trigger(panel, "accept")
    mask = panel.editor.document.mask
    assert (mask == SCRATCH).sum() == 32 and (mask == PIT).sum() == 25
    assert panel.editor.draft is None
    settle(qtbot, panel)
    assert state(panel, image_id) == "draft"
    assert np.array_equal(panel.project.label_map(image_id), mask)
    panel.tools.undo()
    assert not mask.any()
    settle(qtbot, panel)
    assert state(panel, image_id) == "unlabelled"
    assert panel.project.label_map(image_id) is None
    panel.editor.redo()
    settle(qtbot, panel)
    assert state(panel, image_id) == "draft"
    panel.tools.undo()
    settle(qtbot, panel)
    predict(qtbot, panel)  # known already
    assert len(asked) == 1
    assert panel.editor.draft is not None


def test_the_threshold_hides_what_is_unsure(panel, asked, qtbot):
    predict(qtbot, panel)
    box = panel.inspector_parts.draft
    box.threshold.setValue(60)
    assert panel.editor.draft[5, 5] == SCRATCH and panel.editor.draft[5, 21] == 255
    trigger(panel, "accept")
    assert (panel.editor.document.mask == SCRATCH).sum() == 16
    assert panel.editor.draft is None
    box.threshold.setValue(99)
    assert panel.editor.draft is None
    assert "not that sure of anything" in box.note.text()
    box.threshold.setValue(0)  # what was not offered can still be had
    assert "proposed here" not in box.note.text()
    assert np.unique(panel.editor.draft).tolist() == [SCRATCH, 255]
    assert (panel.editor.draft == SCRATCH).sum() == 16


def test_a_draft_that_finds_nothing_says_so(panel, asked, qtbot, monkeypatch):
    empty = np.ones((32, 48), np.uint8)
    found = Prediction(empty, np.full_like(empty, 250), Uncertainty(0.1, 0.9), MODEL)
    monkeypatch.setattr(panel.draft._server, "predict", lambda _model, _image: found)
    predict(qtbot, panel)
    assert panel.editor.draft is None
    note = panel.inspector_parts.draft.note
    assert "Nothing more is proposed here but background." in note.text()
    panel.inspector_parts.draft.background.setChecked(True)
    assert "Nothing more" not in note.text()


def test_the_prediction_becomes_the_label_with_one_key(panel, asked, qtbot):
    image_id, editor = panel.session.row.id, panel.editor
    before = np.zeros((32, 48), np.uint8)
    before[0:4] = PIT  # the model says background
    before[21, 11] = IGNORED
    editor.copy_labels(Region(whole_box(before), np.ones(before.shape, bool)), before, name="x")
    settle(qtbot, panel)
    trigger(panel, "copy")
    settle(qtbot, panel)
    mask = editor.document.mask
    assert (mask == SCRATCH).sum() == 32 and (mask == PIT).sum() == 24  # a pixel is don't care
    assert mask[21, 11] == IGNORED and not mask[0:4].any()
    assert len(asked) == 1 and editor.draft is None
    assert state(panel, image_id) == "draft"
    trigger(panel, "copy")
    settle(qtbot, panel)
    assert "already" in panel.view.notice.text.text()
    panel.tools.undo()
    settle(qtbot, panel)
    assert np.array_equal(editor.document.mask, before)

    panel.inspector_parts.draft.threshold.setValue(90)
    panel.classes.choose(SCRATCH)
    trigger(panel, "copy_class")
    settle(qtbot, panel)
    assert (mask == SCRATCH).sum() == 16  # the other one is not that sure
    assert (mask[0:4] == PIT).all() and not mask[22, 12]
    for _ in range(2):
        panel.tools.undo()
    settle(qtbot, panel)
    assert state(panel, image_id) == "unlabelled"


def test_without_a_prediction_one_line_says_what_to_do(panel, qtbot):
    before = panel.editor.document.mask.copy()
    trigger(panel, "copy")
    assert "train a model" in panel.view.notice.text.text()
    assert np.array_equal(panel.editor.document.mask, before)


def test_a_draft_of_a_job_is_copied_where_no_model_is_left(panel, qtbot):
    labelled = panel.images.ids[-1]
    store(panel, {labelled: (0.5, 0.5)})
    panel.workspace.drafts.read()
    settle(qtbot, panel)
    show(qtbot, panel, labelled)
    trigger(panel, "copy")
    settle(qtbot, panel)
    assert (panel.editor.document.mask[20:25, 10:15] == PIT).all()


def test_parts_and_classes_are_accepted_alone(panel, asked, qtbot):
    predict(qtbot, panel)
    panel.view.canvas.hovered.emit((22.5, 6.5))
    trigger(panel, "accept_part")
    mask = panel.editor.document.mask
    assert (mask[4:8, 20:24] == SCRATCH).all() and (mask == SCRATCH).sum() == 16
    panel.view.canvas.hovered.emit((0.5, 0.5))
    trigger(panel, "accept_part")
    assert not panel.view.notice.isHidden()
    panel.classes.choose(PIT)
    trigger(panel, "accept_class")
    assert (mask == PIT).sum() == 25 and (mask == SCRATCH).sum() == 16
    assert (panel.editor.draft == SCRATCH).sum() == 16
    trigger(panel, "reject")
    assert panel.editor.draft is None and panel.draft.draft is None
    assert not panel.workspace.actions["draft.accept"].isEnabled()


def test_locks_and_paint_rules_hold(panel, asked, qtbot):
    document = panel.editor.document
    document.mask[4:6, 4:8] = PIT
    panel.editor.set_locked({PIT})
    predict(qtbot, panel)
    trigger(panel, "accept")
    assert (document.mask[4:6, 4:8] == PIT).all()
    assert (document.mask[6:8, 4:8] == SCRATCH).all()
    assert (document.mask[20:25, 10:15] == 0).all()  # nothing becomes a protected class
    panel.editor.set_locked(())
    panel.tools.undo()
    panel.editor.set_option("only_over", PIT)
    predict(qtbot, panel)
    trigger(panel, "accept")
    assert (document.mask == SCRATCH).sum() == 8  # only over the pit


def test_background_is_proposed_on_request(panel, asked, qtbot):
    panel.editor.document.mask[:] = PIT
    predict(qtbot, panel)
    panel.inspector_parts.draft.background.setChecked(True)
    trigger(panel, "accept")
    assert panel.editor.document.mask[0, 0] == 0
    assert (panel.editor.document.mask[20:25, 30:35] == PIT).all()


def test_stored_drafts_are_shown_and_sort_the_images(panel, qtbot):
    ids = panel.images.ids
    first, second, third, fourth = ids[:4]
    store(panel, {first: (0.1, 0.9), second: (0.5, 0.2), third: (0.9, 0.4), ids[-1]: (1.0, 0.0)})
    show(qtbot, panel, fourth)
    assert panel.editor.draft is None
    panel.workspace.drafts.read()
    settle(qtbot, panel)

    panel.workspace.actions["draft.next_uncertain"].trigger()
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == third)
    settle(qtbot, panel)
    assert panel.editor.draft[5, 5] == SCRATCH  # of the job, at once
    assert "0.90" in panel.inspector_parts.draft.note.text()
    assert panel.project.label_map(third) is None  # the truth is untouched
    trigger(panel, "reject")
    show(qtbot, panel, second)
    assert panel.editor.draft is not None
    show(qtbot, panel, third)
    assert panel.editor.draft is None  # rejected

    box = panel.view.strip.order
    box.setCurrentIndex(box.findData("entropy"))
    settle(qtbot, panel)
    assert list(panel.images.ids[:5]) == [ids[-1], third, second, first, fourth]
    box.setCurrentIndex(box.findData("margin"))
    settle(qtbot, panel)
    assert list(panel.images.ids[:4]) == [ids[-1], second, third, first]
    panel.draft.accept_all()  # nothing is shown here
    show(qtbot, panel, second)
    trigger(panel, "accept")
    settle(qtbot, panel)
    panel.workspace.actions[
        "draft.next_uncertain"
    ].trigger()  # second is labelled now, the last always was
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == third)


def test_rejected_drafts_stay_rejected_and_newer_ones_are_shown(panel, opened, qtbot):
    first, second = panel.images.ids[:2]
    run_dir = store(panel, {first: (0.1, 0.9), second: (0.5, 0.2)})
    show(qtbot, panel, second)
    panel.workspace.drafts.read()
    settle(qtbot, panel)
    assert panel.editor.draft is not None
    trigger(panel, "reject")
    assert drafts.read_rejected(run_dir) == {1}
    folder = panel.project.folder
    opened.context.close_project()
    opened.context.open_project(folder)  # as after a restart
    opened.context.navigate(LabelImage())
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    settle(qtbot, panel)
    show(qtbot, panel, first)
    assert panel.editor.draft is not None
    show(qtbot, panel, second)
    assert panel.editor.draft is None
    store(panel, {second: (0.3, 0.2)})  # another job is another draft
    panel.workspace.drafts.read()
    settle(qtbot, panel)
    assert panel.editor.draft is not None


@pytest.mark.parametrize("content", [b"{", b"{}", b'["1", true]', b"7"])
def test_a_damaged_list_of_rejected_drafts_rejects_nothing(tmp_path, content):
    (tmp_path / drafts.DRAFTS_DIR).mkdir()
    (tmp_path / drafts.DRAFTS_DIR / "rejected.json").write_bytes(content)
    assert drafts.read_rejected(tmp_path) == frozenset()
    drafts.write_rejected(tmp_path, 3)
    assert drafts.read_rejected(tmp_path) == {3}


def test_a_labelled_image_does_not_show_stored_drafts(panel, qtbot):
    labelled = panel.images.ids[-1]
    store(panel, {labelled: (0.5, 0.5)})
    panel.workspace.drafts.read()
    settle(qtbot, panel)
    show(qtbot, panel, labelled)
    assert panel.editor.draft is None


def test_a_damaged_draft_is_told_in_one_sentence(panel, qtbot):
    first, second = panel.images.ids[:2]
    folder = store(panel, {first: (0.5, 0.5), second: (0.4, 0.5)})
    drafts.mask_file(folder, 1).write_bytes(b"x")
    panel.workspace.drafts.read()
    settle(qtbot, panel)
    show(qtbot, panel, second)
    assert panel.editor.draft is None
    assert "unreadable" in panel.view.notice.text.text()


def test_the_dialog_takes_only_files_that_fit(panel, qtbot, tmp_path):
    panel.workspace.actions["draft.click_model"].trigger()
    dialog = panel.findChild(ClickModelDialog)
    ok = dialog.buttons.button(dialog.buttons.StandardButton.Ok)
    assert not ok.isEnabled()
    dialog.kind.setCurrentIndex(1)
    dialog.model.setText(str(sam_encoder(tmp_path / "e.onnx")))
    ok.click()
    qtbot.waitUntil(lambda: "lacks the inputs image, points" in dialog.note.text())
    good = ritm(tmp_path / "好.onnx")
    dialog.model.setText(str(good))
    ok.click()
    qtbot.waitUntil(lambda: panel.tools.current.key == "click")
    assert panel.tools.current.files == ClickModelFiles(good)
    values = panel.context.settings.panel_values["labelling/click_model"]
    assert ClickModelFiles.from_dict(values) == ClickModelFiles(good)


def test_a_trained_model_drafts_images_with_real_processes(panel, qtbot, monkeypatch):
    # Its evaluation would say that it is of no use after one epoch, and refuse the drafts.
    monkeypatch.setattr("app.services.follow_ups.follow_up", lambda *_: None)
    context = panel.context
    states: dict[str, str] = {}
    context.run_state_changed.connect(states.__setitem__)
    failures: list[Exception] = []
    context.error_occurred.connect(failures.append)

    def finish(count: int) -> None:
        qtbot.waitUntil(
            lambda: bool(failures) or list(states.values()) == ["done"] * count, timeout=TIMEOUT_MS
        )
        assert not failures
        settle(qtbot, panel, TIMEOUT_MS)

    assert panel.inspector_parts.draft.choice is None
    context.start_run(
        {
            "kind": "train",
            "model": "FastSCNN",
            "epochs": 1,
            "batch_size": 2,
            "image_size": [64, 64],
            "device": "cpu",
            "use_vdl": False,
        }
    )
    finish(1)
    choice = panel.inspector_parts.draft.choice
    assert choice is not None and choice.path.name == "best_model"
    # After one epoch it says the same everywhere, and would be refused if that were known.
    (choice.path / "eval_details.json").unlink()
    context.runs_changed.emit()
    settle(qtbot, panel)

    row = panel.session.row
    trigger(panel, "predict")
    settle(qtbot, panel, TIMEOUT_MS)
    found = panel.draft.draft
    assert found is not None
    assert found.mapping.missing == ()
    assert 0 <= found.uncertainty.entropy <= 1
    pid = panel.draft._server.pid
    assert pid is not None

    trigger(panel, "images_unlabelled")
    finish(2)
    assert len(panel.workspace.drafts._stored) == 6
    stored = panel.workspace.drafts.get(row.id)
    assert abs(stored.uncertainty.entropy - found.uncertainty.entropy) < 1e-4
    assert panel.project.label_map(row.id) is None
    assert panel.draft._server.pid == pid
