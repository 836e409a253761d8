"""Class 0 of a new project is the background, however the classes are typed."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.look.translation import set_language
from app.shell.new_project_dialog import NewProjectDialog
from core.project import Project


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Crack, Break", ["background", "Crack", "Break"]),
        ("Crack\nBreak", ["background", "Crack", "Break"]),
        ("Riss，Bruch、Loch", ["background", "Riss", "Bruch", "Loch"]),
        ("deep, long\nshort", ["background", "deep, long", "short"]),
        ("Crack\nBackground", ["Background", "Crack"]),
        ("Crack\n背景", ["背景", "Crack"]),
        ("_background_\nCrack\nCrack", ["_background_", "Crack"]),
        ("", []),
    ],
)
def test_typed_classes(qtbot, tmp_path, typed, expected):
    dialog = NewProjectDialog(tmp_path)
    qtbot.addWidget(dialog)
    dialog.name_edit.setText("P")
    dialog.labels_edit.setPlainText(typed)
    chosen = dialog.value()
    assert list(chosen.labels) == expected
    assert dialog.classes_hint.text() == " · ".join(f"{n} {x}" for n, x in enumerate(expected))
    with Project.create(chosen.folder, labels=chosen.labels, background=chosen.background) as made:
        assert [(one.id, one.name) for one in made.labels()] == list(enumerate(expected))


def test_the_user_may_say_that_there_is_no_background(qtbot, tmp_path):
    dialog = NewProjectDialog(tmp_path)
    qtbot.addWidget(dialog)
    dialog.name_edit.setText("P")
    dialog.labels_edit.setPlainText("Road, Sky")
    dialog.background_box.setChecked(False)
    assert dialog.value().labels == ("Road", "Sky") and not dialog.value().background


def test_in_chinese_the_background_has_its_chinese_name(qtbot, tmp_path):
    set_language("zh_CN")
    dialog = NewProjectDialog(tmp_path)
    qtbot.addWidget(dialog)
    dialog.labels_edit.setPlainText("裂纹，断裂")
    assert dialog.value().labels == ("背景", "裂纹", "断裂")


def test_wrapped_texts_leave_no_gaps(qtbot, tmp_path):
    dialog = NewProjectDialog(tmp_path)
    qtbot.addWidget(dialog)
    dialog.labels_edit.setPlainText("Crack, Break")
    dialog.show()
    texts = [text for text in dialog.findChildren(QLabel) if text.wordWrap()]
    assert len(texts) == 3
    for text in texts:
        qtbot.waitUntil(lambda text=text: text.height() == text.heightForWidth(text.width()))
