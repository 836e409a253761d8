"""All tools, in the order of the tool bar: a new one is one file and one line here."""

from __future__ import annotations

from app.canvas.brush_tool import BrushTool, EraserTool
from app.canvas.pan_tool import PanTool
from app.canvas.tool import Tool

TOOLS: tuple[tuple[type[Tool], ...], ...] = (
    (PanTool,),
    (BrushTool, EraserTool),
)
"""Groups that the tool bar sets apart."""
