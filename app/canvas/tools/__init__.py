"""All tools, in the order of the tool bar: a new one is one file and one line here."""

from __future__ import annotations

from app.canvas.tools.brush_tool import BrushTool
from app.canvas.tools.click_tool import ClickTool
from app.canvas.tools.component_tool import ComponentTool
from app.canvas.tools.ellipse_tool import EllipseTool
from app.canvas.tools.eraser_tool import EraserTool
from app.canvas.tools.fill_tool import FillTool
from app.canvas.tools.grabcut_tool import GrabCutTool
from app.canvas.tools.lasso_tool import LassoTool
from app.canvas.tools.pan_tool import PanTool
from app.canvas.tools.polygon_tool import PolygonTool
from app.canvas.tools.rectangle_tool import RectangleTool
from app.canvas.tools.scissors_tool import ScissorsTool
from app.canvas.tools.superpixel_tool import SuperpixelTool
from app.canvas.tools.tool import Tool
from app.canvas.tools.wand_tool import WandTool

TOOLS: tuple[tuple[type[Tool], ...], ...] = (
    (PanTool, ComponentTool),
    (BrushTool, EraserTool, FillTool),
    (PolygonTool, LassoTool, RectangleTool, EllipseTool),
    (WandTool, ScissorsTool, GrabCutTool, SuperpixelTool, ClickTool),
)
"""Groups that the tool bar sets apart."""
