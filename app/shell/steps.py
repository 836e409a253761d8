"""The steps of the loop and the panels they consist of: a new panel is one line here."""

from __future__ import annotations

from dataclasses import dataclass

from app.panels.base import Panel
from app.panels.compress.compression_panel import CompressionPanel
from app.panels.data.dataset_panel import DatasetPanel
from app.panels.inspect.inspection_panel import InspectionPanel
from app.panels.label.labelling_panel import LabellingPanel
from app.panels.train.model_panel import ModelPanel
from app.panels.train.monitor_panel import MonitorPanel
from app.shell.rail import RailStep
from core.system.messages import message


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the rail and its panels; several panels share a step as tabs."""

    rail: RailStep
    panels: tuple[type[Panel], ...]


STEPS: tuple[Step, ...] = (
    Step(RailStep("data", message("Data"), "dataset"), (DatasetPanel,)),
    Step(RailStep("label", message("Label"), "label"), (LabellingPanel,)),
    Step(RailStep("train", message("Train"), "train"), (ModelPanel, MonitorPanel)),
    Step(RailStep("inspect", message("Inspect"), "inspect"), (InspectionPanel,)),
    Step(RailStep("compress", message("Compress"), "compress"), (CompressionPanel,)),
)
