"""Setting a training up: suggestions with reasons, sentences for what is wrong, and the start."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from panel_parts import noting_context, settle, shown
from recorded_runs import make_project, record_training

from app.panels.base import StepState
from app.panels.train.model_panel import ModelPanel
from app.services.targets import SetUpTraining, ShowDataset, ShowTraining
from core.advice import presets
from core.advice.checks import find_problems
from core.models.catalog import NETWORKS
from core.models.optimizer_choice import learning_rate
from core.project import Project
from core.runs.events import Done
from core.runs.kinds import TrainSpec
from core.system.devices import DeviceInfo

CPU = DeviceInfo(kind="cpu", name="CPU", memory_bytes=16 << 30, free_bytes=12 << 30, cores=2)


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1")
    yield made
    made.close()


@pytest.fixture
def context(qapp, tmp_path, project, monkeypatch):
    with noting_context(tmp_path, project, monkeypatch) as made:
        made.devices = (CPU,)
        yield made


@pytest.fixture
def panel(qtbot, context, project):
    made = ModelPanel(context)
    made.set_project(project)
    with shown(made, (1000, 800)):
        settle(qtbot, made)
        yield made


def choose_network(panel, name: str) -> None:
    next(card for card in panel.networks.cards if card.button.text() == name).button.click()


def test_every_network_is_offered_with_its_costs(panel) -> None:
    assert [card.button.text() for card in panel.networks.cards] == list(NETWORKS)
    assert all("million parameters" in card.fact.text() for card in panel.networks.cards)


def problem(form, name) -> str:
    """The sentence under a field, empty where there is none."""
    return form._problems[name].text()


def option_box(panel, network, name):
    """The box of an argument of a network."""
    return panel.form.network_options._boxes[network][name][0]


def test_options_of_the_chosen_network_become_its_arguments(panel) -> None:
    panel.form.advanced_button.click()
    choose_network(panel, "HRNet")
    width = option_box(panel, "HRNet", "width")
    assert width.isVisible()
    assert panel.fields["model_params"] == {}
    width.setCurrentIndex(width.findData(18))
    assert panel.fields["model_params"] == {"width": 18}
    assert panel.reset_button.isVisible()
    panel.reset_button.click()
    assert panel.fields["model_params"] == {}
    choose_network(panel, "DeepLabV3P")
    assert not width.isVisible()
    stride = option_box(panel, "DeepLabV3P", "output_stride")
    stride.setCurrentIndex(stride.findData(16))
    assert panel.fields["model_params"] == {"output_stride": 16}
    TrainSpec(data_dir="x", **panel.fields)


def test_a_network_with_weights_of_its_own_names_them(panel) -> None:
    form = panel.form
    choose_network(panel, "FastSCNN")
    assert panel.fields["pretrain_weights"] is None
    choose_network(panel, "EfficientNetFPN")
    assert panel.fields["pretrain_weights"] == "IMAGENET"
    assert not panel.reset_button.isVisible()
    form.weights_edit.clear()
    assert panel.fields["pretrain_weights"] is None
    assert panel.reset_button.isVisible()
    panel.reset_button.click()
    assert panel.fields["pretrain_weights"] == "IMAGENET"
    choose_network(panel, "UNet")
    assert panel.fields["pretrain_weights"] is None
    form.weights_edit.setText("CITYSCAPES")
    panel.qualities.choose(0)
    assert panel.fields["pretrain_weights"] == "CITYSCAPES"
    choose_network(panel, "EfficientNetFPN")
    # A run that goes on has its weights: none are asked for beside it.
    form.resume_box.addItem("0001-EfficientNetFPN", "runs/0001-EfficientNetFPN/epoch_1")
    form.resume_box.setCurrentIndex(form.resume_box.count() - 1)
    assert panel.fields["pretrain_weights"] is None
    form.resume_box.setCurrentIndex(0)
    assert panel.fields["pretrain_weights"] == "IMAGENET"


def test_the_step_counts_images_once_a_change(panel, project, context, monkeypatch) -> None:
    counted = []
    count = type(project).counts
    monkeypatch.setattr(type(project), "counts", lambda self: counted.append(1) or count(self))
    context.dataset_changed.emit()
    for _ in range(5):
        assert panel.status().state is StepState.NEXT
    assert len(counted) == 1


def test_suggestion_fills_the_form_and_explains_itself(project, panel) -> None:
    facts = panel._data.facts
    assert [one.objects > 0 for one in facts.classes] == [True, True, True, False]
    expected = presets.suggest(project.statistics(), CPU, facts=facts)
    fields = panel.fields
    assert fields["model"] == expected.model
    for name in (
        "image_size",
        "image_scale",
        "minutes",
        "batch_size",
        "epochs",
        "epoch_images",
        "optimizer",
        "class_weights",
        "augmentation",
        "sampling",
        "ema_decay",
        "early_stop",
        "early_stop_patience",
        "pretrain_weights",
    ):
        assert fields[name] == getattr(expected, name), name
    assert TrainSpec(**fields, data_dir="x") == expected.spec(Path("x"), device="auto")
    assert fields["learning_rate"] == pytest.approx(expected.learning_rate)
    assert panel.reasons.texts == [str(reason) for reason in expected.reasons]
    assert not panel.reset_button.isVisible()


def test_choices_change_the_suggestion(panel) -> None:
    before = panel.fields["minutes"]
    panel.qualities.cards[0].button.click()
    assert panel.fields["minutes"] < before
    choose_network(panel, "UNet")
    assert panel.fields["model"] == "UNet"
    assert panel.reasons.texts[0] == "UNet: your choice."


def test_own_changes_can_be_taken_back(panel) -> None:
    suggested = panel.fields
    panel.form.batch_box.setValue(suggested["batch_size"] + 1)
    assert panel.reset_button.isVisible()
    panel.reset_button.click()
    assert panel.fields == suggested
    assert not panel.reset_button.isVisible()


def test_start_hands_over_a_valid_job(tmp_path, context, panel) -> None:
    panel.form.epochs_box.setValue(2)
    panel.start_button.click()
    (fields,) = context.started
    spec = TrainSpec(**fields, data_dir=tmp_path)
    assert (spec.kind, spec.epochs, spec.device) == ("train", 2, "auto")
    panel.start_button.click()  # a second click while it starts begins no second run
    assert len(context.started) == 1


def test_panel_leads_to_the_run_it_started(qtbot, context, panel) -> None:
    panel.start_button.click()
    with qtbot.waitSignal(context.navigate_requested) as signal:
        context.run_started.emit("7")
    assert signal.args == [ShowTraining(7)]
    assert panel.start_button.isEnabled()


def test_failed_start_can_be_repeated(context, panel) -> None:
    panel.start_button.click()
    context.error_occurred.emit(RuntimeError("no"))
    panel.start_button.click()
    assert len(context.started) == 2


def test_an_optimizer_brings_its_rate(panel) -> None:
    form = panel.form
    assert panel.fields["optimizer"] == "adamw"
    for name in ("momentum", "adamw"):
        form.optimizer_box.setCurrentIndex(form.optimizer_box.findData(name))
        expected = learning_rate(form.batch_box.value(), name)
        assert panel.fields["optimizer"] == name
        assert panel.fields["learning_rate"] == pytest.approx(expected)
        assert panel.reset_button.isVisible() is (name == "momentum")


def test_wrong_values_get_a_sentence_and_no_job(context, panel) -> None:
    panel.form.batch_box.setValue(99)
    panel.form.rate_box.setValue(0)
    panel.form.weights_edit.setText("/nowhere/权重.pdparams")
    panel.start_button.click()
    assert context.started == []
    form = panel.form
    assert problem(form, "batch_size").startswith("A batch of 99 is larger than the 12 training")
    assert "learns nothing" in problem(form, "learning_rate")
    assert "权重.pdparams does not exist" in problem(form, "pretrain_weights")
    assert form.advanced.isVisible()  # two of the fields were folded away
    form.batch_box.setValue(4)
    assert problem(form, "batch_size") == ""  # gone as soon as it is right
    choose_network(panel, "FastSCNN")
    form.weights_edit.setText("COCO")
    assert "choose CITYSCAPES" in problem(form, "pretrain_weights")
    form.weights_edit.setText("CITYSCAPES")
    assert problem(form, "pretrain_weights") == ""


def test_a_size_that_networks_round_is_a_warning_with_a_better_one(panel) -> None:
    panel.form.width_box.setValue(250)
    panel.form.height_box.setValue(64)
    assert panel.warning.isVisible()
    assert "248×64 would be better" in panel.warning.text()
    panel.form.width_box.setValue(248)
    assert "better" not in panel.warning.text()


def test_memory_that_will_not_suffice_is_a_warning(context, panel) -> None:
    panel.form.batch_box.setValue(12)
    panel.form.width_box.setValue(4096)
    panel.form.height_box.setValue(4096)
    assert panel.warning.isVisible()
    assert "only 12.9 GB are free" in panel.warning.text()


def test_missing_validation_images_are_told(qtbot, context, project, panel) -> None:
    project.set_subset(project.image_ids(), "train")
    context.dataset_changed.emit()
    settle(qtbot, panel)
    panel.start_button.click()
    assert context.started == []
    assert "no validation images" in panel.problem.text()
    assert panel.status().state is StepState.BLOCKED


def test_earlier_runs_give_the_speed_and_can_be_continued(qtbot, context, project, panel) -> None:
    _, run = record_training(project, epochs=2, end=Done({}), state="done")
    (run.path / "epoch_2").mkdir()
    panel._refresh()
    settle(qtbot, panel)
    choose_network(panel, "FastSCNN")
    panel.form.minutes_box.setValue(0)
    panel.form.epochs_box.setValue(10)
    # 6.4 images of 128×96 pixels a second were recorded; 12 images, 10 epochs, a tenth on top
    width, height = panel.fields["image_size"]
    seconds = 1.1 * width * height * 12 * 10 / (6.4 * 128 * 96)
    assert f"About {round(seconds)} s" in panel.estimate.text()
    assert "earlier runs" in panel.estimate.text()
    assert panel.form.resume_box.itemData(1) == str(run.path / "epoch_2")
    panel.form.resume_box.setCurrentIndex(1)
    panel.start_button.click()
    assert context.started == []
    assert problem(panel.form, "resume") != ""  # that folder holds no model


def test_a_run_goes_on_with_its_own_optimizer(project, panel, tmp_path, monkeypatch) -> None:
    info = SimpleNamespace(name="FastSCNN", completed_epochs=1)
    monkeypatch.setattr("core.advice.checks.read_model_info", lambda folder: info)
    choose_network(panel, "FastSCNN")
    fields = {**panel.fields, "epochs": 10, "resume": tmp_path}
    problems = find_problems(fields, project.statistics())
    assert "trained with the optimizer momentum" in str(problems["resume"])  # from before AdamW
    (tmp_path / "training_state.json").write_text('{"optimizer": "adamw"}', encoding="utf-8")
    assert "resume" not in find_problems(fields, project.statistics())


def test_empty_project_points_to_the_data(qtbot, tmp_path, context) -> None:
    empty = Project.create(tmp_path / "empty", "Empty", labels=("background", "hole"))
    context.project = empty
    panel = ModelPanel(context)
    panel.set_project(empty)
    panel.show()
    settle(qtbot, panel)
    with qtbot.waitSignal(context.navigate_requested) as signal:
        panel._pages.currentWidget().button.click()
    assert signal.args == [ShowDataset()]
    panel.shut_down()
    panel.close()
    panel.deleteLater()
    empty.close()


def test_new_data_does_not_undo_what_was_set(qtbot, context, project, panel) -> None:
    panel.form.epochs_box.setValue(7)
    project.set_subset(project.image_ids()[:6], "val")
    context.dataset_changed.emit()
    settle(qtbot, panel)
    assert panel.form.epochs_box.value() == 7
    assert panel.reset_button.isVisible()


def test_the_step_says_what_is_missing(qtbot, context, project, panel) -> None:
    project.set_subset(project.image_ids(), "train")
    context.dataset_changed.emit()
    assert panel.status().reason.template == "Split the images first."
    project.set_state(project.image_ids(), "unlabelled")
    context.dataset_changed.emit()
    assert panel.status().reason.template == "Label images first."


def test_what_matters_most_changes_the_suggestion(panel) -> None:
    usual = panel.fields
    assert panel.goals.index == 0
    panel.goals.cards[presets.GOALS.index("small")].button.click()
    small = panel.fields
    assert small["image_size"] > usual["image_size"] or small["image_scale"] > (
        usual["image_scale"] or 1.0
    )
    assert not panel._differs(), "it is the suggestion"
    panel.goals.cards[presets.GOALS.index("accurate")].button.click()
    assert presets.QUALITIES[panel.qualities.index] == "thorough"
    assert panel.fields["minutes"] == presets.MINUTES["thorough"]


def test_a_finding_can_ask_for_other_settings(qtbot, panel) -> None:
    before = panel.fields
    panel.navigate(SetUpTraining())
    assert panel.fields == before and not panel.form.advanced_button.isChecked()
    panel.form.weights_box.setCurrentIndex(panel.form.weights_box.findData("none"))
    panel.navigate(SetUpTraining(class_weights=True, larger_input=True))
    settle(qtbot, panel)
    now = panel.fields
    assert now["class_weights"] == "balanced"
    assert (now["image_scale"] or 0, now["image_size"]) > (
        before["image_scale"] or 0,
        before["image_size"],
    )
    assert panel.form.advanced_button.isChecked()
