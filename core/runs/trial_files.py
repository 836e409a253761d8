"""What a job that tries a model on images leaves in its run folder.

``results.jsonl`` has a line for each image; ``label_maps/`` and ``scores/`` have a PNG for each one
that could be predicted. Scores are kept with 8 bits, the planes of the classes below each other.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.images.io import read_mask, write_mask
from core.images.palette import Color
from core.system.errors import InputError
from core.system.files import write_bytes_atomic

Scores = npt.NDArray[np.float32]
LabelMap = npt.NDArray[np.uint8]

_RESULTS = "results.jsonl"
_LABEL_MAPS = "label_maps"
_SCORES = "scores"
#: Of scores that are kept; those of larger images are not: a file of them would be slow to read.
_MOST_VALUES = 2**27
#: What is quick to write is small enough: scores change little from pixel to pixel.
_COMPRESSION = (cv2.IMWRITE_PNG_COMPRESSION, 1)


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
        scores: Scores | None = None,
        palette: tuple[Color, ...] | None = None,
    ) -> None:
        """Keep what was said of an image; its line comes last, so that it names whole files.

        Args:
            record: the image.
            label_map: (H, W) uint8, None where it could not be predicted.
            scores: (H, W, C) probabilities, None to keep none.
            palette: colours of the classes in the label map's file.
        """
        if label_map is not None:
            (self._folder / _LABEL_MAPS).mkdir(exist_ok=True)
            write_mask(self.label_map_file(record.index), label_map, palette=palette)
        if scores is not None and scores.size <= _MOST_VALUES:
            (self._folder / _SCORES).mkdir(exist_ok=True)
            planes = np.rint(scores.transpose(2, 0, 1) * 255).astype(np.uint8)
            stacked = planes.reshape(-1, scores.shape[1])
            _, data = cv2.imencode(".png", stacked, _COMPRESSION)
            write_bytes_atomic(self._scores_file(record.index), data.tobytes())
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

    def scores(self, index: int) -> Scores | None:
        """Read an image's scores, (H, W, C) 0 … 1 in steps of 1 / 255; None where none are kept.

        Raises:
            InputError: the file is damaged.
        """
        file = self._scores_file(index)
        if not file.is_file():
            return None
        height, width = self.label_map(index).shape
        data = np.frombuffer(file.read_bytes(), np.uint8)
        stacked = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
        if stacked is None or stacked.shape[1] != width or stacked.shape[0] % height:
            raise InputError("{file} is damaged: try the model on the images again.", file=file)
        planes = stacked.reshape(-1, height, width).transpose(1, 2, 0)
        return np.ascontiguousarray(planes, np.float32) / 255

    def _scores_file(self, index: int) -> Path:
        return self._folder / _SCORES / f"{index:06d}.png"
