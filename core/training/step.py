"""One optimizer step: over parts of a batch, over several ranks, in half precision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import paddle

from core.images.io import IGNORE_INDEX
from core.training.batch_norm import statistics_of_each_rank
from core.training.distributed import Ranks
from core.training.losses import HeadsLoss, Part
from core.training.moving_average import WeightAverage, load_trained
from core.training.optimizers import step_schedule
from core.training.precision import Precision
from core.training.seeding import step_seed

_SCALER, _TRAINED = "scaler", "trained_weights"


class TrainStep:
    """Computes gradients and updates the weights.

    Args:
        net: the network; its own layers and parameter objects stay what they are.
        loss: of its heads' logits.
        optimizer: of its parameters.
        ranks: those that train together.
        amp: ``"bf16"``, ``"fp16"`` or None.
        ema_decay: of the weights' moving average; None for none.
        seed: of what the network itself draws.
    """

    def __init__(
        self,
        net: Any,
        loss: HeadsLoss,
        optimizer: Any,
        *,
        ranks: Ranks,
        amp: str | None = None,
        ema_decay: float | None = None,
        seed: int,
    ) -> None:
        self._net = net
        self._loss = loss
        self._optimizer = optimizer
        self._ranks = ranks
        self._precision = Precision(amp)
        self._seed = seed
        self._forward = ranks.data_parallel(net)
        # After that line all ranks have the same weights.
        self._average = None if ema_decay is None else WeightAverage(net, ema_decay)
        self._statistics = [] if ranks.size == 1 else statistics_of_each_rank(net)

    def __call__(self, parts: Sequence[tuple[Any, Any]], step: int) -> tuple[Any, float]:
        """Do the step after ``step`` steps, with this rank's ``parts`` (images, masks) of a batch.

        Returns:
            This rank's share of the loss (the ranks' shares add up to the batch's loss), a
            scalar tensor, and the learning rate.
        """
        # Seeded per step: dropout then depends on the step alone, however often one resumes.
        paddle.seed(step_seed(self._seed, step, self._ranks.rank))
        whole = self._whole(parts)
        loss = None
        for index, (images, masks) in enumerate(parts):
            with self._without_exchange(last=index == len(parts) - 1):
                one = self._loss(self._precision.forward(self._forward, images), masks, whole)
                # Ranks' gradients are averaged, but their losses are shares of a sum.
                self._precision.backward(one if self._ranks.size == 1 else one * self._ranks.size)
            loss = one.detach() if loss is None else loss + one.detach()
        rate = float(self._optimizer.get_lr())
        self._precision.step(self._optimizer)
        self._optimizer.clear_grad()
        step_schedule(self._optimizer)
        self._ranks.mean_(self._statistics)
        if self._average is not None:
            self._average.update(step + 1)
        return loss, rate

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Within, the network has the weights that are evaluated and saved."""
        with contextlib.nullcontext() if self._average is None else self._average.applied():
            yield

    def finish(self) -> None:
        """Leave the weights that were saved in the network."""
        if self._average is not None:
            self._average.apply()

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold beside weights and optimizer; call in ``saving``."""
        state: dict[str, Any] = {}
        if scaling := self._precision.state():
            state[_SCALER] = scaling
        if self._average is not None:
            state[_TRAINED] = self._average.trained_weights()
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with ``state``, after the checkpoint's weights were loaded into the network.

        Without an average now, training goes on with the weights that the optimizer worked on.

        Raises:
            KeyError, ValueError, TypeError, AttributeError: it is damaged or another network's.
        """
        trained = state.get(_TRAINED)
        if self._average is not None:
            self._average.restore(trained)
        elif trained is not None:
            load_trained(self._net.state_dict(), trained)
        self._precision.restore(state.get(_SCALER) or {})

    def _whole(self, parts: Sequence[tuple[Any, Any]]) -> Part | None:
        """What all ranks' parts together are; None where there is only one."""
        count = len(parts) * self._ranks.size
        if count == 1:
            return None
        with paddle.no_grad():
            pixels = paddle.stack([(masks != IGNORE_INDEX).sum() for _, masks in parts]).sum()
            pixels = self._ranks.sum_(pixels)
            return Part(
                pixels=pixels.astype("float32").clip(min=1.0),
                share=1.0 / count,
                ranks=self._ranks.size,
                sum_over_ranks=self._ranks.sum_,
            )

    def _without_exchange(self, *, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Only the last part's backward pass sends gradients to the other ranks: all of them."""
        alone = self._ranks.size == 1
        silent: contextlib.AbstractContextManager[Any] = (
            contextlib.nullcontext() if last or alone else self._forward.no_sync()
        )
        return silent
