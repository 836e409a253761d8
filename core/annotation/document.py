"""The mask of one image while it is edited: changes, what protects it, undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from core.annotation.brush import Brush, Stroke
from core.annotation.edits import (
    FREE,
    Box,
    Mask,
    MaskEdit,
    PaintRule,
    Region,
    crop,
    edit_between,
    intersect,
    paint,
    paste,
    unite,
    whole_box,
)
from core.annotation.undo import UndoStack, UndoStep

ChangeListener = Callable[[Sequence[Box]], None]


class MaskDocument:
    """The truth of an image: a mask (H, W) uint8 that changes only through this object.

    Args:
        mask: changed in place; nobody else may write to it.
        image_id: whose mask.
        undo: earlier steps on the very same mask; none by default.

    Attributes:
        rule: which pixels may change; undo and redo do not ask it.
        on_drawn: called with the boxes to draw again, also while a stroke is under way.
        on_committed: called with the boxes that a finished change touched.
    """

    def __init__(self, mask: Mask, image_id: int, *, undo: UndoStack | None = None) -> None:
        self.mask = mask
        self.image_id = image_id
        self.undo_stack = undo if undo is not None else UndoStack()
        self.rule: PaintRule = FREE
        self.on_drawn: ChangeListener = _nobody
        self.on_committed: ChangeListener = _nobody
        self._stroke: Stroke | None = None
        self._stroke_name = ""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.mask.shape[1], self.mask.shape[0]

    @property
    def in_stroke(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._stroke is not None

    def class_at(self, x: float, y: float) -> int | None:
        """Return the class id under a point in pixels, None outside the image."""
        width, height = self.size
        if not (0 <= x < width and 0 <= y < height):
            return None
        return int(self.mask[int(y), int(x)])

    def paint(self, region: Region | None, class_id: int, *, name: str) -> bool:
        """Give a region a class as one step named ``name``; return whether anything changed."""
        if region is None:
            return False
        return self._push(name, [paint(self.mask, region, class_id=class_id, rule=self.rule)])

    def paste(self, region: Region, values: Mask, *, name: str) -> bool:
        """Copy ``values`` (uint8, the region's size) into a region as one step."""
        return self._push(name, [paste(self.mask, region, values, rule=self.rule)])

    def repaint(
        self, painted: MaskEdit | None, region: Region | None, class_id: int, *, name: str
    ) -> MaskEdit | None:
        """Paint a shape again after it was changed, as one step.

        Args:
            painted: what painting the shape did before, taken back first; None for a new shape.
            region: the shape now.
            class_id: the class it gets.
            name: what the step is called.

        Returns:
            What painting it did now, for the next time.
        """
        box = unite(
            None if painted is None else painted.box,
            None if region is None else intersect(region.box, whole_box(self.mask)),
        )
        if box is None:
            return None
        before = crop(self.mask, box).copy()
        if painted is not None:
            painted.revert(self.mask)
        new = None
        if region is not None:
            new = paint(self.mask, region, class_id=class_id, rule=self.rule)
        self._push(name, [edit_between(before, crop(self.mask, box), origin=box[:2])])
        return new

    def replace_all(self, values: Mask, *, name: str) -> bool:
        """Replace the whole mask by one of the same size as one step; rules do not apply."""
        edit = edit_between(self.mask, values)
        if edit is not None:
            edit.apply(self.mask)
        return self._push(name, [edit])

    def record(self, edit: MaskEdit | None, *, name: str) -> bool:
        """Keep an edit that was made in ``mask`` already as one step."""
        return self._push(name, [edit])

    def begin_stroke(self, brush: Brush, class_id: int, *, name: str) -> None:
        """Begin a stroke; one that is under way is finished first."""
        self.finish_stroke()
        self._stroke = Stroke(self.mask, brush, class_id=class_id, rule=self.rule)
        self._stroke_name = name

    def stroke_to(self, x: float, y: float) -> None:
        """Paint up to a point (x, y) in pixels."""
        if self._stroke is not None:
            box = self._stroke.move_to(x, y)
            if box is not None:
                self.on_drawn((box,))

    def finish_stroke(self) -> bool:
        """End the stroke as one step; return whether it changed anything."""
        stroke, self._stroke = self._stroke, None
        return stroke is not None and self._push(self._stroke_name, stroke.finish(), drawn=True)

    def cancel_stroke(self) -> None:
        """Take back the stroke that is under way."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            self.on_drawn(stroke.cancel())

    def undo(self) -> UndoStep | None:
        """Take the last step back; a stroke under way counts as one."""
        if self._stroke is not None:
            self.cancel_stroke()
            return None
        return self._tell(self.undo_stack.undo(self.mask))

    def redo(self) -> UndoStep | None:
        """Do the last step that was taken back."""
        return None if self.in_stroke else self._tell(self.undo_stack.redo(self.mask))

    def _push(self, name: str, edits: Iterable[MaskEdit | None], *, drawn: bool = False) -> bool:
        made = [edit for edit in edits if edit is not None]
        if not made:
            return False
        self.undo_stack.push(name, made)
        boxes = tuple(edit.box for edit in made)
        if not drawn:
            self.on_drawn(boxes)
        self.on_committed(boxes)
        return True

    def _tell(self, step: UndoStep | None) -> UndoStep | None:
        if step is not None:
            self.on_drawn(step.boxes)
            self.on_committed(step.boxes)
        return step


def _nobody(_boxes: Sequence[Box]) -> None:
    """Nobody listens."""
