"""The classes of the Labelling panel: which one is painted, and changes of the list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog

from app.look.translation import tr, trn
from app.panels.label import key_actions as keys
from app.panels.label.widgets.class_dialogs import AddClassDialog, MergeClassDialog
from app.panels.label.workspace import Workspace
from app.services.background import Progress
from app.widgets import dialogs
from app.widgets.dialogs import error_text
from core.data.class_names import is_background
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.project import Project
from core.system.errors import InputError


class ClassEditing(QObject):
    """Carries out what is chosen in the palette."""

    labels_changed = Signal()
    """The list is another, and all widgets show it."""
    changed = Signal()
    """The project's classes, or masks, are others."""
    replaced = Signal()
    """A class became another one in all masks; the same classes are in hand, hidden and locked."""
    image_wanted = Signal(int)
    """(image id): show it."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._classes = workspace.classes
        self._editor = workspace.editor
        self._palette = workspace.inspector.classes
        self._connect_actions()
        palette = self._palette
        palette.class_chosen.connect(self.choose)
        self._editor.class_changed.connect(palette.set_current)  # tools choose one, too
        palette.locks_changed.connect(self._on_locks_changed)
        palette.add_requested.connect(self.add)
        palette.rename_requested.connect(self.rename)
        palette.recolor_requested.connect(self._on_recolor)
        palette.merge_requested.connect(self._on_merge)
        palette.delete_requested.connect(self._on_delete)
        palette.move_requested.connect(self._on_move)

    def show_project(self) -> None:
        """Show the classes of another project."""
        project = self._workspace.project
        self._palette.forget_marks()
        self._palette.set_editable(project is not None and not project.read_only)
        self._editor.set_locked(())
        self.refresh()

    @Slot()
    def refresh(self, *, again: bool = False) -> None:
        """Read the classes; ``again`` shows them even where they are the same."""
        project = self._workspace.project
        labels = () if project is None else project.labels()
        if labels == self._classes.labels and not again:
            return
        self._classes.set_labels(labels)
        self._palette.set_labels(labels)
        self._workspace.inspector.options.set_labels(labels)
        self._workspace.view.strip.set_labels(labels)
        if self._editor.class_id not in self._classes.paintable:
            self._editor.set_class(next((id_ for id_ in self._classes.ids if id_), 0))
        self._palette.set_current(self._editor.class_id)
        self._on_locks_changed()
        self.labels_changed.emit()

    @Slot(int)
    def choose(self, class_id: int) -> None:
        """Paint this class."""
        if class_id in self._classes.paintable:
            self._editor.set_class(class_id)
            self._palette.set_current(class_id)

    @Slot()
    def add(self) -> None:
        """Ask for a new class."""
        project = self._workspace.project
        if project is None or project.read_only:
            return
        top = max(self._classes.ids, default=0)
        taken = {label.name for label in self._classes.labels}
        color = default_palette(min(top + 2, 256))[-1]
        dialog = AddClassDialog(color, self._workspace.view, taken=taken)
        dialog.chosen.connect(self._on_added)
        dialog.open()

    def _connect_actions(self) -> None:
        actions = self._workspace.actions
        for number in range(keys.DIGITS + 1):
            actions.connect(keys.class_key(number), partial(self._choose_key, number))
        actions.connect(keys.PREVIOUS_CLASS, partial(self._step, -1))
        actions.connect(keys.NEXT_CLASS, partial(self._step, 1))
        actions.connect(keys.PICK, self._pick)
        actions.connect(keys.DONT_CARE, partial(self.choose, IGNORE_INDEX))
        actions.connect(keys.ADD_CLASS, self.add)
        actions.connect(keys.FIND_CLASS, self._palette.start_search)
        actions.connect(keys.RENAME_CLASS, self._palette.edit_name)
        for spec, change in (
            (keys.RECOLOR_CLASS, self._on_recolor),
            (keys.MERGE_CLASS, self._on_merge),
            (keys.DELETE_CLASS, self._on_delete),
            (keys.CLASS_UP, lambda class_id: self._on_move(class_id, -1)),
            (keys.CLASS_DOWN, lambda class_id: self._on_move(class_id, 1)),
        ):
            actions.connect(spec, partial(self._change_chosen, change))
        actions.connect(keys.HIDE_CLASS, lambda: self._palette.toggle_hidden(self._editor.class_id))
        actions.connect(keys.LOCK_CLASS, lambda: self._palette.toggle_locked(self._editor.class_id))
        actions.connect(keys.HIDE_OTHERS, self._palette.toggle_others)

    def _choose_key(self, number: int) -> None:
        class_id = self._palette.class_for_key(number)
        if class_id is not None:
            self.choose(class_id)

    def _step(self, by: int) -> None:
        ids = self._classes.paintable
        if self._editor.class_id in ids:
            self.choose(ids[(ids.index(self._editor.class_id) + by) % len(ids)])

    def _change_chosen(self, change: Callable[[int], None]) -> None:
        project, class_id = self._workspace.project, self._editor.class_id
        known = class_id in self._classes.ids
        if project is not None and not project.read_only and known:
            change(class_id)

    def _pick(self) -> None:
        document, place = self._editor.document, self._workspace.view.canvas.place
        class_id = None if document is None or place is None else document.class_at(*place)
        if class_id is not None:
            self.choose(class_id)

    def _change(self, change: Callable[[Project], object]) -> None:
        project, again = self._workspace.project, False
        if project is None:
            return
        try:
            change(project)
        except InputError as error:
            self._workspace.notices.tell(error_text(error)[0], role="danger", passing=True)
            again = True  # a refused name is still in its row
        except Exception as error:
            self._workspace.context.error_occurred.emit(error)
            again = True
        self.changed.emit()
        self.refresh(again=again)

    @Slot()
    def _on_locks_changed(self) -> None:
        self._editor.set_locked(self._palette.locked)

    @Slot(str)
    def add_first(self, name: str) -> None:
        """Make the first class beside the background, and paint it."""
        self._on_added(name, default_palette(2)[1])

    @Slot(int, str)
    def rename(self, class_id: int, name: str) -> None:
        """Give a class another name."""
        self._change(lambda project: project.rename_class(class_id, name))

    @Slot(str, object)
    def _on_added(self, name: str, color: Color) -> None:
        def add(project: Project) -> None:
            if not self._classes.labels and not is_background(
                name
            ):  # id 0 is what erasing leaves behind
                project.add_class(tr("background"))
            made.append(project.add_class(name, color).id)

        made: list[int] = []
        self._change(add)
        for class_id in made:
            self.choose(class_id)

    @Slot(int)
    def _on_recolor(self, class_id: int) -> None:
        dialog = QColorDialog(QColor(*self._classes.colors[class_id]), self._workspace.view)
        dialog.setWindowTitle(tr("Colour of {name}", name=self._classes.name(class_id)))
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
        ids = self._classes.ids
        place = ids.index(class_id)
        other = place + by
        if 0 <= other < len(ids):
            ids[place], ids[other] = ids[other], ids[place]
            self._change(lambda project: project.order_classes(ids))

    @Slot(int)
    def _on_merge(self, class_id: int) -> None:
        others = [label for label in self._classes.labels if label.id != class_id]
        if class_id == 0:
            self._on_delete(class_id)  # says why not
            return
        project = self._workspace.project
        if not others or project is None:
            return
        name, count = self._classes.name(class_id), project.images_with_class(class_id)
        dialog = MergeClassDialog(name, others, count, self._workspace.view)
        dialog.chosen.connect(lambda replacement: self._replace(class_id, replacement))
        dialog.open()

    @Slot(int)
    def _on_delete(self, class_id: int) -> None:
        project = self._workspace.project
        if project is None:
            return
        if class_id == 0:
            self._workspace.notices.tell(
                tr("This class is what erasing leaves behind; rename it instead of deleting it."),
                passing=True,
            )
            return
        count = project.images_with_class(class_id)
        if dialogs.ask(
            self._workspace.view.window(),
            tr("Delete the class {name}?", name=self._classes.name(class_id)),
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
        project, session = self._workspace.project, self._workspace.session
        if (
            project is None
            or self._workspace.unfinished.holds_back(lambda: self._replace(class_id, replacement))
            or not session.flush()
        ):
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
            self.changed.emit()
            self.refresh()
            self.replaced.emit()
            if row is not None:
                self.image_wanted.emit(row.id)

        def fail(error: Exception) -> None:
            self._workspace.context.error_occurred.emit(error)
            reopen(None)

        self._workspace.tasks.start(work, on_done=reopen, on_failed=fail, key="classes")
