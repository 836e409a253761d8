"""A network that says background everywhere is nowhere ticked green, with a real worker."""

from __future__ import annotations

from app.look.theme import tokens
from app.panels.base import StepState
from app.panels.inspect.inspection_panel import InspectionPanel
from app.panels.train.monitor_panel import MonitorPanel
from app.services.targets import InspectModel, ShowCompression, ShowTraining
from core.project.draft_models import check_useful
from core.system.errors import InputError

TIMEOUT_MS = 240_000
#: Only the background's pixels count in the loss: what is learnt is to say so everywhere.
FIELDS = {
    "kind": "train",
    "model": "FastSCNN",
    "epochs": 3,
    "batch_size": 2,
    "image_size": [64, 64],
    "learning_rate": 0.05,
    "device": "cpu",
    "use_vdl": False,
}
SENTENCE = "It says “background” everywhere: not usable."


def test_background_only_is_never_ticked_green(opened, qtbot):
    context, window = opened.context, opened.window
    labels = context.project.labels()
    states, started = [], []
    context.run_state_changed.connect(lambda _run, state: states.append(state))
    context.run_started.connect(started.append)
    context.start_run(FIELDS | {"class_weights": [1.0, *[0.0] * (len(labels) - 1)]})
    qtbot.waitUntil(lambda: bool(states) and states[-1] == "done", timeout=TIMEOUT_MS)
    area = window.work_area
    # The evaluation follows without a click.
    qtbot.waitUntil(
        lambda: [run.state for run in context.runs("evaluate")] == ["done"], timeout=TIMEOUT_MS
    )
    qtbot.waitUntil(lambda: not context.jobs_running(), timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: not area._status_timer.isActive())

    for key in ("model", "monitor"):
        status = area.panels[key].status()
        assert status.state is StepState.WARNING
        assert str(status.reason) == "No model finds anything yet."
    assert area.rail._entries["train"].button.accessibleName().endswith("needs attention")
    assert window.job_strip.text.text().startswith("done: not usable")

    monitor = area.panels["monitor"]
    assert isinstance(monitor, MonitorPanel)
    context.navigate(ShowTraining(int(started[0])))
    qtbot.waitUntil(lambda: not monitor.busy and monitor.header.verdict.isVisible())
    assert monitor.header.verdict.summary.text() == SENTENCE
    assert "finds none of" in monitor.header.verdict.details.text()
    assert monitor.header.chip.text() == "not usable"
    assert tokens().success not in monitor.header.chip.styleSheet()
    item = monitor.run_list.item(0)
    assert item.data(0x0B).endswith("not usable")  # what screen readers say

    assert started == [str(context.runs("train")[0].id)]  # nobody asked for the evaluation
    inspection = area.panels["inspection"]
    assert isinstance(inspection, InspectionPanel)
    context.navigate(InspectModel(int(started[0])))
    qtbot.waitUntil(
        lambda: not inspection.busy and inspection.results.verdict.isVisible(), timeout=20_000
    )
    assert inspection.results.verdict.summary.text() == SENTENCE
    assert inspection.figures.tiles["found"].text().startswith("0 / ")
    assert inspection.status().state is StepState.WARNING

    compression = area.panels["compression"]
    context.navigate(ShowCompression())
    qtbot.waitUntil(
        lambda: not compression.busy and compression.choices.verdict.isVisible(), timeout=20_000
    )
    assert compression.choices.verdict.summary.text() == SENTENCE
    assert compression.choices.prune.button.isEnabled()  # warned, not forbidden
    assert compression.status().state is StepState.WARNING

    labelling = area.panels["labelling"]
    area.show_panel("labelling")
    qtbot.waitUntil(
        lambda: not labelling.busy and labelling.workspace.inspector.draft.choice is not None,
        timeout=20_000,
    )
    box = labelling.workspace.inspector.draft
    assert SENTENCE in box.refusal
    ids = context.project.image_ids()[:2]
    labelling.draft_jobs.start(ids)
    assert SENTENCE in labelling.workspace.notices.text.text()
    assert len(started) == 1
    try:
        check_useful(box.choice.path)
    except InputError as error:
        assert SENTENCE in str(error)
    else:
        raise AssertionError("the model was taken for drafts")
