"""From the scores of every class to the class of each pixel, and how likely a defect is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.prediction.thresholds import to_bins

LabelMap = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen of the scores, each (…) uint8.

    Attributes:
        label_map: class ids.
        defect: likeliest class but the background; None where no class is one.
        odds: its odds against the background (``core.prediction.thresholds.to_bins``).
        class_odds: those of every class but the background, (…, C - 1) in the order of their ids;
            None where they were not asked for.
    """

    label_map: LabelMap
    defect: LabelMap | None = None
    odds: LabelMap | None = None
    class_odds: LabelMap | None = None

    def map(self, change: Callable[[LabelMap], LabelMap]) -> Choice:
        """Return the same with every array changed."""
        others = (self.defect, self.odds, self.class_odds)
        changed = (None if one is None else change(one) for one in others)
        return Choice(change(self.label_map), *changed)


@dataclass(frozen=True, slots=True)
class Chooser:
    """How to choose.

    Attributes:
        offsets: what is added to each class's score for the label map, (C,); None for nothing.
        background: the class that odds are against; None does not look at odds.
        every_class: look at the odds of every class.
    """

    offsets: Scores | None = None
    background: int | None = None
    every_class: bool = False

    def choose(self, scores: Scores) -> Choice:
        """Choose among scores (…, C)."""
        shifted = scores if self.offsets is None else scores + self.offsets
        label_map = shifted.argmax(-1).astype(np.uint8)
        if self.background is None:
            return Choice(label_map)
        others = [index for index in range(scores.shape[-1]) if index != self.background]
        # A view where the background is the first class, as it nearly always is.
        rest = scores[..., 1:] if self.background == 0 else scores[..., others]
        place = rest.argmax(-1)
        best = np.take_along_axis(rest, place[..., None], axis=-1)[..., 0]
        against = scores[..., self.background]
        class_odds = to_bins(rest - against[..., None]) if self.every_class else None
        defect = np.asarray(others, np.uint8)[place]
        return Choice(label_map, defect, to_bins(best - against), class_odds)

    def choose_rows(self, bands: Iterable[tuple[int, Scores]], size: tuple[int, int]) -> Choice:
        """Choose band by band, so that the scores of an image are never held as a whole.

        Args:
            bands: first row, scores (rows, W, C).
            size: (height, width) of the image.
        """
        whole: list[LabelMap | None] = [np.zeros(size, np.uint8), None, None, None]
        for top, rows in bands:
            choice = self.choose(rows)
            parts = (choice.label_map, choice.defect, choice.odds, choice.class_odds)
            for place, part in enumerate(parts):
                if part is None:
                    continue
                array = whole[place]
                if array is None:
                    array = whole[place] = np.zeros((*size, *part.shape[2:]), np.uint8)
                array[top : top + len(part)] = part
        label_map, *others = whole
        assert label_map is not None
        return Choice(label_map, *others)

    def choose_class_by_class(self, planes: Iterable[Scores]) -> Choice:
        """Choose among the scores of one class after the other, each (H, W), with less memory."""
        label_map = best = defect = best_defect = against = None
        waiting: list[Scores] = []  # for those of the background, which usually come first
        odds: list[LabelMap] = []
        for index, plane in enumerate(planes):
            shifted = plane if self.offsets is None else plane + self.offsets[index]
            label_map, best = _better(label_map, best, shifted, index)
            if index == self.background:
                against = plane
            elif self.background is not None:
                defect, best_defect = _better(defect, best_defect, plane, index)
                waiting += [plane] if self.every_class else []
            if against is not None:
                odds += [to_bins(one - against) for one in waiting]
                waiting = []
        if label_map is None:
            raise ValueError("no class to choose")
        if against is None or best_defect is None:
            return Choice(label_map)
        class_odds = np.stack(odds, axis=-1) if self.every_class else None
        return Choice(label_map, defect, to_bins(best_defect - against), class_odds)


def _better(
    chosen: LabelMap | None, best: Scores | None, scores: Scores, index: int
) -> tuple[LabelMap, Scores]:
    """Put ``index`` where its scores are higher than the best before."""
    if chosen is None or best is None:
        return np.full(scores.shape, index, np.uint8), scores.copy()
    higher = scores > best
    chosen[higher] = index
    best[higher] = scores[higher]
    return chosen, best
