"""The defect book beside the canvas: opened, edited in place, examples added and deleted."""

from __future__ import annotations

import pytest
from labelling_parts import labelling_panel, trigger
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QLineEdit

from core.images.io import read_image
from core.project.defect_book import DefectBook, ExampleKind


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def cards(panel) -> list[QFrame]:
    QApplication.processEvents()  # what is new is shown a moment later
    found = panel.view.book.cards.findChildren(QFrame)
    return [one for one in found if one.property("role") == "card" and not one.isHidden()]


def test_definition_and_examples_of_the_class_in_hand(panel, opened) -> None:
    view, notice = panel.view.book, opened.window.work_area.notice
    class_id = panel.editor.class_id
    assert not view.isVisible()
    trigger(panel, "view.book")
    assert view.isVisible() and view.name.text() == panel.workspace.classes.name(class_id)
    view.definition.setPlainText("线,长于 1 mm")
    trigger(panel, "class.good_example")  # what is in sight
    trigger(panel, "tool.component")
    tool = panel.tools.current
    tool.select(_region((10, 8, 20, 16)), class_id)
    trigger(panel, "class.borderline_example")
    assert len(cards(panel)) == 2
    view.finish()

    page = DefectBook(panel.project.folder).read()[class_id]
    assert page.definition == "线,长于 1 mm"
    whole, part = page.examples
    assert whole.kind is ExampleKind.GOOD and whole.box == (0, 0, 48, 32)
    assert part.kind is ExampleKind.BORDERLINE and part.box == (0, 0, 36, 32)
    assert read_image(DefectBook(panel.project.folder).picture(part)).shape[:2] == (32, 36)
    pictures = [one.pixmap() for one in cards(panel)[0].findChildren(QLabel)]
    assert any(not picture.isNull() for picture in pictures)

    note = cards(panel)[1].findChild(QLineEdit)
    note.setText("zu kurz 太短")
    note.editingFinished.emit()
    view.kind_chosen.emit(class_id, part.picture, "good")
    view.removed.emit(class_id, whole.picture)
    assert len(cards(panel)) == 1 and notice.isVisible()
    notice.action.click()  # undo
    kept = DefectBook(panel.project.folder).read()[class_id]
    assert [one.picture for one in kept.examples] == [whole.picture, part.picture]
    assert kept.examples[1].note == "zu kurz 太短"

    panel.classes.choose(0)
    assert view.definition.toPlainText() == "" and not cards(panel)
    panel.classes.choose(class_id)
    assert view.definition.toPlainText() == "线,长于 1 mm" and len(cards(panel)) == 2
    assert panel.context.settings.panel_values["labelling/book_shown"] is True


def test_a_damaged_book_is_told_and_not_overwritten(panel) -> None:
    file = panel.project.folder / "book" / "book.json"
    file.parent.mkdir()
    file.write_text("{", encoding="utf-8")
    panel.book.show_project()
    assert "cannot be read" in panel.view.notice.text.text()
    assert not panel.workspace.actions["class.good_example"].isEnabled()
    trigger(panel, "view.book")
    panel.view.book.definition.setPlainText("x")
    panel.view.book.finish()
    assert file.read_text(encoding="utf-8") == "{"


def _region(box):
    import numpy as np

    from core.annotation.edits import Region

    return Region(box, np.ones((box[3] - box[1], box[2] - box[0]), bool))
