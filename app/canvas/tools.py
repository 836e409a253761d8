"""All tools, in the order of the tool bar: a new one is one file and one line here."""

from __future__ import annotations

from app.canvas.brush_tool import BrushTool, EraserTool
from app.canvas.click_tool import ClickTool
from app.canvas.component_tool import ComponentTool
from app.canvas.fill_tool import FillTool
from app.canvas.grabcut_tool import GrabCutTool
from app.canvas.pan_tool import PanTool
from app.canvas.polygon_tool import PolygonTool
from app.canvas.scissors_tool import ScissorsTool
from app.canvas.shape_tools import EllipseTool, LassoTool, RectangleTool
from app.canvas.superpixel_tool import SuperpixelTool
from app.canvas.tool import Tool
from app.canvas.wand_tool import WandTool

TOOLS: tuple[tuple[type[Tool], ...], ...] = (
    (PanTool, ComponentTool),
    (BrushTool, EraserTool, FillTool),
    (PolygonTool, LassoTool, RectangleTool, EllipseTool),
    (WandTool, ScissorsTool, GrabCutTool, SuperpixelTool, ClickTool),
)
"""Groups that the tool bar sets apart."""
