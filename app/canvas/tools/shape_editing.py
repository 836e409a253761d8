"""The shape whose vertices show: dragging them, moving, recolouring and deleting it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QPainter

from app.canvas.editor import BACKGROUND, Editor
from app.canvas.tool_drawing import draw_handles, draw_outline
from app.canvas.tools.host import ToolHost
from app.canvas.tools.tool import Pointer
from core.annotation.components import pick_component
from core.annotation.document import OpenShape
from core.annotation.edits import Region
from core.annotation.hit_test import edge_at, vertex_at
from core.annotation.polygon import Point, Polygon, delete_vertex, insert_vertex, move_vertex, trace
from core.annotation.shapes import Outline, Shape

_Place = tuple[int, int]  # (ring, index of the handle)
_NEAR = 8.0
_NEAR_EDGE = 6.0
_LEAST = 4.0  # widget pixels that a hand may tremble before it moves a whole shape
_TRACE_TOLERANCE = 0.75


class ShapeEditing:
    """One shape at a time.

    Args:
        editor: whose document has the shape.
        view: where it is drawn.
        name: what its steps are called.
    """

    def __init__(self, editor: Editor, view: ToolHost, name: Callable[[], str]) -> None:
        self._editor = editor
        self._view = view
        self._name = name
        self._opened: OpenShape | None = None
        self._follows_class = False
        self._moved: Outline | None = None
        self._chosen: _Place | None = None
        self._grip: Point | None = None
        self._is_held = False
        self._hovered: Shape | None = None
        self._is_changing = False
        editor.committed.connect(self._on_changed)
        editor.mask_replaced.connect(self._on_changed)
        editor.class_changed.connect(self._on_class_changed)

    @property
    def outline(self) -> Outline | None:
        """The form of the open shape, None without one."""
        return None if self._opened is None else self._opened.shape.outline

    @property
    def takes_holes(self) -> bool:
        """Whether a polygon is open."""
        return self.outline is not None and not self.outline.is_box

    @property
    def is_held(self) -> bool:
        """Whether a handle or the whole shape was taken up."""
        return self._is_held

    @property
    def is_stored(self) -> bool:
        """Whether the open shape is one already, not only traced."""
        document, opened = self._editor.document, self._opened
        if document is None or opened is None:
            return False
        return document.layers.get(opened.shape.id) is opened.shape

    # Opening

    def add(self, polygon: Polygon) -> None:
        """Paint a new polygon and leave it open."""
        class_id = self._editor.class_id
        outline = Outline.of(polygon)
        opened = self._changed(lambda: self._editor.add_shape(outline, class_id, name=self._name()))
        self._show(opened, follows_class=False)  # the next class is for the next polygon

    def open_at(self, pointer: Pointer) -> bool:
        """Open the topmost shape under the pointer, or the painted part; return whether."""
        document = self._editor.document
        if document is None:
            return False
        shape = document.layers.shape_at(*pointer.pixel)
        opened = None if shape is None else document.open_shape(shape)
        if opened is None:
            opened = self._traced(pointer)
        if opened is None or not self._editor.may_paint(opened.shape.class_id):
            return False
        self._show(None, follows_class=False)
        self._editor.set_class(opened.shape.class_id)
        self._show(opened, follows_class=True)
        return True

    def let_go(self) -> None:
        """Hide the vertices; what is painted stays."""
        self._show(None, follows_class=False)

    # Changing

    def take_up(self, pointer: Pointer) -> bool:
        """Take the handle near the pointer, or make a vertex on the edge there."""
        outline = self.outline
        if outline is None:
            return False
        self._grip = None
        self._chosen = self._handle_at(pointer)
        if self._chosen is None:
            self._chosen = self._edge_at(pointer, outline)
        self._is_held = self._chosen is not None
        self._view.renew_preview()
        return self._is_held

    def take_whole(self, pointer: Pointer) -> bool:
        """Take the open shape as a whole where the pointer is on it and on no other."""
        document, opened = self._editor.document, self._opened
        if document is None or opened is None or opened.shown is None:
            return False
        x, y = pointer.pixel
        if not opened.shown.in_box((x, y, x + 1, y + 1)).any():
            return False
        self._chosen = None
        self._grip = pointer.point
        self._is_held = True
        return True

    def drag(self, pointer: Pointer) -> None:
        """Let what was taken follow the pointer."""
        outline = self.outline
        if outline is None or not self._is_held:
            return
        if self._grip is not None:
            dx, dy = pointer.x - self._grip[0], pointer.y - self._grip[1]
            if self._moved is not None or max(abs(dx), abs(dy)) * self._view.pixel_size >= _LEAST:
                self._moved = outline.moved(round(dx), round(dy))
        elif self._chosen is not None:
            ring, index = self._chosen
            if outline.is_box:
                self._moved = outline.with_handle(index, self._squared(pointer, outline, index))
            else:
                polygon = (self._moved or outline).polygon
                moved = move_vertex(polygon, pointer.point, ring=ring, index=index)
                self._moved = Outline.of(moved)
        self._view.renew_preview()

    def drop(self) -> None:
        """Paint the shape where it was dragged to."""
        moved = self._moved
        self.stop_drag()
        if moved is not None:
            self._repaint(moved)

    def add_hole(self, points: list[Point]) -> None:
        """Cut a ring out of the polygon."""
        outline = self.outline
        if outline is not None:
            self._repaint(Outline.of(outline.polygon.with_hole(points)))

    def remove_vertex_at(self, pointer: Pointer) -> None:
        """Remove the vertex near the pointer."""
        self._remove(self._handle_at(pointer))

    def delete(self) -> None:
        """Remove the chosen vertex; without one, the shape."""
        if self._chosen is not None and self.takes_holes:
            self._remove(self._chosen)
        elif self._opened is not None:
            self._repaint(None)
            if self._opened is None:
                self.let_go()

    def stop_drag(self) -> bool:
        """Leave the shape where it was before it was dragged; return whether it was."""
        was_dragged = self._moved is not None
        self._moved = self._grip = None
        self._is_held = False
        self._view.renew_preview()
        return was_dragged

    # Drawing

    def hover(self, pointer: Pointer | None) -> None:
        """Show which shape would be opened; None hides it."""
        document = self._editor.document
        found = None
        if document is not None and pointer is not None:
            found = document.layers.shape_at(*pointer.pixel)
        if self._opened is not None and found is self._opened.shape:
            found = None
        if found is not self._hovered:
            self._hovered = found
            self._view.update()

    def preview(self) -> Region | None:
        """The shape while it is dragged."""
        document = self._editor.document
        if self._moved is None or document is None:
            return None
        return self._moved.region(document.size)

    def paint(self, painter: QPainter) -> None:
        """Draw the open shape with its handles, and the outline of the one under the pointer."""
        if self._hovered is not None:
            color = self._view.class_color(self._hovered.class_id)
            draw_outline(painter, self._hovered.outline, self._view.to_widget, color, thin=True)
        opened = self._opened
        if opened is None:
            return
        color = self._view.class_color(opened.shape.class_id)
        outline = self._moved or opened.shape.outline
        draw_outline(painter, outline, self._view.to_widget, color)
        for number, ring in enumerate(outline.handles()):
            points = [self._view.to_widget(x, y) for x, y in ring.tolist()]
            is_here = self._chosen is not None and self._chosen[0] == number
            chosen = self._chosen[1] if self._chosen is not None and is_here else None
            draw_handles(painter, points, color, chosen=chosen)

    # The rest

    def _show(self, opened: OpenShape | None, *, follows_class: bool) -> None:
        self._opened = opened
        self._follows_class = follows_class
        self._moved = self._chosen = self._grip = self._hovered = None
        self._is_held = False
        self._view.renew_preview()

    def _traced(self, pointer: Pointer) -> OpenShape | None:
        """Trace the painted part under the pointer."""
        document = self._editor.document
        class_id = None if document is None else document.class_at(*pointer.point)
        if document is None or not class_id:
            return None
        region = pick_component(document.mask, *pointer.pixel)
        polygons = [] if region is None else trace(region, tolerance=_TRACE_TOLERANCE)
        if region is None or len(polygons) != 1:
            return None
        return document.open_region(Outline.of(polygons[0]), region, class_id)

    def _handle_at(self, pointer: Pointer) -> _Place | None:
        if self.outline is None:
            return None
        reach = _NEAR / self._view.pixel_size
        found = vertex_at(self.outline.handles(), *pointer.point, radius=reach)
        return None if found is None else (found.ring, found.index)

    def _edge_at(self, pointer: Pointer, outline: Outline) -> _Place | None:
        """Return the handle of the edge near the pointer; a polygon gets a vertex there."""
        if outline.kind == "ellipse":
            return None
        rings = outline.handles()
        reach = _NEAR_EDGE / self._view.pixel_size
        edge = edge_at((rings[0][::2],) if outline.is_box else rings, *pointer.point, radius=reach)
        if edge is None:
            return None
        if outline.is_box:
            return 0, 2 * edge.index - 1
        inserted = insert_vertex(outline.polygon, pointer.point, ring=edge.ring, index=edge.index)
        self._moved = Outline.of(inserted)
        return edge.ring, edge.index

    def _squared(self, pointer: Pointer, outline: Outline, index: int) -> Point:
        """Return where a handle of a box goes; with Shift corners keep the sides equal."""
        if not pointer.shift or index % 2:
            return pointer.point
        x, y = outline.handles()[0][(index + 4) % 8].tolist()
        dx, dy = pointer.x - x, pointer.y - y
        side = max(abs(dx), abs(dy))
        return x + (side if dx >= 0 else -side), y + (side if dy >= 0 else -side)

    def _remove(self, place: _Place | None) -> None:
        if place is None or self.outline is None or self.outline.is_box:
            return
        self._chosen = None
        smaller = delete_vertex(self.outline.polygon, ring=place[0], index=place[1])
        if smaller is not None:
            self._repaint(Outline.of(smaller))
        self._view.update()

    def _repaint(self, outline: Outline | None, class_id: int | None = None) -> None:
        opened = self._opened
        if opened is None:
            return
        new_class = opened.shape.class_id if class_id is None else class_id
        self._opened = self._changed(
            lambda: self._editor.repaint(opened, outline, new_class, name=self._name())
        )
        self._view.update()

    def _changed(self, change: Callable[[], OpenShape | None]) -> OpenShape | None:
        self._is_changing = True
        try:
            return change()
        finally:
            self._is_changing = False

    def _on_changed(self, _boxes: object = None) -> None:
        """Somebody else changed the mask; what undo gave back stays open."""
        document, opened = self._editor.document, self._opened
        self._hovered = None
        if self._is_changing or document is None or opened is None:
            return
        shape = document.layers.get(opened.shape.id)
        again = None if shape is None else document.open_shape(shape)
        self._show(again, follows_class=self._follows_class and again is not None)

    def _on_class_changed(self, class_id: int) -> None:
        """A shape that was opened to be edited gets the class that is chosen."""
        opened = self._opened
        if opened is None or not self._follows_class or class_id == opened.shape.class_id:
            return
        if class_id == BACKGROUND:
            self.let_go()
        else:
            self._repaint(opened.shape.outline, class_id)
