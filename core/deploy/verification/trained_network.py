"""The trained network as what an exported file is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from core.deploy.verification.embedded_description import embedded_description
from core.deploy.verification.export_verification import export_manifest
from core.deploy.verification.model_facts import ModelFacts, with_size_of_export
from core.deploy.verification.originals import (
    Answer,
    Array,
    LabelMap,
    label_map_of_logits,
    softmax,
)
from core.deploy.verification.samples import Sample
from core.portable.manifest import Manifest
from core.prediction.inspection import background_class
from core.prediction.paddle_predictor import WINDOW, ImagePredictor
from core.prediction.predictor import Prepared
from core.system.errors import InputError

if TYPE_CHECKING:
    from core.seg.segmenter import Segmenter

#: Most numbers of scores at an image's own size that are looked at (256 MiB).
MOST_SCORES: Final = 2**26


class TrainedNetwork:
    """A model of the engine, as an ``Original``.

    Args:
        model: trained.
        facts: how it is to be used; see ``model_facts_of``.
        window: (width, height) above which a network input is predicted in windows.
    """

    kind: Final[Literal["model"]] = "model"

    def __init__(
        self,
        model: Segmenter,
        facts: ModelFacts,
        *,
        window: tuple[int, int] = WINDOW,
    ) -> None:
        self._net = model.net
        self._window = window
        self.facts = facts
        self._predictor = self._predictor_of(facts)

    def answer(self, sample: Sample) -> Answer:
        """Return what the network makes of an image."""
        return self._answer(sample, self._predictor, self.facts)

    def answer_with(self, sample: Sample, facts: ModelFacts) -> Answer:
        """Return what it would make of an image that is prepared and judged otherwise."""
        return self._answer(sample, self._predictor_of(facts), facts)

    def logits_of(self, prepared: Array) -> Array:
        """Return the logits (h, w, num_classes) of a network input (3, h, w)."""
        return self._predictor.whole_logits(Prepared(prepared, ()))

    def label_map_of(self, logits: Array, answer: Answer) -> LabelMap:
        """Return the label map that it would make of other logits than those of an answer."""
        return label_map_of_logits(logits, answer.trace, self.facts.chosen_by)

    def _predictor_of(self, facts: ModelFacts) -> _WholePredictor:
        return _WholePredictor(
            self._net,
            facts.compose(),
            num_classes=len(self.facts.labels),
            window=self._window,
            multiple=facts.size_multiple,
            size=facts.size,
            flip_test=facts.flip_test,
        )

    def _answer(self, sample: Sample, predictor: _WholePredictor, facts: ModelFacts) -> Answer:
        thresholds = facts.chosen_by
        predictor.set_thresholds(thresholds)
        pixels = sample.pixels()
        prepared = predictor.prepare(pixels)
        image = prepared.image if prepared.tiling is None else None
        if pixels.shape[0] * pixels.shape[1] * predictor.num_classes > MOST_SCORES:
            return Answer(predictor.label_maps([prepared])[0], image, None, prepared.trace)
        logits = predictor.whole_logits(prepared)
        label_map = label_map_of_logits(logits, prepared.trace, thresholds)
        if image is None:  # each window has an input of its own
            return Answer(label_map, probabilities=softmax(logits))
        return Answer(label_map, image, logits, prepared.trace)


class _WholePredictor(ImagePredictor):
    """Shows the logits of a whole input."""

    def whole_logits(self, prepared: Prepared) -> Array:
        """Logits (h, w, num_classes) of a network input."""
        return self._whole_logits(prepared)


def model_facts_of(
    model: Segmenter, *, thresholds: Sequence[float | None] | None = None
) -> ModelFacts:
    """Return how a trained model is to be used.

    Args:
        model: with its preprocessing.
        thresholds: that its file obeys by itself, None for the highest score.

    Raises:
        InputError: the model has no preprocessing of its own.
    """
    if model.test_transforms is None:
        raise InputError(
            "The model has no preprocessing of its own because it was trained without an "
            "evaluation set: an export of it cannot be verified."
        )
    known = model.thresholds if thresholds is None else thresholds
    return ModelFacts(
        labels=tuple(model.labels),
        transforms=tuple(model.test_transforms.to_list()),
        size_multiple=model.size_multiple,
        thresholds=None if known is None else tuple(known),
        applies_thresholds=thresholds is not None,
        flip_test=model.flip_test,
        background=background_class(model.labels),
    )


def trained_network(folder: str | Path, model: Segmenter) -> TrainedNetwork:
    """Return a model as what its export is compared with.

    An export may be made for another size of images, for one alone, to obey thresholds, or with or
    without the mirror image where the model is not: then the network is used in that way, too.

    Args:
        folder: of the export.
        model: that it was made from.

    Raises:
        InputError: the export cannot be read, or has another number of classes.
    """
    manifest = export_manifest(folder)
    if manifest.num_classes != model.num_classes:
        raise InputError(
            "The export has {export} {export:class|classes} and the model {model}: give the model "
            "that it was made from.",
            export=manifest.num_classes,
            model=model.num_classes,
        )
    # Files of Paddle's say nothing of themselves.
    inside = embedded_description(Path(folder), manifest) or ModelFacts.of_manifest(manifest)
    facts = with_size_of_export(model_facts_of(model, thresholds=inside.chosen_by), inside)
    if inside.size_multiple == 1:  # as it is where the file takes one size
        facts = replace(facts, size_multiple=1)
    facts = replace(facts, size=inside.size, flip_test=inside.flip_test)
    return TrainedNetwork(model, facts, window=_window(manifest, facts))


def _window(manifest: Manifest, facts: ModelFacts) -> tuple[int, int]:
    """Return (width, height) above which the file's network computes in windows."""
    if facts.size is not None:
        return facts.size
    width, height = manifest.input.width, manifest.input.height
    if width is not None and height is not None:
        return width, height
    resized = any(name.startswith("Res") for step in facts.transforms for name in step)
    if manifest.tiling is None or resized:
        return WINDOW
    return min(WINDOW[0], manifest.tiling.width), min(WINDOW[1], manifest.tiling.height)
