"""A procedural surface-inspection set: metal parts under a factory camera, three defect kinds."""

from core.demo.dataset import GROUP_PATTERN, LABELS, PALETTE, DemoSettings

__all__ = ["GROUP_PATTERN", "LABELS", "PALETTE", "DemoSettings"]
