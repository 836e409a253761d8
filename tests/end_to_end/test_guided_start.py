"""A new user's way from a folder of images to a training that could begin, by mouse and keys."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt

from pathlib import Path

import cv2
import numpy as np
import pytest
from labelling_parts import settle, stroke
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from app.services.settings import SettingsStore
from app.shell.application import Application
from app.shell.new_project_dialog import NewProjectDialog
from core.images.io import write_image

LEFT = Qt.MouseButton.LeftButton
PARTS, VIEWS = 8, 2


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two pictures of each of eight parts, in a folder with a space and Chinese characters."""
    folder = tmp_path / "磁 tiles"
    folder.mkdir()
    for part in range(PARTS):
        rough = np.random.default_rng(part).normal(size=(12, 16)).astype(np.float32)
        grey = cv2.resize(rough, (160, 120), interpolation=cv2.INTER_CUBIC)
        grey = cv2.normalize(grey, None, 60, 180, cv2.NORM_MINMAX).astype(np.uint8)
        for view in range(VIEWS):
            lit = np.clip(grey.astype(int) + 15 * view, 0, 255).astype(np.uint8)
            write_image(folder / f"part_{part}_view_{view}.png", np.repeat(lit[..., None], 3, 2))
    return folder


@pytest.fixture
def application(qapp, tmp_path, monkeypatch):
    monkeypatch.setattr("app.services.settings.config_dir", lambda: tmp_path / "config")
    monkeypatch.setattr("app.services.settings.log_dir", lambda: tmp_path / "log")
    store = SettingsStore(tmp_path / "config" / "settings.json")
    store.settings.language = "en"
    made = Application(qapp, store)
    made.show()
    yield made
    made.shut_down()


def test_from_a_folder_of_images_to_a_training(
    application, photographs, tmp_path, qtbot, monkeypatch
):
    window, context = application.window, application.context
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: str(photographs))

    QTest.mouseClick(window.home.new_button, LEFT)
    dialog = window.findChild(NewProjectDialog)
    QTest.mouseClick(dialog.folder_button, LEFT)
    qtbot.waitUntil(lambda: dialog.found.text() == "16 images, not labelled yet.")
    dialog.folder_edit.setText(str(tmp_path / "projects"))
    QTest.mouseClick(dialog.create_button, LEFT)  # what to look for comes with the first stroke

    area = window.work_area
    panel = area.panels["labelling"]
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    window.activateWindow()
    qtbot.waitUntil(panel.view.canvas.hasFocus)  # the keys are the canvas's at once
    assert area.current_panel is panel
    assert not area.rail.next_button.isVisibleTo(area.rail)  # one is there already
    stroke(panel, (20, 20), (60, 40))
    QTest.keyClicks(QApplication.focusWidget(), "Crack")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert panel.view.canvas.hasFocus()
    rail = area.rail._entries
    for number in range(11):
        qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
        assert panel.images.ids.index(panel.session.row.id) == number
        stroke(panel, (20, 70), (60 + number, 90))
        QTest.keyClick(
            QApplication.focusWidget(), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier
        )
        if number == 2:  # live, without leaving the step
            qtbot.waitUntil(lambda: rail["train"].reason.text() == "Label 2 more images.")
    settle(qtbot, panel)
    qtbot.waitUntil(lambda: rail["train"].reason.text() == "Ready to train.", timeout=20_000)
    qtbot.waitUntil(
        lambda: not context.new_labels.busy and context.project.counts().by_subset["none"] == 5,
        timeout=20_000,
    )
    assert [label.name for label in context.project.labels()] == ["background", "Crack"]
    palette = panel.inspector_parts.classes
    qtbot.waitUntil(lambda: "Crack: " in palette.progress.toolTip(), timeout=20_000)

    rows = [row for row in context.project.images() if row.subset != "none"]
    assert {row.subset for row in rows} == {"train", "val"}
    for part in range(PARTS):
        of_part = {row.subset for row in rows if row.name.startswith(f"part_{part}_")}
        assert len(of_part) <= 1, "pictures of one part stay together"

    area.rail.step_requested.emit("train")
    model = area.panels["model"]
    qtbot.waitUntil(lambda: not model.busy and model.page.isVisible(), timeout=20_000)
    assert model._check(), "nothing keeps the training from starting"
    started: list[dict] = []
    monkeypatch.setattr(context, "start_run", started.append)
    QTest.mouseClick(model.start_button, LEFT)
    assert started[0]["kind"] == "train"
