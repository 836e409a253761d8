"""Cutting out the object in a box, corrected by strokes."""

from core.annotation.grabcut.interactive import GrabCut

__all__ = ["GrabCut"]
