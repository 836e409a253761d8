"""The queue in sight: its order, what an earlier window left, what is offered after a restart."""

from __future__ import annotations

from PySide6.QtWidgets import QToolButton, QWidget
from recorded_runs import queue_up, record_training

from app.panels.base import StepState
from app.panels.train.model_panel import ModelPanel
from app.panels.train.monitor_panel import MonitorPanel
from app.panels.train.queue_box import QueueBox
from app.panels.train.resume_banner import ResumeBanner
from app.widgets.elided_label import ElidedLabel
from core.runs.events import Done
from core.runs.run_folder import RunFolder


def lines(box: QueueBox) -> list[str]:
    return [row.findChild(ElidedLabel).text() for row in rows(box)]


def rows(box: QueueBox) -> list[QWidget]:
    items = [box._rows.itemAt(place) for place in range(box._rows.count())]
    return [item.widget() for item in items if item.widget() is not None]


def press(box: QueueBox, name: str) -> None:
    (tool,) = [
        tool
        for row in rows(box)
        for tool in row.findChildren(QToolButton)
        if tool.accessibleName() == name
    ]
    tool.click()


def test_waiting_jobs_are_moved_and_taken_out(qtbot, context, project) -> None:
    ids = [queue_up(project, model) for model in ("UNet", "HRNet", "FastSCNN")]
    context.jobs.hold(True)
    box = QueueBox(context)
    qtbot.addWidget(box)
    for run in ids:
        context.resume_run(str(run))
    assert lines(box) == ["1. #1 UNet", "2. #2 HRNet", "3. #3 FastSCNN"]
    assert box.isVisibleTo(None) and not box.start_button.isVisibleTo(box)
    press(box, "Begin #3 FastSCNN earlier")
    assert lines(box) == ["1. #1 UNet", "2. #3 FastSCNN", "3. #2 HRNet"]
    press(box, "Begin #1 UNet later")
    assert lines(box) == ["1. #3 FastSCNN", "2. #1 UNet", "3. #2 HRNet"]
    assert [run.id for run in project.queue()] == [ids[2], ids[0], ids[1]]  # kept at once
    press(box, "Take #1 UNet out of the queue")
    assert lines(box) == ["1. #3 FastSCNN", "2. #2 HRNet"]
    assert project.run(ids[0]).state == "cancelled"
    assert context.jobs.queued == [str(ids[2]), str(ids[1])]
    context.jobs.leave_all()
    assert lines(box) == ["#3 FastSCNN", "#2 HRNet"]  # nobody waits for them any more


def test_what_an_earlier_window_left_is_said_and_started(qtbot, context, project, tmp_path) -> None:
    ids = [queue_up(project, model) for model in ("UNet", "HRNet")]
    project.set_queue(ids[::-1])
    shown = context.shown_job.view()
    assert (shown.run_id, shown.state, shown.has_started) == (str(ids[1]), "left", False)
    box = QueueBox(context)
    qtbot.addWidget(box)
    box.refresh()
    assert box.title.text() == "Queued, not started"
    assert lines(box) == ["#2 HRNet", "#1 UNet"]
    monitor = MonitorPanel(context)
    qtbot.addWidget(monitor)
    monitor.set_project(project)
    qtbot.waitUntil(lambda: not monitor.busy)
    assert monitor.header.chip.text() == "queued, not started"
    assert monitor.header.resume_button.text() == "Start"
    assert monitor.run_list.item(0).data(0x0B).endswith("not started")
    context.jobs.hold(True)
    box.start_button.click()
    assert context.jobs.queued == [str(ids[1]), str(ids[0])]
    assert lines(box) == ["1. #2 HRNet", "2. #1 UNet"]
    assert context.queue.left() == []
    context.jobs.leave_all()
    press(box, "Take #2 HRNet out of the queue")
    assert project.run(ids[1]).state == "cancelled"
    assert RunFolder(project.run(ids[1]).folder).state == "cancelled"
    assert lines(box) == ["#1 UNet"]
    monitor.shut_down()


def test_an_interrupted_training_says_resume_where_one_looks(qtbot, context, project) -> None:
    run_id, _ = record_training(project, epochs=3, state="interrupted")
    later = queue_up(project, "UNet")
    assert context.shown_job.view().run_id == str(run_id)  # although another is newer
    monitor = MonitorPanel(context)
    qtbot.addWidget(monitor)
    monitor.resize(1000, 700)
    monitor.show()
    monitor.set_project(project)
    qtbot.waitUntil(lambda: not monitor.busy)
    assert monitor.status().state is StepState.NEXT
    assert monitor.banner.isVisible()  # the newest run is shown, which is another
    assert "#1 FastSCNN was interrupted in epoch 3 of 3" in monitor.banner.text.text()
    asked = []
    context.resume_run = asked.append
    monitor.banner.resume_button.click()
    assert asked == [str(run_id)]
    monitor.run_list.select(run_id)
    qtbot.waitUntil(lambda: not monitor.busy)
    assert not monitor.banner.isVisible()  # its own page says it
    assert monitor.header.resume_button.isVisible()
    monitor.shut_down()
    model = ModelPanel(context)
    qtbot.addWidget(model)
    model.show()
    model.set_project(project)
    context.runs_changed.emit()
    assert model.banner.isVisible()
    project.set_run_state(later, "done")
    context.runs_changed.emit()
    assert not model.banner.isVisible()  # something has been trained since
    qtbot.waitUntil(lambda: not model.busy)
    model.shut_down()


def test_a_banner_without_progress_names_the_run(qtbot, context, project) -> None:
    run_id = queue_up(project, "UNet")
    project.set_run_state(run_id, "interrupted")
    banner = ResumeBanner(context)
    qtbot.addWidget(banner)
    banner.refresh()
    assert banner.text.text() == "#1 UNet was interrupted. Nothing that was saved is lost."


def test_start_adds_to_the_queue_while_something_is_at_work(qtbot, context, project) -> None:
    record_training(project, epochs=1, end=Done({}), state="done")
    panel = ModelPanel(context)
    qtbot.addWidget(panel)
    panel.set_project(project)
    qtbot.waitUntil(lambda: not panel.busy)
    assert panel.start_button.text() == "Start training"
    context.jobs.hold(True)
    context.resume_run(str(queue_up(project, "UNet")))
    assert panel.start_button.text() == "Add to the queue"
    assert panel.start_button.shortcut().toString() == "Ctrl+Return"
    context.jobs.leave_all()
    context.runs_changed.emit()
    assert panel.start_button.text() == "Start training"
    panel.shut_down()
