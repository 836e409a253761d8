"""Class 0 of a new project is the background, however the classes are typed."""

from __future__ import annotations

import pytest
from project_samples import write_images
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
    assert list(dialog.chips.names) == expected
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
    assert dialog.chips.height() == dialog.chips.heightForWidth(dialog.chips.width()) > 0
    for text in texts:
        qtbot.waitUntil(lambda text=text: text.height() == text.heightForWidth(text.width()))


def test_images_name_the_project_and_are_counted(qtbot, tmp_path):
    folder = tmp_path / "磁 tiles"
    write_images(folder, 3)
    (folder / "notes.txt").write_text("none")
    dialog = NewProjectDialog(tmp_path)
    qtbot.addWidget(dialog)
    dialog.set_images([folder])
    qtbot.waitUntil(lambda: dialog.found.text() == "3 images, not labelled yet.")
    assert dialog.name_edit.text() == "磁 tiles" and dialog.create_button.isEnabled()
    assert dialog.value().images == (folder,)
    dialog.name_edit.setText("Mine")
    dialog.set_images([folder / "im0.png", folder / "im1.png"])
    qtbot.waitUntil(lambda: dialog.found.text() == "2 images, not labelled yet.")
    assert dialog.name_edit.text() == "Mine", "a name that was typed stays"
    assert dialog.images_edit.text() == "im0.png and 1 more"
    dialog.set_images([folder / "notes.txt"])
    qtbot.waitUntil(lambda: "no image in notes.txt" in dialog.found.text())
    dialog.reject()


def test_labels_beside_the_images_are_told(qtbot, tmp_path, seg_folder):
    dialog = NewProjectDialog(tmp_path)
    qtbot.addWidget(dialog)
    dialog.set_images([seg_folder])
    qtbot.waitUntil(lambda: dialog.found.text().startswith("Labels were found"))
    dialog.reject()
