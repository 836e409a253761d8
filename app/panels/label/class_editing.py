"""The classes of the Labelling panel: which one is painted, and changes of the list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog

from app.look.translation import tr, trn
from app.panels.label import key_actions as keys
from app.panels.label.class_dialogs import AddClassDialog, MergeClassDialog
from app.panels.label.class_palette import KEYS
from app.widgets import dialogs
from app.widgets.dialogs import error_text
from core.images.palette import Color, default_palette
from core.project import LabelClass, Project
from core.system.errors import InputError

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel
    from app.services.background import Progress


class LabellingClasses(QObject):
    """Carries out what is chosen in the palette.

    Attributes:
        labels: the project's classes in the order of the list.
        colors: theirs by id.
    """

    labels_changed = Signal()

    def __init__(self, panel: LabellingPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._editor = panel.editor
        self._palette = panel.inspector_parts.classes
        self._project: Project | None = None
        self.labels: tuple[LabelClass, ...] = ()
        self.colors: list[Color] = default_palette(1)
        self._make_actions()
        palette = self._palette
        palette.class_chosen.connect(self.choose)
        self._editor.class_changed.connect(palette.set_current)  # tools choose one, too
        palette.locks_changed.connect(self._on_locks_changed)
        palette.add_requested.connect(self.add)
        palette.rename_requested.connect(self._on_rename)
        palette.recolor_requested.connect(self._on_recolor)
        palette.merge_requested.connect(self._on_merge)
        palette.delete_requested.connect(self._on_delete)
        palette.move_requested.connect(self._on_move)

    def set_project(self, project: Project | None) -> None:
        """Show the classes of another project."""
        self._project = project
        self._palette.hidden.clear()
        self._palette.locked.clear()
        self._palette.set_editable(project is not None and not project.read_only)
        self._editor.set_locked(())
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Read the classes again."""
        labels = () if self._project is None else self._project.labels()
        if labels == self.labels:
            return
        self.labels = labels
        self.colors = default_palette(max((label.id for label in labels), default=0) + 1)
        for label in labels:
            self.colors[label.id] = label.color
        self._palette.set_labels(labels)
        self._panel.inspector_parts.options.set_labels(labels)
        self._panel.view.strip.set_labels(labels)
        known = [label.id for label in labels]
        if self._editor.class_id not in known:
            self._editor.set_class(next((id_ for id_ in known if id_), 0))
        self._palette.set_current(self._editor.class_id)
        self._on_locks_changed()
        self.labels_changed.emit()

    def name(self, class_id: int) -> str:
        """Return a class's name; the id of one that is not in the list."""
        return next((label.name for label in self.labels if label.id == class_id), str(class_id))

    @Slot(int)
    def choose(self, class_id: int) -> None:
        """Paint this class."""
        if any(label.id == class_id for label in self.labels):
            self._editor.set_class(class_id)
            self._palette.set_current(class_id)

    @Slot()
    def add(self) -> None:
        """Ask for a new class."""
        project = self._project
        if project is None or project.read_only:
            return
        top = max((label.id for label in self.labels), default=0)
        taken = {label.name for label in self.labels}
        dialog = AddClassDialog(default_palette(min(top + 2, 256))[-1], self._panel, taken=taken)
        dialog.chosen.connect(self._on_added)
        dialog.open()

    def _make_actions(self) -> None:
        actions = self._panel.actions_
        for number in range(KEYS + 1):
            actions.add(keys.class_key(number), partial(self._choose_key, number))
        actions.add(keys.PREVIOUS_CLASS, partial(self._step, -1))
        actions.add(keys.NEXT_CLASS, partial(self._step, 1))
        actions.add(keys.PICK, self._pick)
        actions.add(keys.ADD_CLASS, self.add)
        actions.add(keys.FIND_CLASS, self._palette.start_search)
        actions.add(keys.RENAME_CLASS, self._palette.edit_name)
        for spec, change in (
            (keys.RECOLOR_CLASS, self._on_recolor),
            (keys.MERGE_CLASS, self._on_merge),
            (keys.DELETE_CLASS, self._on_delete),
            (keys.CLASS_UP, lambda class_id: self._on_move(class_id, -1)),
            (keys.CLASS_DOWN, lambda class_id: self._on_move(class_id, 1)),
        ):
            actions.add(spec, partial(self._change_chosen, change))
        actions.add(keys.HIDE_CLASS, lambda: self._palette.toggle_hidden(self._editor.class_id))
        actions.add(keys.LOCK_CLASS, lambda: self._palette.toggle_locked(self._editor.class_id))
        actions.add(keys.HIDE_OTHERS, self._palette.toggle_others)

    def _choose_key(self, number: int) -> None:
        class_id = self._palette.class_for_key(number)
        if class_id is not None:
            self.choose(class_id)

    def _step(self, by: int) -> None:
        ids = [label.id for label in self.labels]
        if self._editor.class_id in ids:
            self.choose(ids[(ids.index(self._editor.class_id) + by) % len(ids)])

    def _change_chosen(self, change: Callable[[int], None]) -> None:
        project, class_id = self._project, self._editor.class_id
        known = any(label.id == class_id for label in self.labels)
        if project is not None and not project.read_only and known:
            change(class_id)

    def _pick(self) -> None:
        document, place = self._editor.document, self._panel.look.place
        class_id = None if document is None or place is None else document.class_at(*place)
        if class_id is not None:
            self.choose(class_id)

    def _change(self, change: Callable[[Project], object]) -> None:
        project = self._project
        if project is None:
            return
        try:
            change(project)
        except InputError as error:
            self._panel.view.notice.tell(error_text(error)[0], role="danger", passing=True)
            self.labels = ()  # a refused name is still in its row
        except Exception as error:
            self._panel.context.error_occurred.emit(error)
            self.labels = ()
        self._panel.mark_changed()
        self.refresh()

    @Slot()
    def _on_locks_changed(self) -> None:
        self._editor.set_locked(self._palette.locked)

    @Slot(str, object)
    def _on_added(self, name: str, color: Color) -> None:
        def add(project: Project) -> None:
            if not self.labels:  # id 0 is what erasing leaves behind
                project.add_class(tr("background"))
            made.append(project.add_class(name, color).id)

        made: list[int] = []
        self._change(add)
        for class_id in made:
            self.choose(class_id)

    @Slot(int, str)
    def _on_rename(self, class_id: int, name: str) -> None:
        self._change(lambda project: project.rename_class(class_id, name))

    @Slot(int)
    def _on_recolor(self, class_id: int) -> None:
        dialog = QColorDialog(QColor(*self.colors[class_id]), self._panel)
        dialog.setWindowTitle(tr("Colour of {name}", name=self.name(class_id)))
        dialog.colorSelected.connect(
            lambda color: self._change(
                lambda project: project.recolor_class(
                    class_id, (color.red(), color.green(), color.blue())
                )
            )
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot(int, int)
    def _on_move(self, class_id: int, by: int) -> None:
        ids = [label.id for label in self.labels]
        place = ids.index(class_id)
        other = place + by
        if 0 <= other < len(ids):
            ids[place], ids[other] = ids[other], ids[place]
            self._change(lambda project: project.order_classes(ids))

    @Slot(int)
    def _on_merge(self, class_id: int) -> None:
        others = [label for label in self.labels if label.id != class_id]
        if class_id == 0:
            self._on_delete(class_id)  # says why not
            return
        if not others or self._project is None:
            return
        dialog = MergeClassDialog(
            self.name(class_id), others, self._project.images_with_class(class_id), self._panel
        )
        dialog.chosen.connect(lambda replacement: self._replace(class_id, replacement))
        dialog.open()

    @Slot(int)
    def _on_delete(self, class_id: int) -> None:
        project = self._project
        if project is None:
            return
        if class_id == 0:
            self._panel.view.notice.tell(
                tr("This class is what erasing leaves behind; rename it instead of deleting it."),
                passing=True,
            )
            return
        count = project.images_with_class(class_id)
        if dialogs.ask(
            self._panel.window(),
            tr("Delete the class {name}?", name=self.name(class_id)),
            details=trn(
                "Its pixels in {count} image become background. This cannot be undone.",
                "Its pixels in {count} images become background. This cannot be undone.",
                count,
            ),
            yes=tr("Delete"),
            no=tr("Keep"),
            dangerous=True,
        ):
            self._replace(class_id, 0)

    def _replace(self, class_id: int, replacement: int) -> None:
        """Rewrite the masks in the background; the open image is saved and opened again."""
        project, session = self._project, self._panel.session
        if project is None or not session.flush():
            return
        row = session.row
        session.leave()
        session.forget_undo()

        def work(progress: Progress) -> int:
            return project.merge_class(
                class_id,
                replacement,
                progress=lambda done, total: progress.report(done / max(1, total)),
            )

        def reopen(_result: object) -> None:
            self._panel.mark_changed()
            self.refresh()
            self._panel.tools.restore_paint_over()
            self._panel.images.refresh()
            if row is not None:
                self._panel.images.open(row.id)

        def fail(error: Exception) -> None:
            self._panel.context.error_occurred.emit(error)
            reopen(None)

        self._panel.tasks.start(work, on_done=reopen, on_failed=fail, key="classes")
