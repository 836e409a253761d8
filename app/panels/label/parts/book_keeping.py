"""The defect book of the project: shown for the class in hand, edited in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QColor

from app.canvas.tools.component_tool import ComponentTool
from app.look.translation import tr
from app.panels.label import key_actions as keys
from app.panels.label.widgets.book_view import ShownClass
from app.panels.label.workspace import Workspace
from app.services.notices import Notice
from app.widgets.dialogs import error_text
from core.annotation.edits import Box, crop
from core.images.io import IGNORE_INDEX
from core.project.defect_book import (
    MOST_EXAMPLES,
    BookPage,
    DefectBook,
    Example,
    ExampleKind,
    example_box,
)
from core.system.errors import InputError

_SHOWN = "book_shown"
_NOTHING = BookPage()


class BookKeeping(QObject):
    """Reads the book when a project is opened, and writes every change at once."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._view = workspace.view.book
        self._book: DefectBook | None = None
        self._pages: dict[int, BookPage] = {}
        actions = workspace.actions
        self._toggle = actions.connect(keys.BOOK, self._on_toggled)
        self._adding = [
            actions.connect(keys.GOOD_EXAMPLE, partial(self.add, ExampleKind.GOOD)),
            actions.connect(keys.BORDERLINE_EXAMPLE, partial(self.add, ExampleKind.BORDERLINE)),
        ]
        self._toggle.setChecked(workspace.remembered.get(_SHOWN) is True)
        view = self._view
        view.setVisible(self._toggle.isChecked())
        view.closed.connect(self._toggle.trigger)
        view.left.connect(workspace.view.canvas.setFocus)
        view.definition_edited.connect(self._on_definition)
        view.note_edited.connect(self._on_note)
        view.kind_chosen.connect(self._on_kind)
        view.removed.connect(self._on_removed)
        workspace.editor.class_changed.connect(self.show_class)

    def show_project(self) -> None:
        """Read the book of another project."""
        project = self._workspace.project
        self._view.forget()
        self._pages = {}
        self._book = None if project is None else DefectBook(project.folder)
        editable = project is not None and not project.read_only
        if self._book is not None:
            try:
                self._pages = self._book.read()
            except InputError as error:
                editable = False  # or the next change would take the place of what is there
                self._workspace.notices.tell(error_text(error)[0], role="danger")
        self._view.set_editable(editable)
        for action in self._adding:
            action.setEnabled(editable)
        self.show_class()

    @Slot()
    def show_class(self) -> None:
        """Show the page of the class in hand, where the book is open."""
        self._view.finish()
        if not self._toggle.isChecked():
            return
        classes, class_id = self._workspace.classes, self._workspace.editor.class_id
        shown = None
        if self._book is not None and class_id in classes.paintable:
            color = None if class_id == IGNORE_INDEX else QColor(*classes.colors[class_id])
            shown = ShownClass(class_id, classes.name(class_id), color)
        page = self._pages.get(class_id, _NOTHING) if shown is not None else _NOTHING
        if self._book is not None:
            self._view.show_page(shown, page, self._book.folder)

    def add(self, kind: ExampleKind) -> None:
        """Take the chosen part, or what is in sight, into the book as an example."""
        self._view.finish()
        workspace, book = self._workspace, self._book
        row, image, class_id = workspace.session.row, workspace.editor.image(), self._class_id
        box = self._box()
        if book is None or row is None or image is None or box is None or class_id is None:
            return
        page = self._pages.get(class_id, _NOTHING)
        if len(page.examples) >= MOST_EXAMPLES:
            self._tell(tr("This class has many examples already; delete one first."))
            return

        def change() -> None:
            picture = book.keep_picture(np.asarray(crop(image, box)))
            example = Example(picture=picture, kind=kind, image=row.name, box=box)
            others = tuple(one for one in page.examples if one.picture != picture)
            self._replace(class_id, page.model_copy(update={"examples": (*others, example)}))

        if self._carry_out(change):
            if not self._toggle.isChecked():
                self._toggle.trigger()
            name = workspace.classes.name(class_id)
            text = (
                tr("A good example of {name} is in the book.", name=name)
                if kind is ExampleKind.GOOD
                else tr("A borderline example of {name} is in the book.", name=name)
            )
            self._offer_undo(text, class_id, page)

    @property
    def _class_id(self) -> int | None:
        class_id = self._workspace.editor.class_id
        return class_id if class_id in self._workspace.classes.paintable else None

    def _box(self) -> Box | None:
        """Return what becomes an example: the chosen part with some ground, or what is seen."""
        workspace = self._workspace
        tool = cast("ComponentTool", workspace.tools[ComponentTool.key])
        document = workspace.editor.document
        if document is not None and workspace.view.canvas.tool is tool and tool.selection:
            return example_box(tool.selection[0].box, document.size)
        return workspace.view.canvas.seen_box()

    @Slot(int, str)
    def _on_definition(self, class_id: int, text: str) -> None:
        self._change_page(class_id, lambda page: page.model_copy(update={"definition": text}))

    @Slot(int, str, str)
    def _on_note(self, class_id: int, picture: str, note: str) -> None:
        self._change_example(class_id, picture, {"note": note})

    @Slot(int, str, str)
    def _on_kind(self, class_id: int, picture: str, kind: str) -> None:
        if self._change_example(class_id, picture, {"kind": ExampleKind(kind)}):
            self.show_class()

    @Slot(int, str)
    def _on_removed(self, class_id: int, picture: str) -> None:
        before = self._pages.get(class_id, _NOTHING)
        left = tuple(one for one in before.examples if one.picture != picture)
        if self._change_page(class_id, lambda page: page.model_copy(update={"examples": left})):
            self.show_class()
            self._offer_undo(tr("The example was deleted."), class_id, before)

    def _change_example(self, class_id: int, picture: str, update: dict[str, object]) -> bool:
        def change(page: BookPage) -> BookPage:
            examples = tuple(
                one.model_copy(update=update) if one.picture == picture else one
                for one in page.examples
            )
            return page.model_copy(update={"examples": examples})

        return self._change_page(class_id, change)

    def _change_page(self, class_id: int, change: Callable[[BookPage], BookPage]) -> bool:
        before = self._pages.get(class_id, _NOTHING)
        after = change(before)
        return after != before and self._carry_out(lambda: self._replace(class_id, after))

    def _replace(self, class_id: int, page: BookPage) -> None:
        if self._book is not None:
            pages = {**self._pages, class_id: page}
            self._book.write(pages)
            self._pages = pages

    def _carry_out(self, change: Callable[[], None]) -> bool:
        project = self._workspace.project
        if project is None or project.read_only:
            return False
        try:
            change()
        except Exception as error:
            self._workspace.context.error_occurred.emit(error)
            return False
        return True

    def _offer_undo(self, text: str, class_id: int, before: BookPage) -> None:
        """Say what was done; the examples come back as they were, other changes stay."""
        self.show_class()
        book = self._book

        def undo() -> None:
            if self._book is book and self._change_page(
                class_id, lambda page: page.model_copy(update={"examples": before.examples})
            ):
                self.show_class()

        notice = Notice(text, action=tr("Undo"), on_action=undo)
        self._workspace.context.notice_requested.emit(notice)

    @Slot()
    def _on_toggled(self) -> None:
        shown = self._toggle.isChecked()
        self._workspace.remembered.keep(_SHOWN, shown, usual=False)
        if not shown:
            self._view.finish()
        self._view.setVisible(shown)
        self.show_class()

    def _tell(self, text: str) -> None:
        self._workspace.notices.tell(text, passing=True)

    def finish(self) -> None:
        """Keep what is being typed."""
        self._view.finish()
