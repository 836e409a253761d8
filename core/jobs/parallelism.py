"""On a processor, ``auto`` shares a training among cores: so many processes with so many threads.

The engine alone keeps one core busy for most of a step: only large convolutions use threads. So
processes come first, each with its share of every batch, and threads take what cores are left.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from core.models.catalog import NETWORKS
from core.runs.kind_lookup import job_kind
from core.runs.kinds import TrainSpec
from core.runs.run_folder import RunFolder
from core.runs.spec import JobSpec
from core.system.device_choice import MOST_PROCESSES, launched_ranks
from core.system.devices import idle_cores, usable_cores
from core.system.engine_devices import training_devices
from core.system.files import write_json_atomic
from core.system.messages import Message, message

#: Batch norm measures the images of its own process: fewer than these make it too rough.
LEAST_SHARE: Final = 4
#: With these and more, one core stays for the window and everything else.
_SPARE_FROM: Final = 4
#: More threads do not make a step faster.
_MOST_THREADS: Final = 8
#: Share of the free memory that a training may take.
_MEMORY_SHARE: Final = 0.7
_THREADS: Final = "OMP_NUM_THREADS"
#: How long the engine's threads spin when they have nothing to do, in milliseconds: 200 by default.
_SPINNING: Final = "KMP_BLOCKTIME"
_FILE: Final = "parallelism.json"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parallelism:
    """``processes`` train together, each with so many ``threads``."""

    processes: int
    threads: int


_ADAPTER: Final = TypeAdapter(Parallelism)


def apply(
    spec: JobSpec, run: RunFolder, *, warn: Callable[[Message], None] = lambda _: None
) -> JobSpec:
    """Return ``spec`` with the processes that ``auto`` means here, and set the engine's threads.

    A run that goes on keeps what it was begun with, so that it ends with the same weights; unless
    this machine has fewer cores. Call before the engine is loaded: it looks at the threads then.

    Args:
        spec: returned as it is unless it is a training on ``auto``, without a GPU or a launcher.
        run: its folder, which remembers the choice.
        warn: is told when other programs leave less of the processor than there is.
    """
    if not isinstance(spec, TrainSpec) or not job_kind(spec).distributed or spec.device != "auto":
        return spec
    processor = training_devices()[0]
    if processor.kind != "cpu" or launched_ranks()[1] > 1:
        return spec
    usable = usable_cores()
    chosen = _remembered(run.path / _FILE, usable)
    if chosen is None:
        idle = idle_cores()
        memory = processor.free_bytes
        chosen = choose(spec, cores=free_cores(usable, idle), memory=memory)
        quiet = choose(spec, cores=free_cores(usable, usable), memory=memory)
        if chosen.processes * chosen.threads < quiet.processes * quiet.threads:
            warn(_busy(chosen, usable, idle))
        _LOG.info(
            "%d cores, %.1f of them idle: %d processes with %d threads each",
            usable,
            idle,
            chosen.processes,
            chosen.threads,
        )
        write_json_atomic(run.path / _FILE, asdict(chosen))
    else:
        _LOG.info("%d processes with %d threads as before", chosen.processes, chosen.threads)
    os.environ.setdefault(_THREADS, str(chosen.threads))
    os.environ.setdefault(_SPINNING, "0")
    return spec.model_copy(update={"device": device_name(chosen)})


def _busy(chosen: Parallelism, usable: int, idle: float) -> Message:
    return message(
        "Other programs use {busy} of {cores} {cores:core|cores}: this training has {processes} "
        "{processes:process|processes} of {threads} {threads:thread|threads} to its end.",
        busy=usable - round(idle),
        cores=usable,
        processes=chosen.processes,
        threads=chosen.threads,
    )


def device_name(parallelism: Parallelism) -> str:
    """Return how a spec names so many processes."""
    return "cpu" if parallelism.processes == 1 else f"cpu:{parallelism.processes}"


def free_cores(usable: int, idle: float) -> int:
    """Return how many cores to compute on: the idle ones, without one for the window if many."""
    spare = 1 if usable >= _SPARE_FROM else 0
    return max(1, min(round(idle), usable - spare))


def choose(spec: TrainSpec, *, cores: int, memory: int) -> Parallelism:
    """Return the processes and threads that use ``cores`` best.

    As many processes as share the batch evenly, with enough images each for batch norm, and fit
    the memory.

    Args:
        spec: its network, batch and image size count.
        cores: to compute on.
        memory: bytes that are free; 0 where nobody knows.
    """
    most = min(cores, spec.batch_size // LEAST_SHARE, MOST_PROCESSES)
    processes = next(
        count
        for count in range(max(1, most), 0, -1)
        if count == 1 or (spec.batch_size % count == 0 and _fits(spec, count, memory))
    )
    return Parallelism(processes, max(1, min(cores // processes, _MOST_THREADS)))


def _fits(spec: TrainSpec, processes: int, memory: int) -> bool:
    cost = NETWORKS[spec.model].cost
    pixels = math.prod(spec.image_size) * spec.batch_size
    needed = processes * cost.base_bytes + cost.bytes_per_pixel * pixels
    return not memory or needed <= _MEMORY_SHARE * memory


def _remembered(path: Path, usable: int) -> Parallelism | None:
    """Return what a run was begun with; None for a new one, or one from a larger machine."""
    try:
        found = _ADAPTER.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    known = found.processes >= 1 and found.threads >= 1
    return found if known and found.processes * found.threads <= usable else None
