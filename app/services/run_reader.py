"""Reads a run folder for the monitor, first everything, then what is appended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.services.background import Progress
from core.datasets import open_data_folder
from core.images.palette import Color, default_palette
from core.runs.history import RunHistory
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec
from core.system.errors import InputError

_CHECK_EVERY = 2000


@dataclass(frozen=True, slots=True)
class PreviewFiles:
    """Files of one preview; ``label`` is None where the image has no mask any more."""

    image: Path
    prediction: Path
    label: Path | None
    step: int


@dataclass(slots=True)
class RunReader:
    """A run's description and history; ``read_new`` takes in what the run told since.

    ``truth`` finds the mask file of a validation image by its path.
    """

    folder: RunFolder
    spec: JobSpec
    labels: list[str]
    colors: list[Color]
    truth: dict[Path, Path]
    history: RunHistory
    offset: int = 0

    def read_new(self, progress: Progress | None = None) -> bool:
        """Read what was appended; returns whether there was anything."""
        count = 0
        for offset, event in self.folder.events(self.offset):
            self.history.apply(event)
            self.offset = offset
            count += 1
            if progress is not None and count % _CHECK_EVERY == 0:
                progress.check()
        return count > 0

    @property
    def preview_count(self) -> int:
        """How many images are redrawn while the network learns: no more than validate it."""
        spec = self.spec
        if not isinstance(spec, TrainSpec):
            return 0
        is_known = bool(self.labels)  # the data folder may be gone
        return min(spec.preview_images, len(self.truth)) if is_known else spec.preview_images

    def previews(self) -> dict[int, PreviewFiles]:
        """Return the newest preview files of each image that still exist."""
        root = self.folder.path.resolve()
        found = {}
        for index, event in self.history.previews.items():
            prediction = (root / event.path).resolve()
            if not prediction.is_relative_to(root) or not prediction.exists():
                continue
            image = Path(event.image)
            found[index] = PreviewFiles(image, prediction, self.truth.get(image), event.step)
        return found


def open_run(path: Path, progress: Progress | None = None) -> RunReader:
    """Read a run folder completely; takes a while for long runs, so call it in the background.

    Raises:
        InputError: there is no run in the folder.
    """
    folder = RunFolder(path)
    spec = folder.spec
    labels, colors, truth = _read_data(spec)
    reader = RunReader(folder, spec, labels, colors, truth, RunHistory())
    reader.read_new(progress)
    return reader


def _read_data(spec: JobSpec) -> tuple[list[str], list[Color], dict[Path, Path]]:
    """Return class names, colours and masks; a data folder that is gone leaves them unnamed."""
    data_dir = getattr(spec, "data_dir", None)  # not every kind has one
    if data_dir is None:
        return [], default_palette(255), {}
    try:
        data = open_data_folder(data_dir)
    except InputError:
        return [], default_palette(255), {}
    items = data.subsets.get("val", ())
    return list(data.labels), list(data.colors), {item.image: item.mask for item in items}
