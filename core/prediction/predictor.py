"""Predicting and evaluating images of any size in bounded memory, whatever computes the scores."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from core.images.io import IGNORE_INDEX
from core.portable.manifest import Tiling
from core.portable.tiling import blend_weights, needs_windows, score_rows, window_starts
from core.prediction.choosing import Choice, Chooser
from core.prediction.figures import Figures, ImageFigures
from core.prediction.image_arguments import Image, Prediction
from core.prediction.image_windows import image_tiling
from core.prediction.metrics import ConfusionMatrix
from core.prediction.thresholds import score_offsets
from core.system.errors import InputError
from core.system.prefetching import prefetch
from core.transforms import Decode, invert_label_map, invert_scores, to_chw
from core.transforms.inversion import Cropped, Resized, SpatialStep

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose

LabelMap = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]

#: Width and height of a network input above which it is predicted in windows.
WINDOW: Final = (1024, 1024)
#: Pixels that neighbouring windows share; they are blended there.
OVERLAP: Final = 256
#: Most numbers of a score map that only the label map is wanted of (256 MiB).
_MAX_SCORES: Final = 2**26
#: Most bytes of an image's odds of every class.
MOST_ODDS: Final = 2**28
_HIGHEST: Final = Chooser()


@dataclass(frozen=True, slots=True)
class ImageEvaluation:
    """How one image was predicted.

    Attributes:
        index: its place in the dataset.
        image: its path.
        miou: mean IoU of the classes in its mask or prediction; None if all of it is ignored.
        confusion: (num_classes, num_classes) int64, rows labels, columns predictions.
        figures: its objects and its score, where they were asked for.
        class_odds: (H, W, C - 1) uint8, odds of every class against the background
            (``core.prediction.choosing.Choice``), where they were asked for.
    """

    index: int
    image: str
    miou: float | None
    confusion: npt.NDArray[np.int64]
    figures: ImageFigures | None = None
    class_odds: LabelMap | None = None


ImageCallback = Callable[[ImageEvaluation, LabelMap], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a predictor computes an image from.

    Attributes:
        image: a network input (3, H, W) float32; or the image itself, (H, W, 3) uint8 BGR, where
            the preprocessing is part of the file, or each window is prepared by itself.
        trace: the way back to the image's own grid.
        tiling: windows of the image that are prepared each by itself, None for none.
    """

    image: npt.NDArray[Any]
    trace: Sequence[SpatialStep] = ()
    tiling: Tiling | None = None


class Predictor(ABC):
    """Something that goes from an image to a label map.

    Args:
        num_classes: number of classes.
        chooser: how classes are chosen where no thresholds are set.
    """

    def __init__(self, *, num_classes: int, chooser: Chooser = _HIGHEST) -> None:
        self.num_classes = num_classes
        self._chooser = self._own_chooser = chooser

    def set_thresholds(self, thresholds: Sequence[float | None] | None) -> None:
        """Choose classes by thresholds (``core.prediction.thresholds``); None by the highest score.

        Raises:
            InputError: not one threshold for each class, or one is not between 0 and 1.
        """
        if thresholds is None:
            self._chooser = self._own_chooser
            return
        if len(thresholds) != self.num_classes:
            raise InputError(
                "There are {thresholds} thresholds for {classes} classes: give one for each.",
                thresholds=len(thresholds),
                classes=self.num_classes,
            )
        self._chooser = Chooser(score_offsets(thresholds))

    @abstractmethod
    def prepare(self, image: Image) -> Prepared:
        """Read an image given by path or in memory, and preprocess it."""

    @abstractmethod
    def predict(self, image: Image, *, with_scores: bool = True) -> Prediction:
        """Predict one image; see ``Segmenter.predict``."""

    def label_maps(self, batch: Sequence[Prepared]) -> list[LabelMap]:
        """Label maps, uint8 at each image's original size.

        Args:
            batch: inputs of one size, predicted at once unless they need windows.
        """
        return [choice.label_map for choice in self._choices(batch, self._chooser)]

    def choices(
        self, batch: Sequence[Prepared], *, background: int | None, every_class: bool = False
    ) -> list[Choice]:
        """Label maps and, where a class is the background, the odds of defects against it.

        Args:
            batch: as in ``label_maps``.
            background: class id that means "nothing here", or None.
            every_class: give the odds of each class, too, and not of the likeliest alone.
        """
        chooser = replace(self._chooser, background=background, every_class=every_class)
        return self._choices(batch, chooser)

    @abstractmethod
    def _choices(self, batch: Sequence[Prepared], chooser: Chooser) -> list[Choice]:
        """Choose the classes of each image's pixels."""


