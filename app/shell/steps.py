"""The steps of the loop and the panels they consist of: a new panel is one line here."""

from __future__ import annotations

from dataclasses import dataclass

from app.panels.base import Panel
from app.panels.compress.compression_panel import CompressionPanel
from app.panels.data.dataset_panel import DatasetPanel
from app.panels.inspect.inspection_panel import InspectionPanel
from app.panels.label.labelling_panel import LabellingPanel
from app.panels.ship.shipping_panel import ShippingPanel
from app.panels.train.comparing.compare_panel import ComparePanel
from app.panels.train.model_panel import ModelPanel
from app.panels.train.monitor_panel import MonitorPanel
from core.system.messages import Message, message


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the rail and its panels; several panels share a step as tabs."""

    key: str
    title: Message
    panels: tuple[type[Panel], ...]

    @property
    def icon(self) -> str:
        """The icon of its first panel."""
        return self.panels[0].icon


STEPS: tuple[Step, ...] = (
    Step("data", message("Data"), (DatasetPanel,)),
    Step("label", message("Label"), (LabellingPanel,)),
    Step("train", message("Train"), (ModelPanel, MonitorPanel, ComparePanel)),
    Step("inspect", message("Inspect"), (InspectionPanel,)),
    Step("compress", message("Compress"), (CompressionPanel,)),
    Step("ship", message("Ship"), (ShippingPanel,)),
)
