"""What is done with chosen parts, and carrying labels from one image to others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from app.canvas.tools.component_tool import ComponentTool
from app.look.translation import tr, trn
from app.panels.label import key_actions as keys
from app.panels.label.workspace import Workspace
from app.services.background import Progress
from core.annotation.components import class_region
from core.annotation.edits import Mask, Region
from core.annotation.interpolation import copy_region, interpolate
from core.images.io import IGNORE_INDEX
from core.project import Project
from core.system.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class _Copied:
    region: Region
    class_id: int


class Selection(QObject):
    """Actions of the component tool, a clipboard of one region, interpolation."""

    tool_wanted = Signal(str)
    """(key of the tool): take it up."""
    step_wanted = Signal(int)
    """(by): show the next (+1) image."""
    interpolated = Signal()
    """Images got masks."""

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._copied: _Copied | None = None
        self._paste_next = False
        self._tool = cast("ComponentTool", workspace.tools[ComponentTool.key])
        tool = self._tool
        for spec, slot in (
            (keys.FILL_HOLES, tool.fill_holes),
            (keys.REMOVE_SPECKS, tool.remove_specks),
            (keys.SMOOTH, tool.smooth),
            (keys.DILATE, tool.dilate),
            (keys.ERODE, tool.erode),
            (keys.CHANGE_CLASS, tool.accept),
            (keys.DELETE_PARTS, tool.delete),
            (keys.COPY, self.copy),
            (keys.PASTE, self.paste),
            (keys.COPY_TO_NEXT, self.copy_to_next),
            (keys.INTERPOLATE, self.interpolate),
        ):
            workspace.actions.connect(spec, cast("Callable[[], object]", slot))

    @Slot()
    def copy(self) -> bool:
        """Take up the chosen parts, or all of the class in hand; return whether there are any."""
        editor = self._workspace.editor
        selection = self._tool.selection
        if selection is None and editor.document is not None:
            region = class_region(editor.document.mask, editor.class_id)
            selection = None if region is None else (region, editor.class_id)
        if selection is None:
            self._workspace.notices.tell(
                tr("There is nothing of this class to copy."), passing=True
            )
            return False
        self._copied = _Copied(*selection)
        return True

    @Slot()
    def paste(self) -> None:
        """Paint what was copied at the same place of this image."""
        if self._workspace.unfinished.holds_back(self.paste):
            return
        copied, editor = self._copied, self._workspace.editor
        known = self._workspace.classes.paintable
        if copied is None or editor.document is None or copied.class_id not in known:
            return
        region = copy_region(copied.region, editor.document.size, shift=(0, 0))
        if region is None:
            self._workspace.notices.tell(
                tr("What was copied lies outside this image."), passing=True
            )
            return
        if editor.paint(region, copied.class_id, name=tr("Paste")):
            self.tool_wanted.emit(ComponentTool.key)
            self._tool.select(region, copied.class_id)

    @Slot()
    def copy_to_next(self) -> None:
        """Copy, show the next image, and paste there."""
        if self._workspace.unfinished.holds_back(self.copy_to_next):
            return
        before = self._workspace.session.wanted
        if self.copy():
            self.step_wanted.emit(1)
            self._paste_next = self._workspace.session.wanted != before

    def show_opened(self) -> None:
        """Another image is open: paste what was copied for it."""
        if self._workspace.session.damage is not None:
            self._paste_next = False  # not into the image after it
        if self._paste_next and self._workspace.editor.document is not None:
            self._paste_next = False
            self.paste()

    @Slot()
    def interpolate(self) -> None:
        """Give the images without labels between this one and the next labelled one drafts."""
        project, row = self._workspace.project, self._workspace.session.row
        if (
            project is None
            or row is None
            or project.read_only
            or self._workspace.unfinished.holds_back(self.interpolate)
            or not self._workspace.session.flush()
        ):
            return
        ids = list(self._workspace.view.strip.ids)
        if row.id not in ids:
            return
        later = ids[ids.index(row.id) :]

        def work(progress: Progress) -> int:
            return interpolate_between(project, later, progress)

        self._workspace.tasks.start(
            work,
            on_done=self._on_interpolated,
            on_failed=self._workspace.context.error_occurred.emit,
            key="interpolate",
        )

    def _on_interpolated(self, count: int) -> None:
        self._workspace.notices.tell(
            trn(
                "{count} frame in between has a draft now; look it through.",
                "{count} frames in between have drafts now; look them through.",
                count,
            )
        )
        self.interpolated.emit()


def interpolate_between(project: Project, ids: list[int], progress: Progress) -> int:
    """Save drafts for the images between the first and the next labelled one.

    Args:
        project: open for writing.
        ids: images in the order of the sequence; the first has a mask.
        progress: told after each image.

    Returns:
        How many drafts were saved.

    Raises:
        InputError: no two labelled images of one size with images without labels between them.
    """
    rows = project.images_by_id(ids)
    last = next(
        (place for place, row in enumerate(rows) if place and row.state != "unlabelled"), None
    )
    first = rows[0] if rows else None
    if first is None or first.mask_hash is None or last is None or rows[last].mask_hash is None:
        raise InputError(
            "Label this image and a later one first; the images between them are filled."
        )
    if last < 2:
        raise InputError("The next image has labels already; there is nothing to fill.")
    if len({(row.width, row.height) for row in rows[: last + 1]}) != 1:
        raise InputError("The images up to the next labelled one have different sizes.")
    start, end = project.label_map(first.id), project.label_map(rows[last].id)
    assert start is not None and end is not None
    for place in range(1, last):
        progress.report(place / last)
        mask = _between(start, end, place / last)
        project.save_label_map(rows[place].id, mask, state="draft")
    return last - 1


def _between(first: Mask, second: Mask, share: float) -> Mask:
    mask = np.zeros_like(first)
    for class_id in np.union1d(np.unique(first), np.unique(second)).tolist():
        if class_id in (0, IGNORE_INDEX):
            continue
        region = interpolate(first, second, class_id=class_id, share=share)
        if region is not None:
            x0, y0, x1, y1 = region.box
            mask[y0:y1, x0:x1][region.pixels] = class_id
    return mask
