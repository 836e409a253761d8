"""How many steps fit into the time that a person gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Steps between looks at the clock; the very first ones warm up.
LOOK_EVERY: Final = 12
#: A plan stays while it is off by less than this share of the steps that are left.
_CLOSE: Final = 0.02
#: Times of an evaluation that adjusting and measuring the best model takes when the training is
#: over: predictions of mirror images count twice.
_AFTERWARDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What things take now, in seconds; ``steps_between`` evaluations, None without any."""

    step_s: float
    evaluation_s: float
    steps_between: int | None


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
        left_s -= (1 + _AFTERWARDS) * pace.evaluation_s
        per_step += pace.evaluation_s / pace.steps_between
    more = max(0, int(left_s / max(per_step, 1e-9)))
    if more < _CLOSE * done:
        more = 0  # not worth another evaluation
    total = min(most, done + more)
    if total > done and abs(total - planned) < _CLOSE * (total - done):
        return min(planned, most)
    return max(total, 1)
