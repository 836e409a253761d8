"""The best score of a training, and when there is no hope of a better one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BestScore:
    """The best score so far and how many evaluations in a row did not beat it.

    PaddleX compares with the previous evaluation, which a slow zigzag downwards never trips;
    here the comparison is with the best.
    """

    patience: int | None = None
    score: float | None = None
    epoch: int = 0
    stale: int = 0

    def update(self, score: float | None, epoch: int) -> bool:
        """Take in an evaluation (None: nothing to compare); return whether it is the best so far.

        The best epoch done once more, after a resume from before it, is the best again.
        """
        again = score == self.score and epoch == self.epoch
        if score is not None and (self.score is None or score > self.score or again):
            self.score, self.epoch, self.stale = score, epoch, 0
            return True
        self.stale += 1
        return False

    @property
    def exhausted(self) -> bool:
        """Whether training should stop early."""
        return self.patience is not None and self.stale >= self.patience
