"""``pdx.deploy.Predictor``: PaddleX's class for models at work."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.deploy.any_model import load_model
from core.prediction.exported_model import ExportedModel
from core.prediction.image_arguments import Image, Prediction, Transforms
from core.system.errors import InputError
from core.system.messages import message
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.datasets import SegDataset
    from core.seg.segmenter import Segmenter


class Predictor:
    """An exported model, or a model folder, that predicts; arguments as in PaddleX 2.1.

    An export needs no paddle and computes on the processor; PaddleX's settings of its own engine
    are taken, and have no effect.

    Args:
        model_dir: folder that ``export`` wrote, its ONNX file, or a model folder.
        use_gpu: compute on a GPU; a model folder only.
        gpu_id: which one.
        cpu_thread_num: threads that compute an export; None for as many as there are cores.
        use_mkl: no effect.
        mkl_thread_num: another name for ``cpu_thread_num``, as PaddleX has it with ``use_mkl``.
        use_trt: not there; warned of.
        use_glog: no effect.
        memory_optimize: no effect.
        max_trt_batch_size: no effect.
        trt_precision_mode: no effect.

    Attributes:
        seconds_per_image: mean over the last call of ``predict``, reading and preprocessing
            included; None before.

    Raises:
        InputError: there is no such model, or it is damaged.
    """

    def __init__(
        self,
        model_dir: str | Path,
        use_gpu: bool = False,
        gpu_id: int = 0,
        cpu_thread_num: int | None = None,
        use_mkl: bool = True,
        mkl_thread_num: int | None = None,
        use_trt: bool = False,
        use_glog: bool = False,
        memory_optimize: bool = True,
        max_trt_batch_size: int = 1,
        trt_precision_mode: str = "float32",
    ) -> None:
        if use_trt:
            Reporter().warn(message("TensorRT is not used here: use_trt has no effect."))
        threads = cpu_thread_num if mkl_thread_num is None else mkl_thread_num
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise InputError(
                "{value} threads cannot compute: give a whole number from 1.", value=repr(threads)
            )
        self._model: Segmenter | ExportedModel = load_model(
            model_dir, device=f"gpu:{gpu_id}" if use_gpu else "cpu", threads=threads
        )
        self.seconds_per_image: float | None = None

    @property
    def labels(self) -> list[str]:
        """Class names."""
        return list(self._model.labels)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self._model.num_classes

    def predict(
        self,
        img_file: Image | Iterable[Image],
        topk: int = 1,
        transforms: Transforms | None = None,
        warmup_iters: int = 0,
        repeats: int = 1,
        *,
        with_scores: bool = True,
    ) -> Prediction | list[Prediction]:
        """Predict one image or a list of images.

        Args:
            img_file: as in ``Segmenter.predict``.
            topk: of classification; no effect.
            transforms: preprocessing; None for the model's own.
            warmup_iters: how often to predict before the time is taken.
            repeats: how often to predict for ``seconds_per_image``.
            with_scores: leave ``score_map`` out when False (it is large).

        Returns:
            For each image ``{"label_map": (H, W) int32, "score_map": (H, W, num_classes)
            float32}`` at its original size; a list if a list was given.

        Raises:
            InputError: unreadable or no image, or a count that cannot be.
        """
        for name, value, least in (("warmup_iters", warmup_iters, 0), ("repeats", repeats, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(
                    "{name} is {value}: give a whole number from {least}.",
                    name=name,
                    value=repr(value),
                    least=least,
                )
        if isinstance(img_file, Iterable) and not hasattr(img_file, "__len__"):
            img_file = list(img_file)  # an iterator could be gone through once only

        def run() -> Prediction | list[Prediction]:
            return self._model.predict(img_file, transforms, with_scores=with_scores)

        for _ in range(warmup_iters):
            run()
        started = time.perf_counter()
        found = run()
        for _ in range(repeats - 1):
            found = run()
        seconds = (time.perf_counter() - started) / repeats
        count = len(found) if isinstance(found, list) else 1
        self.seconds_per_image = seconds / count if count else None
        return found

    def evaluate(self, eval_dataset: SegDataset, **options: Any) -> Any:
        """Measure the model on a dataset; see ``Segmenter.evaluate``."""
        return self._model.evaluate(eval_dataset, **options)
