"""An exported model at work: from an image of any size to its label map."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from .class_choice import asked_offsets, choose_by_probability, choose_classes
from .judging import Judgement, judge_scores
from .manifest import Manifest, Tiling, read_manifest
from .pictures import read_picture
from .portable_error import PortableError
from .runtimes import Runtime, open_runtime
from .settings import Settings
from .tiling import needs_windows, score_rows

Image = npt.NDArray[np.uint8]
LabelMap = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]
#: What a caller may ask for: True for the model's own, None for none, or one for each class.
AskedThresholds: TypeAlias = bool | Sequence[float | None] | None
#: Windows: side, (width, height), all about them, 0 for none, or None for the manifest's.
AskedTiling: TypeAlias = int | tuple[int, int] | Tiling | None
_OVERLAP: Final = 256


class LinePredictor:
    """Runs an exported model.

    Images larger than a window are computed in windows that overlap; memory stays bounded.

    Args:
        folder: what an export wrote.
        runtime: ``"onnxruntime"``, ``"openvino"``, or ``"auto"``.
        threads: that compute; None for one on each core.
        spinning: whether threads that wait keep their core busy.
        tile: side of the windows, (width, height), 0 for none; None for what the manifest says.

    Raises:
        PortableError: as ``read_manifest`` and ``open_runtime``.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        runtime: str = "auto",
        threads: int | None = None,
        spinning: bool = True,
        tile: AskedTiling = None,
    ) -> None:
        manifest = read_manifest(folder)
        opened = open_runtime(folder, manifest, runtime=runtime, threads=threads, spinning=spinning)
        self._set(manifest, opened, tile, Path(folder))

    @classmethod
    def from_runtime(
        cls,
        manifest: Manifest,
        runtime: Runtime,
        *,
        tile: AskedTiling = None,
        folder: str | Path | None = None,
    ) -> Self:
        """Make one of a runtime that is ready.

        Args:
            manifest: of the model.
            runtime: what computes it. That of a plain graph cuts its own windows.
            tile: as for the class.
            folder: the export's, where the files of its settings lie.
        """
        predictor = cls.__new__(cls)
        predictor._set(manifest, runtime, tile, None if folder is None else Path(folder))
        return predictor

    def _set(
        self, manifest: Manifest, runtime: Runtime, tile: AskedTiling, folder: Path | None
    ) -> None:
        self._folder = folder
        self._settings: Settings | None = None
        self._manifest = manifest
        self._runtime = runtime
        own = manifest.tiling if manifest.graph == "complete" else None
        self._tiling = _tiling(tile, own)

    @property
    def manifest(self) -> Manifest:
        """What the export says of itself."""
        return self._manifest

    @property
    def runtime(self) -> Runtime:
        """What computes."""
        return self._runtime

    @property
    def tiling(self) -> Tiling | None:
        """The windows of larger images; None where every image is computed whole."""
        return self._tiling

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, index = class id."""
        return self._manifest.labels

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self._manifest.num_classes

    def label_map(
        self, image: Image | str | Path, *, thresholds: AskedThresholds = None
    ) -> LabelMap:
        """Return the class of each pixel, (H, W) uint8.

        Args:
            image: (H, W, 3) uint8 BGR, (H, W) grey, or a path.
            thresholds: choose by the model's own (True), or by one for each class. A model that
                applies its own by itself does so in any case.

        Raises:
            PortableError: the image cannot be read or computed, or there are no such thresholds.
        """
        pixels = as_pixels(image)
        offsets = self._offsets(thresholds)
        if needs_windows(pixels, self._tiling):
            assert self._tiling is not None
            label_map = np.empty(pixels.shape[:2], np.uint8)
            for top, rows in self._rows(pixels, self._tiling):
                label_map[top : top + rows.shape[1]] = choose_classes(rows, offsets)
            return label_map
        if thresholds is None or thresholds is False or self._obeys(thresholds):
            whole: LabelMap = self._runtime.label_maps(pixels[None])[0]
            return whole
        return choose_by_probability(self._scores(pixels), offsets)

    def scores(self, image: Image | str | Path) -> Scores:
        """Return the probability of each class, (H, W, num_classes) float32, sum 1.

        Args:
            image: as in ``label_map``.

        Raises:
            PortableError: the image cannot be read or computed.
        """
        return np.ascontiguousarray(self._scores(as_pixels(image)).transpose(1, 2, 0))

    @property
    def settings(self) -> Settings:
        """What the export says about rules, regions and the like.

        Raises:
            PortableError: a setting is wrong.
        """
        if self._settings is None:
            self._settings = Settings.from_manifest(self._manifest, self._folder)
        return self._settings

    def judge(
        self,
        image: Image | str | Path,
        *,
        thresholds: AskedThresholds = None,
        settings: Settings | None = None,
    ) -> Judgement:
        """Decide about an image.

        Args:
            image: as in ``label_map``.
            thresholds: as in ``label_map``, False for none; None for what the settings say.
            settings: what decides; None for the export's own.

        Raises:
            PortableError: as ``label_map``, or a setting is wrong.
        """
        start = time.perf_counter()
        pixels = as_pixels(image)
        read = time.perf_counter()
        scores = self._scores(pixels)
        seconds = {"read": read - start, "network": time.perf_counter() - read}
        judged = self.judge_probabilities(scores, thresholds=thresholds, settings=settings)
        return replace(judged, seconds=seconds | judged.seconds)

    def judge_probabilities(
        self,
        scores: Scores,
        *,
        thresholds: AskedThresholds = None,
        settings: Settings | None = None,
    ) -> Judgement:
        """Decide about an image whose probabilities are known: what ``judge`` does with them.

        Args:
            scores: (num_classes, H, W) float32, as the runtime gives them.
            thresholds: as in ``judge``.
            settings: as in ``judge``.

        Raises:
            PortableError: there are no such thresholds, or a setting is wrong.
        """
        settings = self.settings if settings is None else settings
        offsets = self._offsets(settings.thresholds if thresholds is None else thresholds)
        return judge_scores(
            scores.transpose(1, 2, 0),
            settings,
            labels=self.labels,
            background=self._manifest.background,
            label_map=choose_by_probability(scores, offsets),
        )

    def _scores(self, pixels: Image) -> Scores:
        """Probabilities (C, H, W)."""
        if not needs_windows(pixels, self._tiling):
            whole: Scores = self._runtime.scores(pixels[None])[0]
            return whole
        assert self._tiling is not None
        scores = np.empty((self.num_classes, *pixels.shape[:2]), np.float32)
        for top, rows in self._rows(pixels, self._tiling):
            shares = np.exp(rows - rows.max(axis=0))
            shares /= shares.sum(axis=0)
            scores[:, top : top + rows.shape[1]] = shares
        return scores

    def _rows(self, pixels: Image, tiling: Tiling) -> Iterator[tuple[int, Scores]]:
        return score_rows(
            pixels, tiling, self._runtime.scores, multiple=self._manifest.size_multiple
        )

    def _offsets(self, asked: AskedThresholds) -> Scores | None:
        """Return what is added to the logarithms of the scores before the class is chosen."""
        if asked in (None, False) and self._manifest.applies_thresholds:
            asked = True
        return asked_offsets(self._manifest, asked)

    def _obeys(self, thresholds: AskedThresholds) -> bool:
        return thresholds is True and self._manifest.applies_thresholds


def as_pixels(image: Image | str | Path) -> Image:
    """Return an image as (H, W, 3) uint8 BGR; a path is read.

    Raises:
        PortableError: it cannot be read, or is no such array.
    """
    if isinstance(image, (str, Path)):
        return read_picture(image)
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.size == 0:
        raise _no_image(image)
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR), np.uint8)
    if image.ndim != 3 or image.shape[2] != 3:
        raise _no_image(image)
    return image


def _no_image(image: object) -> PortableError:
    shape = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else repr(image)[:100]
    return PortableError(
        "An image is {value}: give a path, or an array (height, width, 3) of uint8 in the order"
        " blue, green, red.",
        value=shape,
    )


def _tiling(asked: AskedTiling, own: Tiling | None) -> Tiling | None:
    if asked is None or isinstance(asked, Tiling):
        return own if asked is None else asked
    if asked == 0:
        return None
    width, height = (asked, asked) if isinstance(asked, int) else asked
    if min(width, height) < 1:
        raise PortableError("A window of {size} pixels is empty.", size=f"{width}×{height}")
    return Tiling(width=width, height=height, overlap=min(_OVERLAP, min(width, height) // 2))
