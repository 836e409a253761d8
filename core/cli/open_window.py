"""``open``: the window, on a project if one is named; what desktops call for a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from core.cli.environment import Environment
from core.system.errors import InputError


def command(
    context: typer.Context,
    project: Annotated[
        Path | None,
        typer.Argument(metavar="[PROJECT]", help="A project's folder, or its project.db."),
    ] = None,
) -> None:
    """Open the window, on a project if one is named."""
    from core.project.project_folder import DATABASE
    from core.system.doctor.window import has_display

    environment: Environment = context.obj
    drawn = has_display() or "QT_QPA_PLATFORM" in os.environ  # tests draw into memory
    if environment.open_window is None or not drawn:
        raise InputError("There is no display to open the window on.")
    folder = None if project is None else project.absolute()
    if folder is not None and folder.name == DATABASE:
        folder = folder.parent
    raise typer.Exit(environment.open_window(folder, None))
