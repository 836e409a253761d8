"""What another computer needs is asked for in words of cards and drivers."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QFileDialog

from app.shell.prepare_dialog import PrepareDialog
from core.system.gpu_environment.build_choice import BUILDS


@pytest.mark.parametrize(("build", "chosen"), [("cu118", "cu118"), (None, "cu126")])
def test_every_build_can_be_chosen_and_this_computers_is(qtbot, build, chosen):
    dialog = PrepareDialog(build)
    qtbot.addWidget(dialog)
    offered = {dialog.build_box.itemData(row) for row in range(dialog.build_box.count())}
    assert offered == set(BUILDS)
    assert dialog.build_box.currentData() == chosen


def test_without_a_folder_it_stays_open(qtbot, monkeypatch):
    dialog = PrepareDialog(None)
    qtbot.addWidget(dialog)
    wanted = []
    dialog.folder_wanted.connect(wanted.append)
    dialog.open()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: "")
    dialog.go_on_button.click()
    assert dialog.isVisible()
    assert wanted == []
    dialog.close()
