"""Settings open from the top bar, stay open beside the work, and end what they do when closed."""

from __future__ import annotations

import gpu_parts
import pytest

from app.shell import device_settings
from app.shell.settings_dialog import SettingsDialog
from core.system.gpu_environment.environment_folders import switch_off, switch_on


@pytest.fixture(autouse=True)
def card(isolated_folders, monkeypatch):
    gpu_parts.set_driver(monkeypatch)


def open_settings(application, qtbot):
    application.window.top_bar.device_button.click()
    (dialog,) = application.window.findChildren(SettingsDialog)
    qtbot.waitUntil(lambda: not dialog.device.busy, timeout=20_000)
    return dialog


def test_there_is_one_that_comes_to_the_front_again(application, qtbot):
    dialog = open_settings(application, qtbot)
    assert dialog.isVisible()
    assert not dialog.isModal()
    assert open_settings(application, qtbot) is dialog
    dialog.close()


def test_the_top_bar_names_what_jobs_compute_on(application, qtbot):
    made = gpu_parts.made_environment()
    dialog = open_settings(application, qtbot)
    bar = application.window.top_bar.device_button
    dialog.device.use_button.click()
    qtbot.waitUntil(lambda: bar.text() == "NVIDIA RTX 4060", timeout=20_000)
    dialog.device.leave_button.click()
    qtbot.waitUntil(lambda: bar.text().startswith("CPU"), timeout=20_000)
    switch_on(made)
    switch_off()
    dialog.close()


def test_closing_ends_what_runs(application, qtbot, monkeypatch):
    began, ended = [], []

    def install(*, source, reporter):
        began.append(1)
        try:
            while True:
                reporter.check()
        finally:
            ended.append(1)

    monkeypatch.setattr(device_settings, "install_environment", install)
    dialog = open_settings(application, qtbot)
    dialog.device.use_button.click()
    qtbot.waitUntil(lambda: began == [1])
    dialog.close()
    assert ended == [1]
