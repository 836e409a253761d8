"""What a segmentation model is used for: predict images, and measure how well it does."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from core.prediction import paddle_predictor as inference
from core.prediction.evaluation import check_batch_size, measure
from core.prediction.figures import FigureRules
from core.prediction.image_arguments import (
    Image,
    Prediction,
    Transforms,
    as_compose,
    predict_images,
)
from core.prediction.thresholds import Thresholds, resolve_thresholds
from core.seg.model import SegmentationModel
from core.system.errors import InputError
from core.system.reporting import Reporter
from core.training.data_checks import check_classes, warn_of_remarks, without_random

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.transforms import Compose


class PredictingModel(SegmentationModel):
    """A model that predicts and is measured; ``Segmenter`` adds what changes it."""

    def evaluate(
        self,
        eval_dataset: SegDataset,
        batch_size: int = 1,
        return_details: bool = False,
        *,
        reporter: Reporter | None = None,
        per_image: bool = False,
        on_image: inference.ImageCallback | None = None,
        device: str | None = None,
        window: tuple[int, int] | None = None,
        rules: FigureRules | None = None,
        thresholds: Thresholds = False,
        every_class: bool = False,
    ) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        """Measure the network on ``eval_dataset``, at each image's original size.

        Scores are resized bilinearly to the original size before the class is chosen, so the
        metrics are those of ``predict``'s label maps. PaddleX chooses first and resizes the label
        map by nearest neighbour, which measures slightly other masks than the user gets.
        Memory does not grow with the number of images.

        Args:
            eval_dataset: images with masks; 255 is ignored.
            batch_size: images of the same size predicted at once; changes speed only.
            return_details: also return the confusion matrix.
            reporter: is told of progress and may stop the work.
            per_image: put one row per image into the details.
            on_image: called as ``on_image(score, label_map)`` after each image.
            device: as in ``train``.
            window: width and height above which a network input is predicted in windows; None for
                1024 × 1024, or the only size that the network takes, as its exported file does.
            rules: what counts as found; None for the defaults.
            thresholds: as in ``predict``.
            every_class: tell ``on_image`` the odds of each class against the background, too.

        Returns:
            The metrics (``metrics_from_matrix``) with the figures of ``"objects"`` and
            ``"images"`` (``core.prediction.figures``) and ``"best_thresholds"`` (those that would
            be best here, or None), or ``(metrics, details)`` if ``return_details`` or
            ``per_image``: ``details["confusion_matrix"]`` (rows labels, columns predictions) and
            ``details["per_image"]`` (dicts ``image``, ``miou``, ``confusion``, ``figures``).
        """
        check_batch_size(batch_size)
        if (difference := check_classes(self, eval_dataset)) is not None:
            (reporter or Reporter()).warn(difference)
        warn_of_remarks(eval_dataset, reporter or Reporter())
        inference.use_device(self.net, device)
        transforms = eval_dataset.transforms or self.test_transforms
        return measure(
            self._predictor(transforms, window=window, reporter=reporter, thresholds=thresholds),
            eval_dataset,
            batch_size=batch_size,
            return_details=return_details,
            reporter=reporter,
            per_image=per_image,
            on_image=on_image,
            rules=rules,
            every_class=every_class,
        )

    def choose_thresholds(
        self, eval_dataset: SegDataset, *, reporter: Reporter | None = None
    ) -> list[float | None]:
        """Choose how sure the network must be of each class, by the F1 of its pixels; keep it.

        ``predict`` uses the thresholds where it is asked to, and ``save_model`` keeps them.

        Args:
            eval_dataset: images with masks that were not trained on.
            reporter: is told of progress and may stop the work.

        Returns:
            One threshold for each class (``core.prediction.thresholds``), None for the background.

        Raises:
            InputError: no class is called background, or the data cannot be used.
        """
        found = self.evaluate(eval_dataset, reporter=reporter)
        assert isinstance(found, dict)  # as no details were asked for
        thresholds: list[float | None] | None = found["best_thresholds"]
        if thresholds is None:
            raise InputError(
                "Thresholds are about the background, and none of the classes is called so: "
                "name it background in labels.txt."
            )
        self.thresholds = thresholds
        return thresholds

    def predict(
        self,
        img_file: Image | Iterable[Image],
        transforms: Transforms | None = None,
        *,
        with_scores: bool = True,
        device: str | None = None,
        window: tuple[int, int] | None = None,
        thresholds: Thresholds = False,
    ) -> Prediction | list[Prediction]:
        """Predict one image or a list of images, which may differ in size.

        Args:
            img_file: path, array (H, W, 3) BGR or Pillow image, or a list of these; other arrays
                are converted as files are (``core.images.in_memory.as_image``).
            transforms: preprocessing, a ``Compose`` or a list; None for that of the evaluation
                set seen in training.
            with_scores: leave ``score_map`` out when False (it is large).
            device: as in ``train``.
            window: width and height above which a network input is predicted in windows; None for
                1024 × 1024, or the only size that the network takes, as its exported file does.
            thresholds: choose classes by the model's own thresholds (True) or by one for each
                class; False for the highest score. The scores are the same.

        Returns:
            For each image ``{"label_map": (H, W) int32, "score_map": (H, W, num_classes)
            float32 probabilities}`` at its original size; a list if a list was given.

        Raises:
            InputError: unreadable or no image, no transforms, or none known.
        """
        inference.use_device(self.net, device)
        chosen = self.test_transforms if transforms is None else as_compose(transforms)
        predictor = self._predictor(chosen, window=window, thresholds=thresholds)
        return predict_images(partial(predictor.predict, with_scores=with_scores), img_file)

    def _predictor(
        self,
        transforms: Compose | None,
        *,
        window: tuple[int, int] | None,
        reporter: Reporter | None = None,
        thresholds: Thresholds = False,
    ) -> inference.ImagePredictor:
        if transforms is None:
            raise InputError(
                "The model has no preprocessing of its own because it was trained without an "
                "evaluation set: pass transforms."
            )
        predictor = inference.ImagePredictor(
            self.net,
            without_random(transforms, reporter or Reporter()),
            num_classes=self.num_classes,
            window=window,
            multiple=self.size_multiple,
            flip_test=self.flip_test,
        )
        predictor.set_thresholds(resolve_thresholds(thresholds, self.thresholds))
        return predictor
