"""How many steps fit into the time that a person gave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from core.training.speed import Speed, Stopwatch

#: Steps between looks at the clock; the very first ones warm up.
_LOOK_EVERY: Final = 12
#: A plan stays while it is off by less than this share of the steps that are left.
_CLOSE: Final = 0.02
#: Times of an evaluation that adjusting and measuring the best model takes when the training is
#: over: predictions of mirror images count twice.
_AFTERWARDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What things take now, in seconds; ``steps_between`` evaluations, None without any.

    ``processes`` share an evaluation; what comes after the training is done by one of them.
    """

    step_s: float
    evaluation_s: float
    steps_between: int | None
    processes: int = 1


def planned_steps(*, done: int, planned: int, most: int, left_s: float, pace: Pace) -> int:
    """Return how many steps there will be in all.

    The last evaluation comes after the last step, and whoever adjusts and judges the best model
    needs ``_AFTERWARDS`` more: the time of all is set aside first.

    Args:
        done: steps done.
        planned: steps in all by the plan so far.
        most: never more than these.
        left_s: seconds left.
        pace: see there.
    """
    per_step = pace.step_s
    if pace.steps_between is not None:
        left_s -= (1 + _AFTERWARDS * pace.processes) * pace.evaluation_s
        per_step += pace.evaluation_s / pace.steps_between
    more = max(0, int(left_s / max(per_step, 1e-9)))
    if more < _CLOSE * done:
        more = 0  # not worth another evaluation
    total = min(most, done + more)
    if total > done and abs(total - planned) < _CLOSE * (total - done):
        return min(planned, most)
    return max(total, 1)


class TimePlan:
    """How many steps a training makes: those of all its epochs, or what fits into its time.

    Args:
        most: steps of all epochs.
        limit_s: seconds in all, those of earlier sittings included; None for no limit.
        planned: steps in all that an earlier sitting came to plan; None without one.
        steps_between: steps between two evaluations; None without any.
        processes: that share the evaluations.
        watch: the time that has passed.
        speed: how long things take.

    Attributes:
        steps: how many there will be in all.
    """

    def __init__(
        self,
        *,
        most: int,
        limit_s: float | None,
        planned: int | None,
        steps_between: int | None,
        processes: int,
        watch: Stopwatch,
        speed: Speed,
    ) -> None:
        self._most, self._limit_s, self._steps_between = most, limit_s, steps_between
        self._processes = processes
        self._watch, self._speed = watch, speed
        self._done_here = 0
        self.steps = most if limit_s is None else min(most, planned or most)

    @property
    def limited(self) -> bool:
        """Whether there is a limit, so that the plan may change."""
        return self._limit_s is not None

    def step_done(self) -> bool:
        """Count a step of this sitting; returns whether it is time to plan anew."""
        self._done_here += 1
        return self._done_here % _LOOK_EVERY == 0

    def fitting(self, done: int) -> int:
        """Return how many steps there should be in all by what things take now.

        Args:
            done: steps done in all.
        """
        if self._limit_s is None:
            return self.steps
        evaluates = self._steps_between is not None
        return planned_steps(
            done=done,
            planned=self.steps,
            most=self._most,
            left_s=self._left_s(self._limit_s),
            pace=Pace(
                step_s=self._speed.step_s,
                evaluation_s=self._speed.evaluation_s if evaluates else 0.0,
                steps_between=self._steps_between,
                processes=self._processes,
            ),
        )

    def steps_in_time(self, done: int) -> int:
        """Return the planned steps, or as many as the clock lets through where that is less.

        The plan is renewed only now and then, and a slow machine would seem to stand still.

        Args:
            done: steps done in all.
        """
        if self._limit_s is None or not self._speed.step_s:
            return self.steps
        fitting = done + math.ceil(self._left_s(self._limit_s) / self._speed.step_s)
        return max(1, min(self.steps, fitting))

    def eta_s(self, done: int, evaluations: float) -> float | None:
        """Return the seconds that remain; None before the first step.

        Args:
            done: steps done in all.
            evaluations: how many of them are to come, a part of one included.
        """
        eta_s = self._speed.eta_s(steps=self.steps - done, evaluations=evaluations)
        if eta_s is None or self._limit_s is None:
            return eta_s
        return max(0.0, min(eta_s, self._left_s(self._limit_s)))

    def _left_s(self, limit_s: float) -> float:
        return max(0.0, limit_s - self._watch.seconds_in_all)
