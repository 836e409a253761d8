"""The steps of the loop and the panels they consist of: a new panel is one line here."""

from __future__ import annotations

from dataclasses import dataclass

from app.panels.base import Panel
from app.panels.compression import CompressionPanel
from app.panels.dataset import DatasetPanel
from app.panels.inspection import InspectionPanel
from app.panels.labelling import LabellingPanel
from app.panels.model import ModelPanel
from app.panels.monitor import MonitorPanel
from app.widgets.rail import RailStep
from core.messages import message


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
