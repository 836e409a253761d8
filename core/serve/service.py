"""From the bytes of an image to its judgement: decoded, waiting, computed with others."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from core.images.headers import read_header
from core.images.io import decode_image
from core.portable.judging import Judgement
from core.portable.portable_error import PortableError
from core.serve.batching import Batcher, ClosedError, QueueFullError
from core.serve.image_judge import Image, ImageJudge
from core.serve.memory_budget import Held, MemoryBudget
from core.serve.refusals import Refusal, refusal_of
from core.serve.service_metrics import ServiceMetrics
from core.serve.service_settings import ServiceSettings
from core.serve.uploads import Upload
from core.system.errors import InputError
from core.system.messages import message

_Result = TypeVar("_Result")
_MOST_HELPERS: Final = 4
_CHANNELS: Final = 3
#: What takes longer than this will never be done.
_STUCK_SECONDS: Final = 600.0


class Service:
    """A model, the queue before it, and what is counted.

    Args:
        judge: the model.
        settings: limits.
    """

    def __init__(self, judge: ImageJudge, settings: ServiceSettings) -> None:
        self.judge = judge
        self.settings = settings
        self.metrics = ServiceMetrics()
        self.memory = MemoryBudget(settings.memory)
        self._batcher: Batcher[Image, Judgement] = Batcher(
            judge.judge,
            key=lambda image: image.shape,
            most=self._most_together,
            capacity=settings.queue,
            wait_seconds=settings.batch_wait,
            on_batch=self._count_batch,
        )
        self._seconds_of_an_image = 0.0
        helpers = min(_MOST_HELPERS, os.cpu_count() or 1)
        self._helpers = ThreadPoolExecutor(helpers, thread_name_prefix="codec")
        self.metrics.describe(judge.facts)
        self.metrics.watch(queue=lambda: len(self._batcher), memory=lambda: self.memory.held)

    @property
    def is_ready(self) -> bool:
        """Whether images are judged."""
        return self._batcher.is_alive and self._batcher.busy_seconds < _STUCK_SECONDS

    async def judge_upload(self, upload: Upload, held: Held) -> tuple[Image, Judgement]:
        """Decode an image and judge it.

        Args:
            upload: the file.
            held: what the request holds already; the pixels are added before they are decoded.

        Raises:
            Refusal: 413 too many pixels, 422 no image, 503 too many wait.
        """
        with self._batcher.on_the_way():
            image = await self.in_background(lambda: self._decode(upload, held))
            future = self._submit(image)
        try:
            judgement = await asyncio.wrap_future(future)
        except PortableError as error:
            raise refusal_of(error) from error
        self.metrics.count_image(judgement.outcome)
        return image, judgement

    async def in_background(self, work: Callable[[], _Result]) -> _Result:
        """Do what takes long beside the loop, which must stay free for other requests."""
        return await asyncio.get_running_loop().run_in_executor(self._helpers, work)

    def close(self) -> None:
        """Finish what waits, and take nothing more."""
        self._batcher.close()
        self._helpers.shutdown()

    def _decode(self, upload: Upload, held: Held) -> Image:
        try:
            header = read_header(upload.name, upload.data)
            pixels = header.width * header.height
            if pixels > self.settings.max_pixels:
                raise Refusal(
                    413,
                    message(
                        "The image has more than {count} pixels.", count=self.settings.max_pixels
                    ),
                )
            held.add(pixels * _CHANNELS)
            return decode_image(upload.name, upload.data)
        except InputError as error:
            raise refusal_of(error) from error

    def _submit(self, image: npt.NDArray[np.uint8]) -> Future[Judgement]:
        try:
            return self._batcher.submit(image)
        except QueueFullError:
            wait = self.settings.queue * self._seconds_of_an_image
            raise Refusal(
                503,
                message("Too many images wait; try again soon."),
                headers={"Retry-After": str(max(1, math.ceil(wait)))},
            ) from None
        except ClosedError:
            raise Refusal(
                503, message("The service is ending."), headers={"Retry-After": "5"}
            ) from None

    def _most_together(self, image: Image) -> int:
        pixels = int(image.shape[0] * image.shape[1])
        return min(self.settings.batch, self.settings.batch_pixels // pixels)

    def _count_batch(self, size: int, seconds: float) -> None:
        before = self._seconds_of_an_image or seconds / size
        self._seconds_of_an_image = 0.9 * before + 0.1 * seconds / size
        self.metrics.count_batch(size, seconds)
