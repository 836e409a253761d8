"""The window as a whole: panels, theme, language, closing, errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QWidget

from app.look import theme
from app.look.translation import current_language
from app.panels.label.widgets.class_dialogs import AddClassDialog
from app.services.settings import SettingsStore
from app.services.shown_job import JobView
from app.services.targets import ShowTraining
from app.shell.closing_page import ClosingPage
from app.widgets import dialogs
from core.project import Project
from core.runs.events import Failed, Metric, Progress
from core.system.errors import InputError

ROOT = Path(__file__).resolve().parents[3]


def test_starts_on_the_home_page(application):
    window = application.window
    assert window.home.isVisible()
    assert not window.work_area.isVisible()
    assert window.job_strip.isVisible()
    assert window.job_strip.text.text() == "No job is running"


def test_an_error_is_said_in_the_panel_in_front_alone(opened):
    area = opened.window.work_area
    area.show_panel("dataset")
    opened.context.error_occurred.emit(InputError("The mask {file} is odd.", file="m.png"))
    opened.context.error_occurred.emit(InputError("The mask {file} is odd.", file="m.png"))
    (bar,) = area.problems("dataset").bars
    assert bar.isVisible() and bar.text.text() == "The mask m.png is odd."
    area.show_panel("model")
    assert not bar.isVisible()
    area.show_panel("dataset")
    assert bar.isVisible()
    bar.close_button.click()
    assert area.problems("dataset").isHidden()


def test_a_failed_job_is_said_in_its_panel_and_a_line_leads_there(opened):
    context, area = opened.context, opened.window.work_area
    run = context.project.new_run("evaluate", "UNet")
    area.show_panel("dataset")
    context.job_event.emit(str(run.id), Failed("bad_input", "The image a.png is damaged."))
    (bar,) = area.problems("inspection").bars
    assert bar.name.text() == run.name
    assert run.name in area.notice.text.text() and "a.png" in area.notice.text.text()
    area.notice.action.click()
    assert area.current_panel.key == "inspection"
    assert bar.isVisible()


def test_no_part_of_the_window_flashes_up_as_a_window(application, tmp_path, qapp, monkeypatch):
    shown = []
    set_visible = QWidget.setVisible

    def watched(widget, visible):
        if visible and widget.parent() is None:
            shown.append(type(widget).__name__)
        set_visible(widget, visible)

    monkeypatch.setattr(QWidget, "setVisible", watched)
    application.context.create_project(tmp_path / "p", "P")
    for name in application.window.work_area.panels:
        application.window.work_area.show_panel(name)
        qapp.processEvents()
    assert shown == []


def test_return_in_a_field_of_a_dialog_presses_no_button_beside_it(opened, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: asked.append(1) or "")
    dialog = opened.window.project_actions.show_import()
    dialog.folder_edit.setText(str(opened.context.project.folder / "nowhere"))
    qtbot.keyClick(dialog.folder_edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "nowhere" in dialog.hint.text() and not dialog._tasks.busy)
    assert asked == []
    dialog.reject()


def test_rail_says_what_is_next_and_why(opened, qtbot):
    rail = opened.window.work_area.rail
    assert rail._entries["data"].button.accessibleName() == "Data: done"
    opened.context.project.set_subset(opened.context.project.image_ids(), "none")
    opened.context.dataset_changed.emit()
    qtbot.waitUntil(lambda: rail._entries["data"].button.accessibleName() == "Data: next")
    assert rail._entries["data"].reason.text() == "Split the images."


def test_steps_are_reached_by_keyboard_and_rail(opened, qtbot):
    work = opened.window.work_area
    for step, panel in (("train", "model"), ("inspect", "inspection"), ("data", "dataset")):
        qtbot.mouseClick(work.rail._entries[step].button, Qt.MouseButton.LeftButton)
        assert work.current_panel.key == panel
        assert work.rail._entries[step].button.isChecked()
    opened.context.navigate(ShowTraining())
    assert work.current_panel.key == "monitor"
    work.rail.step_requested.emit("data")
    work.rail.step_requested.emit("train")
    assert work.current_panel.key == "monitor", "a step comes back to its panel used last"


def test_every_panel_and_control_is_named_for_screen_readers(opened):
    for name in opened.window.work_area.panels:
        opened.window.work_area.show_panel(name)
        for item in opened.window.findChildren(QAbstractButton):
            if item.isVisibleTo(opened.window) and not item.objectName().startswith("qt_"):
                named = item.text() or item.accessibleName()
                assert named, f"a button without a name in {name}: {item.toolTip()!r}"


def test_theme_switch_changes_colours_and_is_remembered(application, tmp_path, qtbot):
    light = application.window.palette().window().color().name()
    qtbot.mouseClick(application.window.top_bar.theme_button, Qt.MouseButton.LeftButton)
    assert theme.tokens().dark
    assert application.window.palette().window().color().name() == theme.DARK.window != light
    assert SettingsStore(application.context.store.path).settings.theme == "dark"
    qtbot.mouseClick(application.window.top_bar.theme_button, Qt.MouseButton.LeftButton)
    assert application.window.palette().window().color().name() == light


def test_language_switch_keeps_project_and_panel(opened, qtbot):
    old = opened.window
    opened.context.navigate(ShowTraining())
    old.language_requested.emit("zh_CN")
    qtbot.waitUntil(lambda: opened.window is not old)
    assert current_language() == "zh_CN"
    assert opened.window.work_area.current_panel.key == "monitor"
    assert opened.context.project is not None
    assert opened.window.work_area.rail._entries["data"].button.text().strip() == "数据"
    assert opened.window.top_bar.project_button.text() == "Parts"
    assert not old.isVisible()
    assert opened.context.settings.language == "zh_CN"


def test_job_strip_follows_the_job(application, monkeypatch):
    strip = application.window.job_strip
    strip.show_job("7", "0007-FastSCNN", "running")
    strip.add_event("7", Progress(30, 120, 90.0, epoch=3, epochs=12))
    strip.add_event("7", Metric("val/miou", 30, 0.6123))
    strip.add_event("8", Progress(1, 2, 1.0, epoch=1, epochs=1))
    assert strip.text.text() == "epoch 3/12"
    assert strip.facts.text() == "25 % · 2 min left · mIoU 0.612"
    assert strip.pause_button.accessibleName() == "Pause"
    strip.show_job("7", state="interrupted")
    assert strip.pause_button.accessibleName() == "Resume"
    assert not strip.stop_button.isVisible()
    with_resume = []
    strip.resume_requested.connect(with_resume.append)
    strip.pause_button.click()
    assert with_resume == ["7"]


def test_an_interrupted_run_is_offered_when_its_project_opens(application, tmp_path):
    from core.runs.event_log import EventWriter
    from core.runs.events import Started
    from core.runs.kinds import TrainSpec
    from core.runs.run_folder import RunFolder

    with Project.create(tmp_path / "p", "P", labels=["a", "b"], background=False) as project:
        row = project.new_run("train", "FastSCNN")
        spec = TrainSpec(
            model="FastSCNN", data_dir=tmp_path, epochs=9, batch_size=2, image_size=(64, 64)
        )
        run = RunFolder.create(row.folder, spec)
        writer = EventWriter(run.events_path)
        writer.append(Started("train", 1, "cpu"))
        writer.append(Progress(8, 18, 10.0, epoch=4, epochs=9))
        writer.close()
        project.set_run_state(row.id, "running")
    application.window.projects.open_project(tmp_path / "p")
    shown = application.context.shown_job.view()
    assert isinstance(shown, JobView)
    assert shown.state == "interrupted"
    strip = application.window.job_strip
    assert strip.text.text() == "interrupted · epoch 4/9"
    assert strip.pause_button.accessibleName() == "Resume"


@pytest.fixture
def busy(application, monkeypatch):
    """The window with a job that never ends by itself, and a user who wants it stopped."""
    job = {"running": True, "asked": [], "answer": True}
    monkeypatch.setattr(type(application.context), "jobs_running", lambda _self: job["running"])

    def answer(*_args, **texts):
        job["asked"].append(texts["yes"])
        return job["answer"]

    monkeypatch.setattr(dialogs, "ask", answer)
    return job


def test_closing_while_a_job_runs_asks(application, busy):
    busy["answer"] = False
    application.window.close()
    assert busy["asked"] == ["Stop and close"]
    assert application.window.top_bar.isEnabled()


def test_closing_stays_in_sight_until_the_job_has_saved(application, busy):
    window = application.window
    window.close()
    page = window.findChild(ClosingPage)
    assert page.isVisible()
    assert not window.job_strip.isEnabled()
    window.close()  # impatience: neither asked again nor closed under the saving job
    assert busy["asked"] == ["Stop and close"]
    assert window.isVisible()
    busy["running"] = False
    application.context.jobs.active_changed.emit()
    assert not window.isVisible()


def test_closing_need_not_wait_for_the_job(application, busy, qtbot):
    application.window.close()
    page = application.window.findChild(ClosingPage)
    qtbot.mouseClick(page.button, Qt.MouseButton.LeftButton)
    assert not application.window.isVisible()
    with pytest.raises(ValueError, match="cannot be started"):
        application.context.jobs.start("1", application.context.projects_dir())


def test_errors_become_one_sentence_and_bugs_name_the_log(application, tmp_path):
    text, _ = dialogs.error_text(InputError("The mask {file} is odd.", file=tmp_path / "m.png"))
    assert text == f"The mask {tmp_path / 'm.png'} is odd."
    text, advice = dialogs.error_text(Failed("oom", "Memory ran out.", advice="Take batch 4."))
    assert (text, advice) == ("Memory ran out.", "Take batch 4.")
    text, advice = dialogs.error_text(ZeroDivisionError())
    assert "bug of ours" in text
    assert "maskwright.log" in advice


def test_an_uncaught_exception_is_said_once_and_can_be_copied(application, qtbot):
    hook = dialogs.ExceptionHook(application)
    hook.caught.connect(application.context.error_occurred)
    for _ in range(3):
        try:
            raise KeyError("boom")
        except KeyError:
            hook._handle(*sys.exc_info())
    problems = application.window.start_page.problems
    qtbot.waitUntil(lambda: bool(problems.bars))
    (bar,) = problems.bars
    assert "bug of ours" in bar.text.text()
    bar.details_button.click()
    assert "KeyError: 'boom'" in bar.details.toPlainText()
    bar.copy_button.click()
    assert "KeyError: 'boom'" in QGuiApplication.clipboard().text()
    assert [one.text() for one in bar.buttons] == ["Save a diagnostic bundle…"]


_OPEN_EVERY_PANEL = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from pathlib import Path
from PySide6.QtWidgets import QApplication
from app.shell.application import Application
from app.services.settings import SettingsStore
folder = Path(sys.argv[1])
application = Application(QApplication([]), SettingsStore(folder / "settings.json"))
application.show()
application.context.create_project(folder / "p", "P")
application.context.project.import_data_folder(sys.argv[2])
application.context.dataset_changed.emit()
for name in application.window.work_area.panels:
    application.window.work_area.show_panel(name)
    application.qt.processEvents()
application.shut_down()
print(",".join(sys.modules))
"""


