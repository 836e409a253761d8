"""The settings say how things stand with the GPU and do what is chosen, whatever goes wrong."""

from __future__ import annotations

import gpu_parts
import pytest
from PySide6.QtWidgets import QFileDialog, QLabel

from app.services.background import TaskCancelled
from app.shell import device_settings
from app.shell.device_settings import DeviceSettings
from app.shell.prepare_dialog import PrepareDialog
from core.system.errors import InputError
from core.system.gpu_environment.environment_folders import (
    environments_folder,
    part_folder,
    switch_on,
    switched_on,
)


@pytest.fixture(autouse=True)
def no_card(isolated_folders, monkeypatch):
    gpu_parts.unset_driver(monkeypatch)


@pytest.fixture
def card(monkeypatch):
    gpu_parts.set_driver(monkeypatch)


@pytest.fixture
def shown(qtbot):
    made = []

    def show():
        widget = DeviceSettings()
        widget.renewed = []
        widget.changed.connect(lambda: widget.renewed.append(1))
        qtbot.addWidget(widget)
        widget.show()
        settle(qtbot, widget)
        made.append(widget)
        return widget

    yield show
    for widget in made:
        widget.shut_down()


def settle(qtbot, widget):
    qtbot.waitUntil(lambda: not widget.busy, timeout=20_000)


def visible(widget):
    names = ("use", "leave", "stop", "folder", "prepare", "remove")
    return {name for name in names if getattr(widget, f"{name}_button").isVisibleTo(widget)}


def test_without_a_card_only_a_folder_for_another_computer_is_offered(shown):
    widget = shown()
    assert widget.title.text() == "No NVIDIA GPU"
    assert "install NVIDIA's driver" in widget.sentence.text()
    assert visible(widget) == {"prepare"}
    assert widget.processor.text().startswith("Processor: ")


def test_a_card_that_no_build_fits_is_explained(shown, monkeypatch):
    gpu_parts.set_driver(monkeypatch, cuda=11040)
    widget = shown()
    assert "too old" in widget.sentence.text()
    assert visible(widget) == {"prepare"}


def test_what_would_happen_is_said_before(shown, card):
    widget = shown()
    assert widget.title.text() == "NVIDIA RTX 4060"
    assert "compute capability 8.9" in widget.facts.text()
    assert "Paddle 3.2.2 for CUDA 12.6" in widget.sentence.text()
    assert str(environments_folder()) in widget.sentence.text()
    assert visible(widget) == {"use", "folder", "prepare"}
    assert widget.use_button.text() == "Use the GPU"


def test_one_click_makes_it_and_one_click_leads_back(shown, card, qtbot, monkeypatch):
    def install(*, source, reporter):
        assert source is None
        for stage in ("find", "download", "unpack", "test"):
            reporter.check()
            reporter.progress(1 << 10, 3 << 10, stage=stage)
        made = gpu_parts.made_environment()
        switch_on(made)
        return made

    monkeypatch.setattr(device_settings, "install_environment", install)
    widget = shown()
    widget.use_button.click()
    assert visible(widget) == {"stop"}
    assert widget.bar.isVisibleTo(widget)
    settle(qtbot, widget)
    assert widget.state.text() == "in use"
    assert visible(widget) == {"leave", "folder", "prepare", "remove"}
    assert len(widget.renewed) == 1

    widget.leave_button.click()
    settle(qtbot, widget)
    assert switched_on() is None
    assert "All is ready" in widget.sentence.text()
    widget.use_button.click()  # nothing has to be made again
    settle(qtbot, widget)
    assert switched_on() is not None
    assert len(widget.renewed) == 3


def test_progress_is_told_in_words(shown, card, qtbot, monkeypatch):
    told = []

    def install(*, source, reporter):
        reporter.progress(512 << 10, 2048 << 10, stage="download")
        return

    monkeypatch.setattr(device_settings, "install_environment", install)
    widget = shown()
    widget.bar.valueChanged.connect(lambda _value: told.append(widget.bar.value()))
    widget.use_button.click()
    qtbot.waitUntil(lambda: "Downloading" in widget.stage.text() or not widget.busy)
    settle(qtbot, widget)
    assert widget.stage.text() == "Downloading: 512 of 2048 MB"
    assert 250 in told


