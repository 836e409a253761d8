"""Speed and remaining time of a training."""

from __future__ import annotations

import time

#: Share of the newest measurement in a smoothed duration.
_NEWEST = 0.1
#: Guess of an evaluation image's time in training images, until one has been measured.
_EVALUATION_GUESS = 0.5


class Stopwatch:
    """Seconds, without those spent paused.

    Args:
        earlier: seconds of the sittings before this one.
    """

    def __init__(self, *, earlier: float = 0.0) -> None:
        self._earlier = earlier
        self._start = time.perf_counter()
        self._excluded = 0.0

    def exclude(self, seconds: float) -> None:
        """Do not count ``seconds`` that have just passed."""
        self._excluded += seconds

    @property
    def seconds(self) -> float:
        """Seconds of this sitting so far."""
        return time.perf_counter() - self._start - self._excluded

    @property
    def seconds_in_all(self) -> float:
        """Seconds of all sittings so far."""
        return self._earlier + self.seconds


class Speed:
    """Smoothed durations of steps and evaluations, and what remains by them.

    Args:
        batch_size: images per step.
        eval_images: images per evaluation, 0 for none.
    """

    def __init__(self, *, batch_size: int, eval_images: int) -> None:
        self._batch_size = batch_size
        self._eval_images = eval_images
        self._step_s: float | None = None
        self._evaluation_s: float | None = None
        self._since_log = [0, 0.0]
        self._in_all = [0, 0.0]

    def step_took(self, seconds: float) -> None:
        """One training step is done; the first ones, which warm up, fade out."""
        previous = self._step_s
        self._step_s = seconds if previous is None else (1 - _NEWEST) * previous + _NEWEST * seconds
        for sums in (self._since_log, self._in_all):
            sums[0] += self._batch_size
            sums[1] += seconds

    def evaluation_took(self, seconds: float) -> None:
        """One evaluation is done."""
        self._evaluation_s = seconds

    def eta_s(self, *, steps: int, evaluations: float) -> float | None:
        """Seconds for the remaining ``steps`` and ``evaluations``; None before the first step."""
        if self._step_s is None:
            return None
        return steps * self._step_s + evaluations * self.evaluation_s

    @property
    def step_s(self) -> float:
        """Seconds of a step, 0 before the first one."""
        return self._step_s or 0.0

    @property
    def evaluation_s(self) -> float:
        """Seconds of an evaluation, a guess before the first one."""
        if self._evaluation_s is not None:
            return self._evaluation_s
        return _EVALUATION_GUESS * self._eval_images * self.step_s / self._batch_size

    def take_images_per_second(self) -> float | None:
        """Mean since the last call."""
        images, seconds = self._since_log
        self._since_log = [0, 0.0]
        return images / seconds if seconds > 0 else None

    @property
    def images_per_second(self) -> float | None:
        """Mean of this sitting's training steps."""
        images, seconds = self._in_all
        return images / seconds if seconds > 0 else None
