"""A procedural surface-inspection set: metal parts under a factory camera, three defect kinds."""

from core.demo.dataset import GROUP_PATTERN, LABELS, PALETTE, DemoSettings, make_dataset
from core.demo.workspace import DemoPlan, Workspace, open_workspace

__all__ = [
    "GROUP_PATTERN",
    "LABELS",
    "PALETTE",
    "DemoPlan",
    "DemoSettings",
    "Workspace",
    "make_dataset",
    "open_workspace",
]
