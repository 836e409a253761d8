"""What a job that tries a model on images leaves in its run folder.

``results.jsonl`` has a line for each image; ``label_maps/`` and ``confidence/`` have a PNG for each
one that could be predicted: the classes, and how likely each pixel's class is, in steps of 1 / 255.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.images.io import read_mask, write_image, write_mask
from core.images.palette import Color
from core.system.errors import InputError

Scores = npt.NDArray[np.float32]
LabelMap = npt.NDArray[np.uint8]

_RESULTS = "results.jsonl"
_LABEL_MAPS = "label_maps"
_CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """An image that was tried.

    Attributes:
        index: its place in the job's list of images.
        image: its file.
        problem: why it could not be predicted; empty where it could.
    """

    index: int
    image: Path
    problem: str = ""


class TrialFiles:
    """Writes and reads a trial's files.

    Args:
        run_dir: the run folder.
    """

    def __init__(self, run_dir: Path) -> None:
        self._folder = run_dir

    def label_map_file(self, index: int) -> Path:
        """Return where an image's label map is."""
        return self._folder / _LABEL_MAPS / f"{index:06d}.png"

    def write(
        self,
        record: TrialRecord,
        *,
        label_map: LabelMap | None = None,
        confidence: Scores | None = None,
        palette: tuple[Color, ...] | None = None,
    ) -> None:
        """Keep what was said of an image; its line comes last, so that it names whole files.

        Args:
            record: the image.
            label_map: (H, W) uint8, None where it could not be predicted.
            confidence: (H, W) probability of each pixel's class, None where it is not known.
            palette: colours of the classes in the label map's file.
        """
        if label_map is not None:
            (self._folder / _LABEL_MAPS).mkdir(exist_ok=True)
            write_mask(self.label_map_file(record.index), label_map, palette=palette)
        if confidence is not None:
            (self._folder / _CONFIDENCE).mkdir(exist_ok=True)
            plane = np.rint(confidence * 255).astype(np.uint8)
            write_image(self._confidence_file(record.index), plane)
        line = json.dumps(asdict(record) | {"image": str(record.image)}, ensure_ascii=False)
        with (self._folder / _RESULTS).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def records(self) -> list[TrialRecord]:
        """Return the images that were tried, as far as the job has come."""
        try:
            lines = (self._folder / _RESULTS).read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                "The results of {folder} cannot be read.", folder=self._folder
            ) from error
        records: dict[int, TrialRecord] = {}
        for line in lines[:-1]:  # behind the last newline is nothing, or half a line
            try:
                content = json.loads(line)
                record = TrialRecord(
                    int(content["index"]), Path(content["image"]), str(content["problem"])
                )
            except (ValueError, KeyError, TypeError):
                continue
            records[record.index] = record
        return [records[index] for index in sorted(records)]

    def label_map(self, index: int) -> LabelMap:
        """Read an image's label map, (H, W) uint8.

        Raises:
            InputError: the file is gone or damaged.
        """
        return read_mask(self.label_map_file(index))

    def confidence(self, index: int) -> Scores | None:
        """Read how likely each pixel's class is, (H, W) 0 … 1; None where that was not kept.

        Raises:
            InputError: the file is damaged.
        """
        file = self._confidence_file(index)
        if not file.is_file():
            return None
        return read_mask(file).astype(np.float32) / np.float32(255)

    def _confidence_file(self, index: int) -> Path:
        return self._folder / _CONFIDENCE / f"{index:06d}.png"