def test_a_failure_is_told_and_the_offer_stays(shown, card, qtbot, monkeypatch):
    def install(*, source, reporter):
        raise InputError("The training step failed.")

    monkeypatch.setattr(device_settings, "install_environment", install)
    widget = shown()
    widget.use_button.click()
    settle(qtbot, widget)
    assert widget.problem.text.text() == "The training step failed."
    assert widget.problem.isVisible()
    assert visible(widget) >= {"use"}
    assert widget.renewed == []


def test_a_stop_is_obeyed_and_what_is_there_is_gone_on_with(shown, card, qtbot, monkeypatch):
    ended = []

    def install(*, source, reporter):
        part_folder("cu126").mkdir(parents=True)
        try:
            while True:
                reporter.check()
        except TaskCancelled:
            ended.append(1)
            raise

    monkeypatch.setattr(device_settings, "install_environment", install)
    widget = shown()
    widget.use_button.click()
    qtbot.waitUntil(lambda: part_folder("cu126").is_dir())
    widget.stop_button.click()
    settle(qtbot, widget)
    assert ended == [1]
    assert widget.use_button.text() == "Go on with the download"
    assert visible(widget) == {"use", "folder", "prepare", "remove"}


def test_a_broken_one_is_said_and_left_with_one_click(shown, card, qtbot):
    made = gpu_parts.made_environment()
    switch_on(made)
    (made.packages / "paddle" / "__init__.py").unlink()
    widget = shown()
    assert widget.state.text() == "cannot be used"
    assert "damaged" in widget.sentence.text()
    assert "jobs compute on the processor" in widget.sentence.text()
    assert widget.use_button.text() == "Make it anew"
    widget.leave_button.click()
    settle(qtbot, widget)
    assert switched_on() is None


def test_a_prepared_folder_is_taken(shown, card, qtbot, monkeypatch, tmp_path):
    taken = []
    monkeypatch.setattr(
        device_settings, "install_environment", lambda *, source, reporter: taken.append(source)
    )
    widget = shown()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: "")
    widget.folder_button.click()
    settle(qtbot, widget)
    assert taken == []
    folder = str(tmp_path / "U盘")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: folder)
    widget.folder_button.click()
    settle(qtbot, widget)
    assert [str(path) for path in taken] == [folder]


def test_a_folder_for_another_computer(shown, qtbot, monkeypatch, tmp_path):
    asked = []

    def prepare(folder, *, build, system, reporter):
        asked.append((str(folder), build, system))

    monkeypatch.setattr(device_settings, "prepare_folder", prepare)
    widget = shown()
    widget.prepare_button.click()
    dialog = widget.findChild(PrepareDialog)
    dialog.build_box.setCurrentIndex(dialog.build_box.findData("cu129"))
    dialog.system_box.setCurrentIndex(dialog.system_box.findData("windows"))
    folder = str(tmp_path / "新 folder")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: folder)
    dialog.go_on_button.click()
    settle(qtbot, widget)
    assert asked == [(folder, "cu129", "windows")]
    assert folder in widget.notice.text.text()
    assert widget.notice.isVisible()


def test_deleting_asks_first(shown, card, qtbot, monkeypatch):
    switch_on(gpu_parts.made_environment())
    widget = shown()
    monkeypatch.setattr(device_settings.dialogs, "ask", lambda *_a, **_k: False)
    widget.remove_button.click()
    settle(qtbot, widget)
    assert switched_on() is not None
    monkeypatch.setattr(device_settings.dialogs, "ask", lambda *_a, **_k: True)
    widget.remove_button.click()
    settle(qtbot, widget)
    assert switched_on() is None
    assert "fits it" in widget.sentence.text()


def test_every_text_is_whole_at_the_dialogs_width(shown, card):
    widget = shown()
    widget.resize(600, widget.sizeHint().height())
    for one in widget.findChildren(QLabel):
        if one.isVisible() and not one.wordWrap():
            assert one.width() >= one.sizeHint().width(), one.text()