def test_the_window_process_never_loads_the_engine(tmp_path, seg_folder):
    done = subprocess.run(
        [sys.executable, "-c", _OPEN_EVERY_PANEL, str(tmp_path), str(seg_folder)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=True,
    )
    loaded = set(done.stdout.strip().split(","))
    assert "app.panels.inspect.inspection_panel" in loaded
    heavy = {"paddle", "paddleslim", "visualdl", "scipy", "pandas", "matplotlib", "sklearn"}
    assert not heavy & loaded


def test_jobs_start_in_a_project_that_was_opened_after_another(
    application, seg_folder, tmp_path, qtbot, monkeypatch
):
    context = application.context
    monkeypatch.setattr(context.jobs, "start", lambda *_args: None)
    started = []
    context.run_started.connect(started.append)
    for name in ("一 1", "二 2"):
        context.create_project(tmp_path / name, name)
        context.project.import_data_folder(seg_folder)
        context.start_run(
            {"kind": "train", "model": "FastSCNN", "epochs": 1, "batch_size": 1}
            | {"image_size": [32, 32]}
        )
        qtbot.waitUntil(lambda: len(started) == len(context.runs()) == 1, timeout=20_000)
        started.clear()


def test_return_in_the_import_dialog_reads_the_folder_and_keeps_the_dialog(
    application, seg_folder, tmp_path, qtbot
):
    application.context.create_project(tmp_path / "项目", "P")
    dialog = application.window.project_actions.show_import()
    dialog.folder_edit.setText(str(seg_folder))
    qtbot.keyClick(dialog.folder_edit, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialog.import_button.isEnabled())
    assert dialog.isVisible()
    dialog.reject()


def test_a_new_class_is_typed_at_once(application, qtbot):
    dialog = AddClassDialog((1, 2, 3), application.window)
    dialog.show()
    assert dialog.focusWidget() is dialog.name
    dialog.reject()
