"""The texts of a report, in English or as a window translates them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from core.prediction.inspection import PixelError
from core.system.messages import Message, message

Translate = Callable[[Message], str]
"""Makes the text of a sentence; ``str`` for English."""

SUBSETS: Final[Mapping[str, Message]] = {
    "train": message("training images"),
    "val": message("validation images"),
    "test": message("test images"),
}
ERRORS: Final[Mapping[PixelError, Message]] = {
    PixelError.MISSED: message("missed"),
    PixelError.FALSE: message("false alarm"),
    PixelError.CONFUSED: message("wrong class"),
    PixelError.IGNORED: message("ignored"),
}
SIZES: Final[Mapping[str, Message]] = {
    "small": message("Small"),
    "medium": message("Medium"),
    "large": message("Large"),
}
_TEXTS: Final[Mapping[str, Message]] = {
    "objects": message("Objects, {subset}"),
    "objects_hint": message(
        "An object is a connected area of a class; it is found where the prediction overlaps it "
        "with an intersection over union of {iou} or more, one to one. Small: below 32² pixels, "
        "large: from 96² on."
    ),
    "class": message("Class"),
    "count": message("Objects"),
    "found": message("Found"),
    "missed": message("Missed"),
    "alarms": message("False alarms"),
    "precision": message("Precision %"),
    "recall": message("Recall %"),
    "f1": message("F1 %"),
    "iou": message("IoU %"),
    "pixel_count": message("Pixels"),
    "share": message("Share %"),
    "of": message("{found} of {all}"),
    "whole": message("Whole images, {subset}"),
    "marked": message(
        "{detected} of {defective} defective {defective:image is|images are} marked, and {alarms} "
        "of {good} good {good:one|ones}."
    ),
    "by_scores": message(
        "By their scores, {rate} % are detected where at most {allowed} % of the good ones are "
        "taken for defective."
    ),
    "by_scores_from": message(
        "By their scores, {rate} % are detected where at most {allowed} % of the good ones are "
        "taken for defective (threshold {threshold})."
    ),
    "model": message("Model"),
    "learning": message("How it learnt"),
    "pixels": message("Pixels, {subset}"),
    "absent": message("absent: neither in the masks nor predicted"),
    "confusion": message("Confusion"),
    "confusion_hint": message(
        "Each row is the truth, each column the prediction; percent of the row’s pixels. Ignored "
        "pixels do not count."
    ),
    "truth_predicted": message("truth ↓ predicted →"),
    "pixels_of": message("{count} {count:pixel|pixels}"),
    "worst": message("Worst images first, {subset}"),
    "errors": message("Errors:"),
    "wrong_pixels": message("mIoU {miou} % · {wrong} of {all} {all:pixel|pixels} wrong"),
    "image": message("image"),
    "truth": message("truth"),
    "prediction": message("prediction"),
    "error_map": message("errors"),
}


class Wording:
    """Says the texts of a report.

    Args:
        translate: makes the text of a sentence.
    """

    def __init__(self, translate: Translate = str) -> None:
        self._translate = translate

    def say(self, name: str, **params: Any) -> str:
        """Return a text by its name, with what goes into its places."""
        return self._translate(Message(_TEXTS[name].template, params))

    def tell(self, text: Message | str) -> str:
        """Return a sentence; names and numbers as they are."""
        return text if isinstance(text, str) else self._translate(text)
