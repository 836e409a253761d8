"""The whole loop in the window with a real worker: train, stop, resume, measure, restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from parts import wait_until_idle
from PySide6.QtCore import QObject, Qt

from app.panels.base import StepState
from app.services.settings import SettingsStore
from app.shell.application import Application, _quit_on_signals
from app.widgets import dialogs
from core.runs.events import MaskPreview, Metric

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_MS = 180_000
FIELDS = {
    "kind": "train",
    "model": "FastSCNN",
    "epochs": 2,
    "batch_size": 2,
    "image_size": [64, 64],
    "device": "cpu",
    "use_vdl": False,
}


def test_train_stop_resume_measure_and_restart(opened, qtbot, monkeypatch):
    context, window = opened.context, opened.window
    events, states, started = [], [], []
    context.job_event.connect(lambda _run, event: events.append(event))
    context.run_state_changed.connect(lambda _run, state: states.append(state))
    context.run_started.connect(started.append)

    context.start_run(FIELDS | {"epochs": 40})
    qtbot.waitUntil(lambda: _metrics(events, "val/miou") >= 1, timeout=TIMEOUT_MS)
    run_id = started[0]
    strip = window.job_strip
    assert strip._job.run_id == run_id
    assert strip.text.text().startswith("epoch ")
    assert "mIoU" in strip.facts.text()
    monkeypatch.setattr(dialogs, "ask", lambda *_a, **_k: True)
    qtbot.mouseClick(strip.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: states[-1] == "cancelled", timeout=TIMEOUT_MS)
    assert strip.pause_button.accessibleName() == "Resume"
    seen = _metrics(events, "val/miou")

    qtbot.mouseClick(strip.pause_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: _metrics(events, "val/miou") > seen, timeout=TIMEOUT_MS)
    assert any(isinstance(event, MaskPreview) for event in events)
    context.jobs.stop(run_id)
    qtbot.waitUntil(lambda: not context.jobs_running(), timeout=TIMEOUT_MS)

    run = context.run_folder(run_id)
    context.start_run({"kind": "evaluate", "model_dir": run.best_model, "split": "test"})
    qtbot.waitUntil(lambda: states[-1] == "done", timeout=TIMEOUT_MS)
    assert context.runs("evaluate")[0].best_miou is not None
    folder = context.project.folder
    opened.shut_down()

    again = Application(opened.qt, SettingsStore(context.store.path))
    again.show()
    again.open_project(folder)
    wait_until_idle(qtbot, again.window.work_area.panels["dataset"])
    assert [row.state for row in again.context.runs()] == ["done", "cancelled"]
    status = again.window.work_area.panels["inspection"].status()
    assert status.state in (StepState.DONE, StepState.WARNING)  # it is hardly trained
    again.shut_down()


def test_a_subset_without_images_is_said_in_one_sentence(opened, qtbot):
    context = opened.context
    context.project.set_subset(context.project.image_ids(), "train")
    errors = []
    context.error_occurred.disconnect(opened.window._on_error_occurred)
    context.error_occurred.connect(errors.append)
    context.start_run(FIELDS)
    qtbot.waitUntil(lambda: bool(errors))
    assert "subset val" in str(errors[0])
    assert context.runs() == []


def test_the_program_ends_in_good_order_when_asked_to(tmp_path):
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
        "HOME": str(tmp_path),
    }
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py")], env=environment, stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "maskwright" / "log" / "maskwright.log"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if log.exists() and "the window is up" in log.read_text():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_a_second_signal_ends_the_program_without_a_question(qapp):
    class Program(QObject):
        def __init__(self):
            super().__init__()
            self.told = []

        def quit(self):
            self.told.append("quit")

        def exit(self):
            self.told.append("exit")

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    program = Program()
    wake = _quit_on_signals(program)
    try:
        signal.raise_signal(signal.SIGTERM)
        assert program.told == ["quit"]
        signal.raise_signal(signal.SIGINT)
        assert program.told == ["quit", "exit"]
    finally:
        wake.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _metrics(events, tag: str) -> int:
    return sum(isinstance(event, Metric) and event.tag == tag for event in events)
