"""Drawing and changing regions: rectangles in one go, polygons click by click."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from PySide6.QtGui import QColor, QPainter

from app.canvas.editor import Editor
from app.canvas.tool_drawing import draw_box, draw_handles, draw_line
from app.canvas.tools.host import ToolHost
from app.canvas.tools.tool import Pointer, Tool
from app.look.theme import tokens
from app.regions.region_state import RegionState
from core.annotation.hit_test import edge_at, vertex_at
from core.annotation.inspected_regions import InspectedRegion, RegionKind, kept_inside
from core.annotation.polygon import (
    Point,
    Polygon,
    delete_vertex,
    insert_vertex,
    move_vertex,
    spans_area,
)
from core.annotation.shapes import Outline
from core.system.messages import Message, message

_NEAR = 8.0
_NEAR_EDGE = 6.0
_LEAST = 4.0  # widget pixels that a hand may tremble before it draws or moves anything


class Form(StrEnum):
    """What is drawn next."""

    RECTANGLE = "rectangle"
    POLYGON = "polygon"


class RegionTool(Tool):
    """Works on the regions of ``state``; the mask of the canvas only shows what they come to.

    Attributes:
        form: what is drawn next.
    """

    key: ClassVar[str] = "region"
    title: ClassVar[Message] = message("Region")
    icon: ClassVar[str] = "tool-rectangle"
    shortcut: ClassVar[str] = "R"
    hint: ClassVar[Message] = message(
        "Drag a rectangle · click a region to choose it · Ctrl+drag: move · Del: delete"
    )
    polygon_hint: ClassVar[Message] = message(
        "Click corners, then Enter · Ctrl+click a region to choose it · Ctrl+drag: move"
    )
    draw_hint: ClassVar[Message] = message(
        "Click vertices · Enter or double click: close · Backspace: back · Esc: drop"
    )
    edit_hint: ClassVar[Message] = message(
        "Drag corners or edges · right click removes a corner · Ctrl+drag: move · Del: delete"
    )

    def __init__(self, editor: Editor, view: ToolHost, state: RegionState) -> None:
        super().__init__(editor, view)
        self._state = state
        self.form = Form.RECTANGLE
        self._points: list[Point] = []
        self._start: Pointer | None = None
        self._pointer: Pointer | None = None
        self._handle: int | None = None
        self._grip: Point | None = None
        self._moved: Outline | None = None
        state.renewed.connect(self._on_renewed)

    @property
    def busy(self) -> bool:
        """Whether a region is being drawn or dragged."""
        return bool(self._points) or self._start is not None or self._moved is not None

    @property
    def holds(self) -> bool:
        """Whether a press took something up."""
        return self._start is not None or self._handle is not None or self._grip is not None

    def set_form(self, form: Form) -> None:
        """Draw rectangles or polygons from now on."""
        if form is not self.form:
            self._drop()
            self.form = form
            self.view.renew_preview()

    def shown_hint(self) -> Message:
        """What can be done now."""
        if self._points:
            return self.draw_hint
        if self._state.selected is not None:
            return self.edit_hint
        return self.hint if self.form is Form.RECTANGLE else self.polygon_hint

    def deactivated(self) -> None:
        """Drop what is begun; the chosen region stays chosen."""
        self._drop()

    def pressed(self, pointer: Pointer) -> None:
        """Take up a handle or a region, or begin a new one."""
        self._pointer = pointer
        if pointer.right:
            self._remove_at(pointer)
        elif self._points:
            self._go_on(pointer)
        elif pointer.ctrl:
            self._state.select(self._state.region_at(*pointer.point))
            if self._state.editable and self._state.selected is not None:
                self._grip = pointer.point
        elif not self._take_handle(pointer):
            if self.form is Form.RECTANGLE:
                self._start = pointer
            elif self._state.editable:
                self._state.select(None)
                self._points = [self._inside(pointer)]
        self.view.renew_preview()

    def moved(self, pointer: Pointer, *, pressed: bool) -> None:
        """Let what was taken up follow, or the line to the next corner."""
        self._pointer = pointer
        region = self._state.chosen
        if region is not None and self._grip is not None:
            dx, dy = pointer.x - self._grip[0], pointer.y - self._grip[1]
            if self._moved is not None or self._is_far(dx, dy):
                self._moved = region.outline.moved(round(dx), round(dy))
        elif region is not None and self._handle is not None:
            self._moved = _dragged(
                self._moved or region.outline, self._handle, self._inside(pointer)
            )
        self.view.update()

    def released(self, pointer: Pointer) -> None:
        """Keep what was drawn or dragged; a click on a region chooses it."""
        start, moved = self._start, self._moved
        self._start = self._handle = self._grip = self._moved = None
        if moved is not None:
            self._state.reshape(moved)
        elif start is not None and self._is_far(pointer.x - start.x, pointer.y - start.y):
            first, last = self._inside(start), self._inside(pointer)
            self._state.add(Outline.between("rectangle", first, last))
        elif start is not None:
            self._state.select(self._state.region_at(*pointer.point))
        self.view.renew_preview()

    def double_clicked(self, pointer: Pointer) -> None:
        """Close the polygon; the first click of the two was its last corner."""
        if len(self._points) >= 3:
            self.accept()
        else:
            self.pressed(pointer)

    def left(self) -> None:
        """Nothing is under the pointer."""
        if not self.busy:
            self._pointer = None

    def accept(self) -> None:
        """Close the polygon; without one, choose the region under the pointer."""
        if not self._points:
            if self._pointer is not None and not self.busy:
                self._state.select(self._state.region_at(*self._pointer.point))
        elif spans_area(self._points):
            points, self._points = self._points, []
            self._state.add(Outline.of(Polygon.of(points)))
        self.view.renew_preview()

    def cancel(self) -> None:
        """Drop what is begun; without that, choose none."""
        if self.busy:
            self._drop()
        elif self._state.selected is not None:
            self._state.select(None)
        self.view.renew_preview()

    def step_back(self) -> None:
        """Take the last corner back, or remove the chosen region."""
        if self._points:
            self._points.pop()
            self.view.renew_preview()
        else:
            self.delete()

    def delete(self) -> None:
        """Remove the chosen region."""
        if not self.busy:
            self._state.remove()

    def paint(self, painter: QPainter) -> None:
        """Draw all regions, the chosen one with its handles, and the one in the making."""
        for index, region in enumerate(self._state.regions):
            is_chosen = index == self._state.selected
            outline = self._moved if is_chosen and self._moved is not None else region.outline
            self._paint_region(painter, InspectedRegion(region.kind, outline), is_chosen=is_chosen)
        color, here = region_color(self._state.kind), self._pointer
        if self._start is not None and here is not None:
            corners = [self.view.to_widget(*self._inside(one)) for one in (self._start, here)]
            draw_box(painter, corners[0], corners[1], color)
        if self._points:
            drawn = [self.view.to_widget(*point) for point in self._points]
            if here is not None:
                end = self.view.to_widget(*self._inside(here))
                draw_line(painter, [drawn[-1], end, drawn[0]], color, dashed=True)
            draw_line(painter, drawn, color)
            closes = len(drawn) >= 3 and here is not None and self._is_first(here)
            draw_handles(painter, drawn, color, chosen=0 if closes else None)

    def _paint_region(self, painter: QPainter, region: InspectedRegion, *, is_chosen: bool) -> None:
        color = region_color(region.kind)
        points = [self.view.to_widget(x, y) for x, y in region.corners().tolist()]
        dashed = region.kind is RegionKind.IGNORE  # told apart without colours, too
        draw_line(painter, points, color, closed=True, dashed=dashed)
        if is_chosen:
            (handles,) = region.outline.handles()
            drawn = [self.view.to_widget(x, y) for x, y in handles.tolist()]
            draw_handles(painter, drawn, color, chosen=self._handle)

    def _go_on(self, pointer: Pointer) -> None:
        """Close the polygon at its first corner, or add one."""
        if len(self._points) >= 3 and self._is_first(pointer):
            self.accept()
        else:
            self._points.append(self._inside(pointer))

    def _take_handle(self, pointer: Pointer) -> bool:
        """Take the handle of the chosen region near the pointer, or make a corner there."""
        region = self._state.chosen
        if region is None or not self._state.editable:
            return False
        outline = region.outline
        radius = _NEAR / self.view.pixel_size
        hit = vertex_at(outline.handles(), pointer.x, pointer.y, radius=radius)
        if hit is not None:
            self._handle = hit.index
        elif not outline.is_box:
            radius = _NEAR_EDGE / self.view.pixel_size
            edge = edge_at(outline.polygon.rings, pointer.x, pointer.y, radius=radius)
            if edge is not None:
                polygon = insert_vertex(outline.polygon, edge.point, ring=0, index=edge.index)
                self._handle, self._moved = edge.index, Outline.of(polygon)
        return self._handle is not None

    def _remove_at(self, pointer: Pointer) -> None:
        """Take the last corner back, or remove that of the chosen polygon near the pointer."""
        if self._points:
            self.step_back()
            return
        region = self._state.chosen
        if region is None or region.outline.is_box:
            return
        radius = _NEAR / self.view.pixel_size
        hit = vertex_at(region.outline.handles(), pointer.x, pointer.y, radius=radius)
        rest = (
            None if hit is None else delete_vertex(region.outline.polygon, ring=0, index=hit.index)
        )
        if rest is not None:
            self._state.reshape(Outline.of(rest))

    def _drop(self) -> None:
        self._points = []
        self._start = self._handle = self._grip = self._moved = None

    def _inside(self, pointer: Pointer) -> Point:
        document = self.editor.document
        return pointer.point if document is None else kept_inside(pointer.point, document.size)

    def _is_far(self, dx: float, dy: float) -> bool:
        return max(abs(dx), abs(dy)) * self.view.pixel_size >= _LEAST

    def _is_first(self, pointer: Pointer) -> bool:
        step = self.view.to_widget(*pointer.point) - self.view.to_widget(*self._points[0])
        return abs(step.x()) + abs(step.y()) <= _NEAR

    def _on_renewed(self) -> None:
        """Somebody else changed the regions: what was dragged is not there any more."""
        self._handle = self._grip = self._moved = None
        self.view.renew_preview()


def region_color(kind: RegionKind) -> QColor:
    """Return the colour of a kind of region in the current theme."""
    theme = tokens()
    return QColor(theme.success if kind is RegionKind.INSPECT else theme.danger)


def _dragged(outline: Outline, handle: int, point: Point) -> Outline:
    if outline.is_box:
        return outline.with_handle(handle, point)
    return Outline.of(move_vertex(outline.polygon, point, ring=0, index=handle))