class NetworkPredictor(Predictor):
    """Something that computes logits, with its preprocessing.

    Windows are cut out of the network's input; where the preprocessing rescales the image, at the
    same places in the image, and each is rescaled by itself (``core.prediction.image_windows``).

    Args:
        transforms: preprocessing.
        num_classes: number of classes.
        window: (width, height) above which a network input is predicted in windows.
        overlap: pixels that neighbouring windows share; None for 256, or half a smaller window:
            small windows that shared more would be counted in thousands.
        multiple: windows have sides that are multiples of it, and inputs are continued to such;
            1 leaves all as it is. See ``core.models.image_sizes``.
        size: (width, height) of the only input that the network takes, or is to be given: this is
            the window then, and smaller inputs are continued to it with zeros, the average colour.
            None for any.
    """

    def __init__(
        self,
        transforms: Compose,
        *,
        num_classes: int,
        window: tuple[int, int] = WINDOW,
        overlap: int | None = None,
        multiple: int = 1,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(num_classes=num_classes)
        width, height = _window_sides(window if size is None else size)
        self.transforms = transforms
        self._window = (height, width)
        self._multiple = multiple
        self._has_one_size = size is not None
        self._overlap = min(OVERLAP, min(self._window) // 2) if overlap is None else overlap
        self._tiling = image_tiling(transforms.transforms, (width, height), self._overlap)

    @property
    def multiple(self) -> int:
        """What sides of windows and inputs are multiples of; 1 for a network with one size."""
        return 1 if self._has_one_size else self._multiple

    @multiple.setter
    def multiple(self, multiple: int) -> None:
        self._multiple = multiple

    def prepare(self, image: Image) -> Prepared:
        """Preprocess an image given by path or in memory, or its windows when their turn comes."""
        if self._tiling is not None:
            path = os.fspath(image) if isinstance(image, os.PathLike) else image
            pixels = Decode(to_rgb=False)({"image": path})["image"]
            if needs_windows(pixels, self._tiling):
                return Prepared(pixels, tiling=self._tiling)
            image = pixels
        return self.network_input(image)

    def network_input(self, image: Image) -> Prepared:
        """Preprocess an image given by path or in memory as a whole, however large it is."""
        path = os.fspath(image) if isinstance(image, os.PathLike) else image
        sample = self.transforms({"image": path})
        return Prepared(to_chw(sample["image"]), sample["trace"])

    def predict(self, image: Image, *, with_scores: bool = True) -> Prediction:
        """Predict one image; see ``Segmenter.predict``."""
        prepared = self.prepare(image)
        if not with_scores:
            return {"label_map": self.label_maps([prepared])[0].astype(np.int32)}
        logits = self._whole_logits(prepared)
        return {
            "label_map": self._choose(logits, prepared.trace, self._chooser).label_map.astype(
                np.int32
            ),
            "score_map": _softmax(invert_scores(logits, prepared.trace)),
        }

    def _choices(self, batch: Sequence[Prepared], chooser: Chooser) -> list[Choice]:
        if self._needs_windows(batch[0]):
            return [self._choose_in_windows(prepared, chooser) for prepared in batch]
        logits = self._forward(np.stack([prepared.image for prepared in batch]))
        return [self._choose(one, p.trace, chooser) for one, p in zip(logits, batch, strict=True)]

    def _needs_windows(self, prepared: Prepared) -> bool:
        if prepared.tiling is not None:
            return True
        height, width = prepared.image.shape[1:]
        return bool(height > self._window[0] or width > self._window[1])

    def _choose_in_windows(self, prepared: Prepared, chooser: Chooser) -> Choice:
        if any(isinstance(step, Resized) for step in prepared.trace):
            return self._choose(self._whole_logits(prepared), prepared.trace, chooser)
        # Without resizing the class can be chosen row by row, and the logits forgotten.
        whole = chooser.choose_rows(self._logit_rows(prepared), _size_of(prepared))
        return whole.map(lambda array: invert_label_map(array, prepared.trace))

    def _whole_logits(self, prepared: Prepared) -> Scores:
        """Logits (H, W, num_classes) of the whole network input, or of the image in windows."""
        if not self._needs_windows(prepared):
            whole: Scores = self._forward(prepared.image[None])[0]
            return whole
        logits = np.empty((*_size_of(prepared), self.num_classes), np.float32)
        for top, rows in self._logit_rows(prepared):
            logits[top : top + len(rows)] = rows
        return logits

    def _logit_rows(self, prepared: Prepared) -> Iterator[tuple[int, Scores]]:
        """Predict overlapping windows band by band; yield finished rows from the top.

        Yields:
            first row, logits (rows, W, num_classes); valid until the next one is asked for.
        """
        if prepared.tiling is None:
            yield from self._input_rows(prepared.image)
            return
        rows_of = score_rows(
            prepared.image, prepared.tiling, self._window_scores, multiple=self.multiple
        )
        for top, rows in rows_of:
            yield top, rows.transpose(1, 2, 0)

    def _window_scores(self, windows: npt.NDArray[np.uint8]) -> Scores:
        """Windows of an image (N, h, w, 3) uint8 BGR → probabilities (N, num_classes, h, w)."""
        scores = np.empty((len(windows), self.num_classes, *windows.shape[1:3]), np.float32)
        for place, window in enumerate(windows):  # enlarged, several would be too large at once
            prepared = self.network_input(window)
            logits = self._forward(prepared.image[None])[0]
            scores[place] = _softmax(invert_scores(logits, prepared.trace)).transpose(2, 0, 1)
        return scores

    def _input_rows(self, image: npt.NDArray[np.float32]) -> Iterator[tuple[int, Scores]]:
        """Do so with windows of a network input."""
        height, width = image.shape[1:]
        tops, tall = window_starts(height, self._window_side(height, 0), self._overlap)
        row_weights = blend_weights(tops, tall, height)
        # Sums of the rows that are not finished, from the current band's top row on.
        sums = np.zeros((tall, width, self.num_classes), np.float32)
        totals = np.zeros((tall, 1, 1), np.float32)
        for index, top in enumerate(tops):
            weights = row_weights[index][:, None, None]
            band = self._band(image[:, top : top + tall])
            band *= weights
            sums += band
            del band  # as large as the sums
            totals += weights
            done = (tops[index + 1] if index + 1 < len(tops) else height) - top
            sums[:done] /= totals[:done]
            yield top, sums[:done]
            _shift(sums, done)
            _shift(totals, done)

    def _band(self, image: npt.NDArray[np.float32]) -> Scores:
        """Blend the windows side by side in a band of one window's height."""
        width = image.shape[2]
        starts, wide = window_starts(width, self._window_side(width, 1), self._overlap)
        sums = np.zeros((image.shape[1], width, self.num_classes), np.float32)
        totals = np.zeros((width, 1), np.float32)
        for start, weights in zip(starts, blend_weights(starts, wide, width), strict=True):
            logits = self._forward(image[None, :, :, start : start + wide])[0]
            sums[:, start : start + wide] += weights[:, None] * logits
            totals[start : start + wide] += weights[:, None]
        sums /= totals
        return sums

    def _window_side(self, length: int, axis: int) -> int:
        """Return the side of the windows along an axis of ``length``, at most what was chosen."""
        chosen = self._window[axis]
        if length <= chosen:
            return length
        return max(self.multiple, chosen // self.multiple * self.multiple)

    @abstractmethod
    def logits(self, images: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) float32 → (N, num_classes, H, W)."""

    def _forward(self, images: npt.NDArray[np.float32]) -> Scores:
        """(N, 3, H, W) → logits (N, H, W, num_classes)."""
        height, width = images.shape[2:]
        if self._has_one_size:
            below, right = self._window[0] - height, self._window[1] - width
        else:
            below, right = -height % self.multiple, -width % self.multiple
        if below or right:
            mode: Literal["constant", "edge"] = "constant" if self._has_one_size else "edge"
            images = np.pad(images, ((0, 0), (0, 0), (0, below), (0, right)), mode=mode)
        logits = self.logits(images)[:, :, :height, :width]
        return np.ascontiguousarray(logits.transpose(0, 2, 3, 1))

    def _choose(self, logits: Scores, trace: Sequence[SpatialStep], chooser: Chooser) -> Choice:
        """Choose each original pixel's class; 255 where the preprocessing cut the image off."""
        if not any(isinstance(step, Resized) for step in trace):
            return chooser.choose(logits).map(lambda array: invert_label_map(array, trace))
        outside = invert_label_map(np.zeros(logits.shape[:2], np.uint8), trace)
        if outside.size * self.num_classes <= _MAX_SCORES:
            choice = chooser.choose(invert_scores(logits, trace))
        else:
            choice = chooser.choose_class_by_class(_planes(logits, trace))
        if any(isinstance(step, Cropped) for step in trace):
            choice.label_map[outside == IGNORE_INDEX] = IGNORE_INDEX
        return choice


def evaluate(
    predictor: Predictor,
    dataset: SegDataset,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 1,
    on_step: Callable[[int, int], None] | None = None,
    on_image: ImageCallback | None = None,
    figures: Figures | None = None,
    every_class: bool = False,
) -> ConfusionMatrix:
    """Count predictions against masks over a dataset, at the images' original sizes.

    Args:
        predictor: network and preprocessing.
        dataset: images and masks.
        indices: which of them; None for all.
        batch_size: images of one size predicted at once.
        on_step: called as ``on_step(images done, images)``, first with 0; may raise to stop.
        on_image: called after each image, in order.
        figures: counts objects and images, too.
        every_class: tell ``on_image`` the odds of each class, where ``figures`` has a background;
            not of images that are too large for them (``MOST_ODDS``).
    """
    if len(dataset) == 0:
        raise InputError("The evaluation set is empty.")
    total = ConfusionMatrix(predictor.num_classes)
    chosen = range(len(dataset)) if indices is None else indices

    def load(index: int) -> tuple[int, Prepared, LabelMap]:
        return index, predictor.prepare(dataset.raw(index)[0]), dataset.read_mask(index)

    threads = 1 if dataset.num_workers == "auto" else min(int(dataset.num_workers), 8)
    loaded = prefetch(load, chosen, threads=threads, ahead=max(2, batch_size))
    done = 0
    with contextlib.closing(loaded):
        for batch in _same_size_batches(loaded, batch_size):
            if on_step is not None:
                on_step(done, len(chosen))
            prepared = [one for _, one, _ in batch]
            if figures is None:
                choices = [Choice(label_map) for label_map in predictor.label_maps(prepared)]
            else:
                largest = max(mask.size for _, _, mask in batch) * (predictor.num_classes - 1)
                choices = predictor.choices(
                    prepared,
                    background=figures.background,
                    every_class=every_class and largest <= MOST_ODDS,
                )
            for (index, _, mask), choice in zip(batch, choices, strict=True):
                mask = _counted(choice.label_map, mask)
                one = ConfusionMatrix(predictor.num_classes)
                one.update(choice.label_map, mask)
                total.merge(one)
                found = None if figures is None else figures.update(choice, mask)
                if on_image is not None:
                    image = str(dataset.raw(index)[0])
                    miou = one.metrics()["miou"]
                    evaluated = ImageEvaluation(
                        index, image, miou, one.matrix, found, choice.class_odds
                    )
                    on_image(evaluated, choice.label_map)
            done += len(batch)
    if on_step is not None:
        on_step(done, len(chosen))
    return total


def _counted(label_map: LabelMap, mask: LabelMap) -> LabelMap:
    """Where a crop cut the image off nothing was predicted, and nothing is counted."""
    unpredicted = label_map == IGNORE_INDEX
    return np.where(unpredicted, np.uint8(IGNORE_INDEX), mask) if unpredicted.any() else mask


def _same_size_batches(
    items: Iterable[tuple[int, Prepared, LabelMap]], size: int
) -> Iterator[list[tuple[int, Prepared, LabelMap]]]:
    batch: list[tuple[int, Prepared, LabelMap]] = []
    for item in items:
        if batch and (len(batch) == size or batch[0][1].image.shape != item[1].image.shape):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _window_sides(window: object) -> tuple[int, int]:
    """Return width and height of a window; raises ``InputError`` where it is none."""
    if not isinstance(window, (tuple, list)) or len(window) != 2:
        raise InputError(
            "window is {value}: give the width and height of one, such as (1024, 1024).",
            value=repr(window)[:100],
        )
    if not all(isinstance(side, Integral) and not isinstance(side, bool) for side in window):
        raise InputError(
            "window is {value}: give whole numbers of pixels.", value=repr(window)[:100]
        )
    if min(window) < 1:
        raise InputError("A window of {size} pixels is empty.", size=str(window))
    return int(window[0]), int(window[1])


def _shift(array: Scores, rows: int) -> None:
    """Drop the first rows and append as many zero ones, in place."""
    array[: len(array) - rows] = array[rows:]
    array[len(array) - rows :] = 0


def _planes(logits: Scores, trace: Sequence[SpatialStep]) -> Iterator[Scores]:
    """Yield each class's scores at the original size, so that not all are in memory at once."""
    for index in range(logits.shape[2]):
        yield invert_scores(np.ascontiguousarray(logits[..., index : index + 1]), trace)[..., 0]


def _size_of(prepared: Prepared) -> tuple[int, int]:
    """Return (height, width) of what the windows are cut out of."""
    shape = prepared.image.shape[1:] if prepared.tiling is None else prepared.image.shape[:2]
    return int(shape[0]), int(shape[1])


def _softmax(logits: Scores) -> Scores:
    scores: Scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores
