"""Times one exported model in one runtime, in a process of its own."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np

# Nothing else here: a worker's peak memory is to be that of a program on the line.
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import Manifest, read_manifest
from core.portable.pictures import read_picture
from core.portable.portable_error import PortableError
from core.portable.tiling import needs_windows
from core.system.messages import Message, message

Stage = Literal["network", "file_to_mask"]
#: (N, …) → nothing: computes a batch.
Call: TypeAlias = Callable[[], object]
#: Most runs of one order: thousands tell no more.
_MOST_RUNS: Final = 200
_WARM_UP_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a worker runs.

    Attributes:
        folder: of the export.
        runtime: ``"onnxruntime"``, ``"openvino"`` or ``"paddle"``.
        provider: execution provider of ONNX Runtime, None for the processor.
        image: file that is predicted.
        network_size: (height, width) of the network's input for that image, where it takes any.
        spinning: whether threads of ONNX Runtime that wait keep their core busy.
    """

    folder: str
    runtime: str
    image: str
    network_size: tuple[int, int]
    provider: str | None = None
    spinning: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be timed for so many seconds, once at least.

    Attributes:
        stage: the network alone, or all from an image's file to its label map.
        threads: that compute.
        batch: images at once.
        seconds: no run starts later.
    """

    stage: Stage
    threads: int
    batch: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """An order's answer.

    Attributes:
        seconds: of each run; empty where there is a problem.
        version: of the runtime's library.
        precision: what it computes in.
        peak_bytes: most memory that the process ever had, 0 where the system does not say.
        problem: why nothing could be timed, or None.
    """

    seconds: tuple[float, ...] = ()
    version: str = ""
    precision: str = ""
    peak_bytes: int = 0
    problem: Message | None = None


def work(subject: Subject, orders: Connection) -> None:
    """Answer each order with ``Times``, until the other side closes the connection."""
    with contextlib.suppress(ValueError):  # not the main thread of a test
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it ends it
    worker = _Worker(subject)
    while True:
        try:
            order = orders.recv()
        except (EOFError, OSError):
            return
        try:
            answer = worker.times(order)
        except PortableError as error:
            answer = Times(problem=message(error.template, **error.params))
        except Exception as error:  # the runtimes' own kinds, which have no common base
            answer = Times(problem=message("It cannot be run here: {reason}.", reason=_what(error)))
        try:
            orders.send(answer)
        except OSError:
            return


class _Worker:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._predictors: dict[int, LinePredictor] = {}
        self._networks: dict[int, Callable[[Any], object]] = {}
        self._warm: set[tuple[Stage, int, int]] = set()

    @cached_property
    def _manifest(self) -> Manifest:
        return read_manifest(self._subject.folder)

    def times(self, order: Order) -> Times:
        call = self._call(order)
        key = (order.stage, order.threads, order.batch)
        if key not in self._warm:
            _timed(call, _WARM_UP_S)
            self._warm.add(key)
        seconds = tuple(_timed(call, order.seconds))
        runtime = self._predictor(order.threads).runtime if order.stage == "file_to_mask" else None
        return Times(
            seconds=seconds,
            version="" if runtime is None else runtime.version,
            precision="" if runtime is None else runtime.compute_precision,
            peak_bytes=peak_memory(),
        )

    def _call(self, order: Order) -> Call:
        if order.stage == "network":
            network = self._network(order.threads)
            batch = self._input(order.batch)
            return lambda: network(batch)
        predictor, image = self._predictor(order.threads), Path(self._subject.image)
        if order.batch == 1:
            return lambda: predictor.label_map(image)

        def several() -> object:
            images = [read_picture(image) for _ in range(order.batch)]
            if needs_windows(images[0], predictor.tiling):
                return [predictor.label_map(one) for one in images]
            return predictor.runtime.label_maps(np.stack(images))

        return several

    def _predictor(self, threads: int) -> LinePredictor:
        if threads not in self._predictors:
            self._predictors[threads] = self._open(threads)
        return self._predictors[threads]

    def _open(self, threads: int) -> LinePredictor:
        subject, manifest = self._subject, self._manifest
        if manifest.graph != "complete" or manifest.format == "paddle":
            from core.deploy.opening import open_export

            return open_export(subject.folder, runtime=subject.runtime, threads=threads)
        if subject.provider is None:
            return LinePredictor(
                subject.folder,
                runtime=subject.runtime,
                threads=threads,
                spinning=subject.spinning,
            )
        from core.portable.runtimes import OnnxRuntime

        file = Path(subject.folder) / manifest.model_file
        session = self._session(file, threads)
        runtime = OnnxRuntime(file, manifest, threads=threads, session=session)
        return LinePredictor.from_runtime(manifest, runtime)

    def _session(self, file: Path, threads: int) -> Any:
        from core.portable.onnx_sessions import open_session

        subject = self._subject
        return open_session(
            file, threads=threads, spinning=subject.spinning, provider=subject.provider
        )

    def _input(self, batch: int) -> Any:
        """Noise as the network takes it."""
        height, width = self._subject.network_size
        shape = (batch, 3, height, width)
        return np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def _network(self, threads: int) -> Callable[[Any], object]:
        if threads not in self._networks:
            self._networks[threads] = self._open_network(threads)
        return self._networks[threads]

    def _open_network(self, threads: int) -> Callable[[Any], object]:
        from core.deploy import network_alone

        folder, manifest = Path(self._subject.folder), self._manifest
        if manifest.format == "paddle":
            return network_alone.paddle_network(folder, manifest, threads=threads)
        file = folder / manifest.model_file
        if self._subject.runtime == "openvino":
            return network_alone.openvino_network(file, threads=threads)
        return network_alone.onnx_network(file, lambda alone: self._session(alone, threads))


def _what(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _timed(call: Call, seconds: float) -> list[float]:
    times: list[float] = []
    begin = time.perf_counter()
    end = begin
    while not times or (end - begin < seconds and len(times) < _MOST_RUNS):
        start = time.perf_counter()
        call()
        end = time.perf_counter()
        times.append(end - start)
    return times


def peak_memory() -> int:
    """Return the most memory that this process ever had in bytes, 0 where nothing tells."""
    if sys.platform == "linux":
        # Not getrusage: its maximum begins with that of the process that started this one.
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
