"""What a part of the window can ask to be shown, and the key of the panel that shows it.

Runs are named by ``RunRow.id``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ShowDataset:
    """The images of the project; with ``image``, a file, that one large."""

    panel: ClassVar[str] = "dataset"
    image: Path | None = None


@dataclass(frozen=True, slots=True)
class LabelImage:
    """The labelling; ``image`` is an id or a file, None for what is open there."""

    panel: ClassVar[str] = "labelling"
    image: int | Path | None = None


@dataclass(frozen=True, slots=True)
class LabelImages:
    """The labelling of some images, files, one after the other; the first one is opened."""

    panel: ClassVar[str] = "labelling"
    images: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class LabelMostUseful:
    """The labelling of the image without labels that helps most: of which a model is least sure."""

    panel: ClassVar[str] = "labelling"


@dataclass(frozen=True, slots=True)
class SetUpTraining:
    """The settings of a new training, changed from what is suggested where that is wanted.

    Attributes:
        class_weights: weight the classes, so that rare ones count.
        larger_input: show the network the images larger.
    """

    panel: ClassVar[str] = "model"
    class_weights: bool = False
    larger_input: bool = False


@dataclass(frozen=True, slots=True)
class ShowTraining:
    """The training runs; with ``run_id`` that run's curves and masks."""

    panel: ClassVar[str] = "monitor"
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class InspectModel:
    """The errors of a model; ``run_id`` is the run that trained it, None for the one chosen."""

    panel: ClassVar[str] = "inspection"
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class ShowCompression:
    """The variants of a model; with ``run_id`` what that run works on or made."""

    panel: ClassVar[str] = "compression"
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class ShipModel:
    """The way of a model to the line; ``model_dir`` chooses one, ``run_id`` that of a run."""

    panel: ClassVar[str] = "shipping"
    model_dir: Path | None = None
    run_id: int | None = None


Target = (
    ShowDataset
    | LabelImage
    | LabelImages
    | LabelMostUseful
    | SetUpTraining
    | ShowTraining
    | InspectModel
    | ShowCompression
    | ShipModel
)


def run_target(panel: str, run_id: int) -> Target:
    """Return what shows a run in the panel for its kind of job."""
    targets: dict[str, Target] = {
        LabelImage.panel: LabelImage(),
        ShowTraining.panel: ShowTraining(run_id),
        InspectModel.panel: InspectModel(),  # it shows the newest evaluation of the model chosen
        ShowCompression.panel: ShowCompression(run_id),
        ShipModel.panel: ShipModel(run_id=run_id),
    }
    return targets[panel]
