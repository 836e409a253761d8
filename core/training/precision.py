"""Half precision where the device computes it faster (automatic mixed precision, O1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import paddle

from core.system.errors import InputError

Amp = Literal["off", "auto", "bf16", "fp16"]
AMP_CHOICES: Final = ("off", "auto", "bf16", "fp16")

_TYPES = {"bf16": "bfloat16", "fp16": "float16"}
#: Compute capability from which a GPU has the type's matrix units.
_NEEDED = {"bf16": (8, 0), "fp16": (7, 0)}


def resolve_amp(amp: str, device: str) -> str | None:
    """Return the type that ``amp`` means on ``device``: ``"bf16"``, ``"fp16"`` or None for float32.

    ``"auto"`` prefers bf16, whose range is float32's, so that nothing overflows.

    Raises:
        InputError: an unknown choice, or one that the device lacks.
    """
    if amp not in AMP_CHOICES:
        raise InputError(
            "amp is “{value}”: give {known}.", value=str(amp), known=", ".join(AMP_CHOICES)
        )
    if amp == "off":
        return None
    has = _capability(device)
    if amp == "auto":
        return next((kind for kind, needed in _NEEDED.items() if has >= needed), None)
    if has < _NEEDED[amp]:
        raise InputError(
            "amp={amp} needs a GPU of compute capability {needed}, and {device} is none: set amp "
            "to “off” or “auto”.",
            amp=amp,
            needed=".".join(map(str, _NEEDED[amp])),
            device=device,
        )
    return amp


def _capability(device: str) -> tuple[int, int]:
    if not device.startswith("gpu"):
        return (0, 0)  # paddle's automatic precision does nothing on a processor
    major, minor = paddle.device.cuda.get_device_capability(device)
    return int(major), int(minor)


class Precision:
    """How one step computes.

    Args:
        amp: ``"bf16"``, ``"fp16"`` or None; see ``resolve_amp``.
    """

    def __init__(self, amp: str | None) -> None:
        self._type = None if amp is None else _TYPES[amp]
        # bf16 has float32's range and needs no scaling.
        self._scaler = paddle.amp.GradScaler(init_loss_scaling=2.0**15) if amp == "fp16" else None

    def forward(self, net: Any, images: Any) -> list[Any]:
        """Return the heads' logits, always float32: losses need its precision."""
        if self._type is None:
            logits: list[Any] = net(images)
            return logits
        with paddle.amp.auto_cast(level="O1", dtype=self._type):
            logits = net(images)
        return [one.astype("float32") for one in logits]

    def backward(self, loss: Any) -> None:
        """Add the gradients of ``loss``."""
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()

    def step(self, optimizer: Any) -> None:
        """Update the weights; with fp16 a step whose gradients overflowed is left out."""
        if self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()

    def state(self) -> dict[str, Any]:
        """Return the scaling's state, arrays and numbers; empty without scaling."""
        return {} if self._scaler is None else dict(self._scaler.state_dict())

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with ``state``; nothing happens where one side has no scaling.

        Raises:
            KeyError: it is no scaling's state.
        """
        if self._scaler is not None and state:
            self._scaler.load_state_dict(dict(state))
