"""The window without a screen, without the user's settings, and without leftovers."""

from __future__ import annotations

import gc
import os
from pathlib import Path

# Before anything imports Qt; its own screen is 800 × 800, smaller than the window.
os.environ["QT_QPA_PLATFORM"] = "offscreen" + (
    f":configfile={Path(__file__).resolve().parents[1] / 'support' / 'screen.json'}"
    if os.name != "nt"  # whose paths have a colon
    else ""
)

import threading

import pytest
from parts import make_seg_folder, wait_until_idle
from PySide6.QtCore import QCoreApplication, QEvent, QThread, QThreadPool
from PySide6.QtWidgets import QApplication

from app.look.translation import set_language
from app.services.settings import SettingsStore


@pytest.fixture(autouse=True)
def isolated_folders(tmp_path, monkeypatch):
    """Settings and logs of the tests stay in the test's own folder."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setattr("app.services.settings.config_dir", lambda: tmp_path / "config")
    monkeypatch.setattr("app.services.settings.log_dir", lambda: tmp_path / "log")


@pytest.fixture(autouse=True)
def nothing_leaks(qapp, isolated_folders):
    """Fail a test that leaves windows, threads or running timers behind."""
    windows = set(_windows())
    threads = set(threading.enumerate())
    yield
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.processEvents()
    set_language("en")
    if qapp.styleSheet():
        qapp.setStyleSheet("")  # under which all that comes after would be made, at twice the time
    left = [f"{type(item).__name__} {item.objectName()}" for item in _windows() - windows]
    assert not left, f"windows left open: {left}"
    assert QThreadPool.globalInstance().activeThreadCount() == 0, "the global pool is at work"
    started = [
        thread.name
        for thread in set(threading.enumerate()) - threads
        if thread.is_alive() and not isinstance(thread, threading._DummyThread)
    ]
    assert not started, f"threads left running: {started}"
    running = [item.objectName() for item in qapp.findChildren(QThread) if item.isRunning()]
    assert not running, f"QThreads left running: {running}"


def _windows():
    return {item for item in QApplication.topLevelWidgets() if item.isVisible()}


@pytest.fixture
def seg_folder(tmp_path):
    """Twelve images with masks, in subsets, in a folder with a space and Chinese characters."""
    return make_seg_folder(tmp_path / "数据 set", count=12)


@pytest.fixture
def application(qapp, tmp_path):
    """The real window on fresh settings; everything is shut down afterwards."""
    from app.shell.application import Application

    store = SettingsStore(tmp_path / "config" / "settings.json")
    store.settings.language = "en"
    store.settings.theme = "light"
    made = Application(qapp, store)
    made.show()
    yield made
    made.shut_down()
    # A window is many objects that hold each other: left to themselves some ten of them gather,
    # and whatever touches all widgets, such as a theme, takes ten times as long.
    del made
    gc.collect()


@pytest.fixture
def opened(application, seg_folder, tmp_path, qtbot):
    """The window with a project into which ``seg_folder`` was imported."""
    folder = tmp_path / "项目 1"
    application.context.create_project(folder, "Parts")
    application.context.project.import_data_folder(seg_folder)
    application.context.dataset_changed.emit()
    panel = application.window.work_area.panels["dataset"]
    wait_until_idle(qtbot, panel)
    return application
