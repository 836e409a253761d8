"""What the text of ``device`` names: one processor or GPU, or several."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from core.system.errors import InputError

#: How ``device`` may be written, for help texts.
DEVICE_FORMS: Final = "auto, cpu, gpu, gpu:0, gpu:0,1 or cpu:2"
MOST_PROCESSES: Final = 64

_FORM = re.compile(r"(auto|cpu|gpu)(?::(\d{1,4}(?:,\d{1,4})*))?")


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """One device for each process (rank) of a training.

    Attributes:
        kind: ``"auto"`` is a GPU if there is one.
        names: one name per rank as the engine takes it: ``"auto"``, ``"cpu"``, ``"gpu:0"``.
    """

    kind: Literal["auto", "cpu", "gpu"]
    names: tuple[str, ...]

    @property
    def is_several(self) -> bool:
        """Whether it takes more than one process."""
        return len(self.names) > 1


def parse_device(text: str) -> DeviceChoice:
    """Read ``text``: ``gpu:0,1`` are two GPUs, ``cpu:2`` two processes on the processor.

    Raises:
        InputError: it names no device.
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    numbers = [] if match is None or match[2] is None else [int(n) for n in match[2].split(",")]
    unknown = match is None or (match[1] == "auto" and numbers)
    count = numbers[0] if numbers else 1
    if unknown or (text.startswith("cpu") and (len(numbers) > 1 or not count >= 1)):
        raise InputError(
            "“{device}” is no device: give {forms}.", device=str(text), forms=DEVICE_FORMS
        )
    if text.startswith("cpu"):
        if count > MOST_PROCESSES:
            raise InputError(
                "{device} are more processes than the {most} that are possible.",
                device=text,
                most=MOST_PROCESSES,
            )
        return DeviceChoice("cpu", ("cpu",) * count)
    if text == "auto":
        return DeviceChoice("auto", ("auto",))
    if len(set(numbers)) < len(numbers):
        raise InputError("{device} names a GPU twice: give each once.", device=text)
    return DeviceChoice("gpu", tuple(f"gpu:{number}" for number in numbers or [0]))


def launched_ranks(environment: Mapping[str, str] | None = None) -> tuple[int, int]:
    """Return (rank, number of ranks) that the environment of a launcher says; (0, 1) without.

    Raises:
        InputError: the variables contradict each other.
    """
    variables = os.environ if environment is None else environment
    size = variables.get("PADDLE_TRAINERS_NUM", "1")
    rank = variables.get("PADDLE_TRAINER_ID", "0") if size != "1" else "0"
    if not (size.isdecimal() and rank.isdecimal() and int(rank) < int(size)):
        raise InputError(
            "PADDLE_TRAINER_ID is “{rank}” of PADDLE_TRAINERS_NUM “{size}”: start all processes "
            "with paddle.distributed.launch.",
            rank=rank,
            size=size,
        )
    return int(rank), int(size)
