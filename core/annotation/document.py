"""The mask of one image and its shapes while they are edited: changes, what protects it, undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

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
    paint,
    paste,
    unite,
    whole_box,
)
from core.annotation.shape_layers import ShapeLayers
from core.annotation.shapes import NO_CHANGES, Outline, Shape, ShapeChanges, Shapes
from core.annotation.undo import UndoStack, UndoStep

ChangeListener = Callable[[Sequence[Box]], None]


@dataclass(frozen=True, slots=True, eq=False)
class OpenShape:
    """A shape that is being edited.

    Attributes:
        shape: as it is; stored in the document only while the mask shows it whole.
        shown: its pixels in the mask, None where there are none.
        absorbed: ids of stored shapes that become part of it.
        under: while it is not stored, what was in the box of ``shown`` before; None: unknown.
    """

    shape: Shape
    shown: Region | None = None
    under: Mask | None = None
    absorbed: frozenset[int] = frozenset()


class MaskDocument:
    """The truth of an image: a mask (H, W) uint8 that changes only through this object.

    Args:
        mask: changed in place; nobody else may write to it.
        image_id: whose mask.
        undo: earlier steps on the very same mask; none by default.
        shapes: what the mask shows that can be edited, by id.

    Attributes:
        rule: which pixels may change; undo and redo do not ask it.
        layers: the shapes; read only.
        shape_changes: what the change that ``on_committed`` tells did to the shapes.
        on_drawn: called with the boxes to draw again, also while a stroke is under way.
        on_committed: called with the boxes that a finished change touched.
    """

    def __init__(
        self, mask: Mask, image_id: int, *, undo: UndoStack | None = None, shapes: Shapes = ()
    ) -> None:
        self.mask = mask
        self.image_id = image_id
        self.layers = ShapeLayers(shapes, (mask.shape[1], mask.shape[0]))
        self.shape_changes: ShapeChanges = NO_CHANGES
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

    def add_shape(self, outline: Outline, class_id: int, *, name: str) -> OpenShape | None:
        """Paint a new shape on top as one step, to be stored if the mask shows all of it.

        Returns:
            The shape, to be edited; None if nothing of it lies in the image.
        """
        shape = Shape(self.layers.next_id, class_id, outline)
        return self.repaint(OpenShape(shape), outline, class_id, name=name)

    def open_shape(self, shape: Shape) -> OpenShape | None:
        """Return a stored shape to be edited, None if the mask does not show it."""
        if not self.layers.is_shown(self.mask, shape):
            return None
        return OpenShape(shape, self.layers.visible(shape))

    def open_region(self, outline: Outline, region: Region, class_id: int) -> OpenShape:
        """Return painted pixels to be edited as a shape, which the first edit stores.

        Args:
            outline: what was traced around them.
            region: the pixels, inside the image; shapes of the same class there become part of it.
            class_id: their class.
        """
        absorbed = (
            shape.id
            for shape in self.layers.in_box(region.box)
            if shape.class_id == class_id
            and (region.pixels & self.layers.pixels(shape, region.box)).any()
        )
        shape = Shape(self.layers.next_id, class_id, outline)
        return OpenShape(shape, region, absorbed=frozenset(absorbed))

    def repaint(
        self, opened: OpenShape, outline: Outline | None, class_id: int, *, name: str
    ) -> OpenShape | None:
        """Paint a shape with another outline or class as one step; it stays in its layer.

        Where it was, there is now what lies beneath it. The background makes no shape, nor do too
        many vertices, and the rule may keep pixels from changing, so that the mask does not show
        the shape: then only the pixels are kept.

        Args:
            opened: the shape as it was.
            outline: its form now; None takes the shape away.
            class_id: its class now.
            name: what the step is called.

        Returns:
            The shape now, None without an outline.
        """
        shape = opened.shape
        region = None if outline is None else outline.region(self.size)
        box = unite(
            None if opened.shown is None else opened.shown.box,
            None if region is None else region.box,
        )
        put: dict[int, Shape | None] = dict.fromkeys((shape.id, *opened.absorbed))
        edit = new = None
        if box is not None:
            before = crop(self.mask, box).copy()
            if opened.shown is not None:
                self._uncover(opened, opened.shown)
            if outline is not None:
                new = self._cover(Shape(shape.id, class_id, outline), region, put)
                put[shape.id] = new.shape if class_id and outline.is_storable else None
            edit = edit_between(before, crop(self.mask, box), origin=box[:2])
        elif outline is not None:  # outside the image, before and after
            new = OpenShape(Shape(shape.id, class_id, outline))
        if edit is None and new is not None and self._is_stored(opened.shape, new.shape):
            return opened
        self._push(name, [edit], put=put)
        if new is not None and self.layers.get(shape.id) is new.shape:
            return replace(new, under=None)
        return new

    def replace_all(self, values: Mask, *, name: str) -> bool:
        """Replace the whole mask by one of the same size as one step; rules do not apply."""
        edit = edit_between(self.mask, values)
        if edit is not None:
            edit.apply(self.mask)
        return self._push(name, [edit])

    def start_over(self, mask: Mask, shapes: Shapes = ()) -> None:
        """Go on with what somebody else has saved, without a step: nothing can be undone.

        Args:
            mask: of the same size, uint8 (H, W); copied.
            shapes: what it shows that can be edited, by id.

        Raises:
            ValueError: the mask has another size.
        """
        if mask.shape != self.mask.shape:
            raise ValueError("the mask must have the size of the image")
        self._stroke = None
        np.copyto(self.mask, mask)
        self.layers = ShapeLayers(shapes, self.size)
        self.shape_changes = NO_CHANGES
        self.undo_stack = UndoStack()
        self.on_drawn((whole_box(self.mask),))

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
        step = self.undo_stack.undo(self.mask)
        return self._tell(step, None if step is None else step.before)

    def redo(self) -> UndoStep | None:
        """Do the last step that was taken back."""
        step = None if self.in_stroke else self.undo_stack.redo(self.mask)
        return self._tell(step, None if step is None else step.after)

    def _is_stored(self, shape: Shape, like: Shape) -> bool:
        return shape.same_as(like) and self.layers.get(shape.id) is shape

    def _uncover(self, opened: OpenShape, shown: Region) -> None:
        """Take a shape's pixels out of the mask."""
        values = opened.under
        if values is None:
            values = self.layers.beneath(opened.shape, shown.box, opened.absorbed)
        np.copyto(crop(self.mask, shown.box), values, where=shown.pixels)

    def _cover(
        self, shape: Shape, region: Region | None, without: Mapping[int, object]
    ) -> OpenShape:
        """Paint a shape under those above it and keep what it covers."""
        if region is None:
            return OpenShape(shape)
        box = region.box
        under = crop(self.mask, box).copy()
        ground = self.layers.ground(self.mask, box, without.keys())
        shape = shape.with_ground(np.where(region.pixels, ground, np.uint8(0)))
        open_ = region.pixels & ~self.layers.covered(box, shape.id)
        paint(self.mask, Region(box, open_), class_id=shape.class_id, rule=self.rule)
        painted = np.equal(crop(self.mask, box), np.uint8(shape.class_id))
        return OpenShape(shape, Region(box, open_ & painted), under)

    def _push(
        self,
        name: str,
        edits: Iterable[MaskEdit | None],
        *,
        drawn: bool = False,
        put: ShapeChanges = NO_CHANGES,
    ) -> bool:
        made = [edit for edit in edits if edit is not None]
        boxes = tuple(edit.box for edit in made)
        shapes = self.layers.shapes
        self.shape_changes = changes = self.layers.settle(self.mask, boxes, put)
        if not made and not changes:
            return False
        before: dict[int, Shape | None] = dict.fromkeys(changes)
        if changes:
            before |= {shape.id: shape for shape in shapes if shape.id in changes}
        self.undo_stack.push(name, made, before=before, after=changes)
        if not drawn:
            self.on_drawn(boxes)
        self.on_committed(boxes)
        return True

    def _tell(self, step: UndoStep | None, changes: ShapeChanges | None) -> UndoStep | None:
        if step is None:
            return None
        self.shape_changes = changes or NO_CHANGES
        self.layers.change(self.shape_changes)
        self.on_drawn(step.boxes)
        self.on_committed(step.boxes)
        return step


def _nobody(_boxes: Sequence[Box]) -> None:
    """Nobody listens."""
