"""The next start page says Resume below the project that was left in the middle."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton
from recorded_runs import make_project, record_training

from app.services.targets import ShowTraining
from core.project import Project
from core.project.interrupted_runs import interrupted_in
from core.runs.events import Done


@pytest.fixture
def project(tmp_path):
    made = make_project(tmp_path / "项目 1", train=2, val=2)
    yield made
    made.close()


def resume_buttons(window) -> list[QPushButton]:
    found = window.home.findChildren(QPushButton)
    return [made for made in found if made.text() == "Resume" and not made.isHidden()]


def test_the_start_page_resumes_in_one_click(qtbot, application, project, monkeypatch) -> None:
    run_id, _ = record_training(project, epochs=2, state="running")  # the window was killed
    folder = project.folder
    project.close()
    context, window = application.context, application.window
    assert resume_buttons(window) == []
    context.settings.add_recent(folder)
    window._show_project(None)
    qtbot.waitUntil(lambda: len(resume_buttons(window)) == 1)
    resumed, shown = [], []
    monkeypatch.setattr(context, "resume_run", resumed.append)
    context.navigate_requested.connect(shown.append)
    resume_buttons(window)[0].click()
    assert context.project is not None and context.project.folder == folder
    assert resumed == [str(run_id)]
    assert shown == [ShowTraining(run_id)]


def test_nothing_is_offered_where_nothing_was_left(project, tmp_path) -> None:
    folder = project.folder
    assert interrupted_in(folder) is None
    record_training(project, epochs=1, state="interrupted")
    run_id, _ = record_training(project, epochs=1, state="cancelled")
    assert interrupted_in(folder).number == 1
    project.set_run_state(run_id, "done")
    assert interrupted_in(folder) is None  # something was finished since
    record_training(project, epochs=1, end=Done({}), state="running")
    assert interrupted_in(folder) is None  # it has ended; the list does not know yet
    assert interrupted_in(tmp_path / "gone") is None
    assert Project.open(folder, read_only=True).close() is None  # it was let go of
