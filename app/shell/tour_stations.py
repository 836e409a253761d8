"""What the tour shows, in the order of the work."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.look.translation import tr
from app.services.targets import (
    InspectModel,
    LabelImage,
    SetUpTraining,
    ShipModel,
    ShowDataset,
)
from app.shell.job_strip import JobStrip
from app.shell.top_bar import TopBar
from app.shell.tour import Station
from app.shell.work_area import WorkArea


def stations(bar: TopBar, area: WorkArea, strip: JobStrip) -> tuple[Station, ...]:
    """Return the marks over these parts of the window."""

    def panel(title: str, text: str, key: str, *more: QWidget) -> Station:
        def targets() -> Sequence[QWidget]:
            return (area.splitter, *more)

        return Station(title, text, targets, before=lambda: area.show_panel(key))

    return (
        Station(
            tr("A project is a folder"),
            tr(
                "It holds images, labels and models of one piece of work. Here one is made, opened "
                "or filled; a folder that is dragged onto the window does the same."
            ),
            lambda: (bar.project_button,),
            before=lambda: area.show_panel(ShowDataset.panel),
        ),
        Station(
            tr("Six steps, from top to bottom"),
            tr(
                "Each says how it stands and what it lacks. The button at the bottom leads to the "
                "one to go to now, so nothing has to be known beforehand."
            ),
            lambda: (area.rail,),
        ),
        panel(
            tr("Data: what there is"),
            tr(
                "All images with their masks. At the right: how they are divided for training and "
                "testing, and what may be wrong with them, each with a button that helps."
            ),
            ShowDataset.panel,
        ),
        panel(
            tr("Label: what you look for"),
            tr(
                "Paint it. The first stroke makes a class and asks for its name; everything is "
                "saved as you go. Later a model proposes labels, and you correct them."
            ),
            LabelImage.panel,
        ),
        panel(
            tr("Train: settings that fit your data"),
            tr(
                "They are suggested and explained; one button starts. Curves and masks show what "
                "the network learns, and the strip at the bottom shows the job from every step."
            ),
            SetUpTraining.panel,
            strip,
        ),
        panel(
            tr("Inspect: can it be trusted?"),
            tr(
                "What the model finds, misses and confuses, the worst images first. One click "
                "leads from an error back to its label."
            ),
            InspectModel.panel,
        ),
        panel(
            tr("Ship: onto the line"),
            tr(
                "Try the model, prove that the exported file does the same, set the rules for good "
                "and bad, and pack it. Compress, the step before, makes it smaller and faster."
            ),
            ShipModel.panel,
        ),
        Station(
            tr("Help, whenever you want it"),
            tr(
                "Shortcuts, this tour, a check of this computer, and a file for whoever helps you. "
                "“Try the demo” on the start page shows all steps with images that are made for it."
            ),
            lambda: (bar.help_button,),
        ),
    )
