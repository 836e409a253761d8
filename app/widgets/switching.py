"""Switching what can be done on and off, with the reason where it is off."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QWidget

from app.look.translation import tr
from core.project import Project

_USUAL: Final = "usualToolTip"


def switch(*parts: QWidget, on: bool, why: str = "") -> None:
    """Switch widgets; while they are off, their tooltips say why.

    Args:
        parts: buttons and fields.
        on: whether they can be used.
        why: they cannot; empty: that goes by in a moment, and the tooltip stays as it is.
    """
    for part in parts:
        usual = part.property(_USUAL)
        if not on and why:
            if usual is None:
                part.setProperty(_USUAL, part.toolTip())
            part.setToolTip(why)
        elif usual is not None:
            part.setToolTip(str(usual))
            part.setProperty(_USUAL, None)
        part.setEnabled(on)


def why_not_written(project: Project | None) -> str:
    """Return why nothing of a project can be changed; empty: it can."""
    read_only = project is not None and project.read_only
    return tr("This project is open for reading only.") if read_only else ""
