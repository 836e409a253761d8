"""How long exported models take, in which runtime, with how many threads and images at once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from core.deploy.benchmark_worker import Order, Stage, Subject, Times, work
from core.models.model_folder import network_input_size
from core.portable.manifest import Manifest, read_manifest
from core.portable.runtimes import RUNTIMES
from core.system.devices import idle_cores, list_devices, usable_cores
from core.system.errors import InputError, portable_errors
from core.system.files import require_room
from core.system.messages import Message, message
from core.system.reporting import Reporter
from core.transforms import transforms_from_list

STAGES: Final[tuple[Stage, ...]] = ("network", "file_to_mask")
#: Execution providers of ONNX Runtime beside the processor's, by what people call them.
PROVIDERS: Final = {
    "CUDA": "CUDAExecutionProvider",
    "TensorRT": "TensorrtExecutionProvider",
    "DirectML": "DmlExecutionProvider",
}
BATCHES: Final = (1, 4)
#: Every configuration is timed so often, all others between: what else the machine does meanwhile
#: falls on all of them alike.
_ROUNDS: Final = 5
_SOME_SIZE: Final = (512, 512)
#: Threads that have just computed may keep their core busy for a moment.
_PAUSE_S: Final = 0.02
#: Busy cores from which times are not to be trusted.
_BUSY: Final = 0.5
#: A run of a large network on a slow machine, and opening it.
_PATIENCE_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Times of one configuration.

    Attributes:
        stage: ``"network"`` alone, or ``"file_to_mask"``: reading and decoding the file, and all
            that leads to its label map.
        threads: that computed.
        batch: images at once.
        p50_ms: half of the runs took no longer, milliseconds for the batch.
        p95_ms: 95 of 100 took no longer.
        images_per_second: over all runs.
        runs: how many were timed.
    """

    stage: Stage
    threads: int
    batch: int
    p50_ms: float
    p95_ms: float
    images_per_second: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One exported model in one runtime.

    Attributes:
        export: its folder.
        name: what tells it from the others, such as the folder's name.
        format: ``"onnx"``, ``"openvino"`` or ``"paddle"``.
        runtime: ``"onnxruntime"``, ``"openvino"`` or ``"paddle"``.
        device: ``"CPU"``, or what computes instead, such as ``"CUDA"``.
        version: of the runtime's library.
        precision: what it computes in.
        size_bytes: of the model's files.
        peak_memory_bytes: most memory of a process that does nothing else, its libraries included;
            0 where the system does not say.
        timings: of all configurations.
        problem: why it could not be timed, or None.
    """

    export: Path
    name: str
    format: str
    runtime: str
    device: str = "CPU"
    version: str = ""
    precision: str = ""
    size_bytes: int = 0
    peak_memory_bytes: int = 0
    timings: tuple[Timing, ...] = ()
    problem: Message | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types."""
        content = asdict(replace(self, timings=(), problem=None))
        content |= {"export": str(self.export), "timings": [asdict(one) for one in self.timings]}
        problem = self.problem
        content["problem"] = None if problem is None else str(problem)
        content["problem_message"] = (  # to be translated
            None
            if problem is None
            else {"template": problem.template, "params": dict(problem.params)}
        )
        return content

    def timing(self, stage: Stage, *, threads: int, batch: int = 1) -> Timing | None:
        """Return one configuration's times; None where it was not timed."""
        for one in self.timings:
            if (one.stage, one.threads, one.batch) == (stage, threads, batch):
                return one
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Times of exported models that were taken together.

    Attributes:
        measured: every model in every runtime that is there.
        image_size: (width, height) of the image that was predicted.
        processor: its name.
        cores: that this program may use.
        idle_cores: that nothing else kept busy, before and after, the smaller number.
        seconds: that it took.
    """

    measured: tuple[Measured, ...]
    image_size: tuple[int, int]
    processor: str
    cores: int
    idle_cores: float
    seconds: float

    @property
    def busy(self) -> bool:
        """Whether other work was going on."""
        return self.cores - self.idle_cores > _BUSY

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types."""
        content = asdict(replace(self, measured=()))
        content |= {"busy": self.busy, "image_size": list(self.image_size)}
        content["measured"] = [one.to_dict() for one in self.measured]
        return content


@dataclass(slots=True)
class _Running:
    """One worker, and what it has told."""

    measured: Measured
    subject: Subject
    connection: Any = None
    process: Any = None
    seconds: dict[tuple[Stage, int, int], list[float]] = field(default_factory=dict)
    problem: Message | None = None
    told: Times = field(default_factory=Times)


def benchmark_exports(
    folders: Sequence[str | Path],
    *,
    image_size: tuple[int, int] | None = None,
    threads: Sequence[int] | None = None,
    batches: Sequence[int] = BATCHES,
    seconds: float = 1.0,
    spinning: bool = True,
    reporter: Reporter | None = None,
) -> Benchmark:
    """Time exported models in all runtimes that read them and are there.

    Each model has a process of its own in each runtime. They are asked in turn, in another order
    each time, so that all see the same machine. Threads are compared with one image at a time,
    batches with the most threads.

    Args:
        folders: what exports wrote.
        image_size: (width, height) of the image to predict; None for the first model's own input.
        threads: numbers to compare; None for 1, 2, 4 … and as many as there are cores.
        batches: numbers of images to compare; one is always among them.
        seconds: for each configuration, runs before that not counted.
        spinning: whether threads of ONNX Runtime that wait keep their core busy: faster where the
            program has its cores to itself.
        reporter: is told of progress, and may stop the work.

    Raises:
        InputError: a folder is no export, or damaged, or a number makes no sense.
    """
    began = time.monotonic()
    reporter = reporter or Reporter()
    manifests = _manifests(folders)
    cores = usable_cores()
    counts = sorted(set(_checked("threads", threads or _thread_counts(cores))))
    numbers = sorted({1, *_checked("batches", batches)})
    if not seconds > 0:
        raise InputError("{name} is {value}: give more than 0.", name="seconds", value=seconds)
    size = image_size or _usual_size(manifests)
    idle = idle_cores()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        image = _write_image(Path(folder), size)
        running = [
            _Running(measured, subject)
            for path, manifest in manifests.items()
            for measured, subject in _subjects(path, manifest, image, size, spinning)
        ]
        _name_apart(running)
        plan = [(stage, count, 1) for stage in STAGES for count in counts]
        plan += [(stage, counts[-1], number) for stage in STAGES for number in numbers[1:]]
        steps = len(running) * (1 + len(plan) * (_ROUNDS + 1))
        progress = _Progress(reporter, steps)
        for one in running:
            _measure_memory(one, threads=counts[-1])
            progress.step()
        # What is offered need not work: a driver or a card may be missing.
        running = [one for one in running if one.problem is None or one.subject.provider is None]
        with _workers(running):
            # The first turn opens and warms up, and does not count.
            for turn in range(_ROUNDS + 1):
                configurations = [(one, key) for one in running for key in plan]
                for index in np.random.default_rng(turn).permutation(len(configurations)):
                    one, key = configurations[index]
                    _time(one, key, seconds=seconds / _ROUNDS if turn else 0.0, counts=turn > 0)
                    progress.step()
    return Benchmark(
        measured=tuple(_summary(one) for one in running),
        image_size=size,
        processor=list_devices()[0].name,
        cores=cores,
        idle_cores=min(idle, idle_cores()),
        seconds=time.monotonic() - began,
    )


class _Progress:
    def __init__(self, reporter: Reporter, steps: int) -> None:
        self._reporter, self._steps, self._done = reporter, steps, 0

    def step(self) -> None:
        self._done += 1
        self._reporter.check()
        self._reporter.progress(self._done, self._steps, stage="benchmark")


def _manifests(folders: Sequence[str | Path]) -> dict[Path, Manifest]:
    if not folders:
        raise InputError("Give one exported model to time at least.")
    with portable_errors():
        return {Path(folder).absolute(): read_manifest(folder) for folder in folders}


def _checked(name: str, values: Sequence[int]) -> list[int]:
    for value in values:
        if value < 1:
            raise InputError("{name} is {value}: give 1 or more.", name=name, value=value)
    return list(values)


def _thread_counts(cores: int) -> list[int]:
    counts = [2**power for power in range(cores.bit_length()) if 2**power < cores]
    return [*counts, cores]


def _usual_size(manifests: dict[Path, Manifest]) -> tuple[int, int]:
    for manifest in manifests.values():
        if (size := network_input_size(manifest.preprocessing or ())) is not None:
            return size
        if manifest.input.width is not None and manifest.input.height is not None:
            return manifest.input.width, manifest.input.height
    return _SOME_SIZE


def _write_image(folder: Path, size: tuple[int, int]) -> Path:
    """Write a photograph of nothing: soft shapes and a little noise, as JPEG."""
    width, height = size
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (-(-height // 32) + 1, -(-width // 32) + 1, 3), np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 3, soft.shape)
    picture: npt.NDArray[np.uint8] = np.clip(soft + noise, 0, 255).astype(np.uint8)
    done, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not done:
        raise InputError("{width}×{height} pixels make no image.", width=width, height=height)
    require_room(folder, len(content))
    file = folder / "image.jpg"
    file.write_bytes(content.tobytes())
    return file


def _subjects(
    folder: Path, manifest: Manifest, image: Path, size: tuple[int, int], spinning: bool
) -> Iterator[tuple[Measured, Subject]]:
    """Yield the runtimes that a model is timed in."""
    size_bytes = sum(
        file.stat().st_size
        for file in folder.glob("model.*")
        if file.suffix in (".onnx", ".xml", ".bin", ".json", ".pdiparams")
    )
    network = _network_size(manifest, size)
    for runtime, device in _runtimes(manifest):
        measured = Measured(
            export=folder,
            name=folder.name,
            format=manifest.format,
            runtime=runtime,
            device=device,
            size_bytes=size_bytes,
        )
        yield (
            measured,
            Subject(
                folder=str(folder),
                runtime=runtime,
                image=str(image),
                network_size=network,
                provider=PROVIDERS.get(device),
                spinning=spinning,
            ),
        )


def _runtimes(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the names of runtimes and devices."""
    if manifest.format == "paddle":
        yield "paddle", "CPU"
        return
    able = [name for name in RUNTIMES[manifest.format] if find_spec(name) is not None]
    if manifest.graph != "complete":  # what is prepared here runs in its own runtime
        able = able[:1]
    for name in able:
        yield name, "CPU"
    if manifest.graph == "complete" and "onnxruntime" in able:
        import onnxruntime

        offered = onnxruntime.get_available_providers()
        for device, provider in PROVIDERS.items():
            if provider in offered:
                yield "onnxruntime", device


def _network_size(manifest: Manifest, size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the network's input for an image, or for a window of it."""
    width, height = size
    tiling = manifest.tiling
    if tiling is not None and manifest.graph == "complete":
        width, height = min(width, tiling.width), min(height, tiling.height)
    if manifest.preprocessing:
        prepared = transforms_from_list([dict(item) for item in manifest.preprocessing])(
            {"image": np.zeros((height, width, 3), np.uint8)}
        )["image"]
        height, width = prepared.shape[:2]
    if tiling is not None and manifest.graph == "plain":
        width, height = min(width, tiling.width), min(height, tiling.height)
    multiple = manifest.size_multiple
    return height + -height % multiple, width + -width % multiple


def _name_apart(running: Sequence[_Running]) -> None:
    """Call models by their folders' names, or by their paths where those are alike."""
    folders: dict[str, set[Path]] = {}
    for one in running:
        folders.setdefault(one.measured.name, set()).add(one.measured.export)
    for one in running:
        if len(folders[one.measured.name]) > 1:
            one.measured = replace(one.measured, name=str(one.measured.export))


def _measure_memory(one: _Running, *, threads: int) -> None:
    """Run a few images in a process that does nothing else."""
    with _workers([one]):
        answer = _ask(one, Order(stage="file_to_mask", threads=threads, batch=1, seconds=0.1))
    if answer is not None:
        one.told = answer


@contextmanager
def _workers(running: Sequence[_Running]) -> Iterator[None]:
    context = get_context("spawn")
    try:
        for one in running:
            if one.problem is not None:
                continue
            one.connection, orders = context.Pipe()
            one.process = context.Process(
                target=work, args=(one.subject, orders), daemon=True, name="benchmark"
            )
            one.process.start()
            orders.close()
        yield
    finally:
        for one in running:
            if one.connection is not None:
                one.connection.close()
        for one in running:
            if one.process is not None:
                one.process.join(5)
                if one.process.is_alive():
                    one.process.kill()
                    one.process.join()
                one.process.close()
            one.connection = one.process = None


def _time(one: _Running, key: tuple[Stage, int, int], *, seconds: float, counts: bool) -> None:
    if one.problem is not None:
        return
    time.sleep(_PAUSE_S)
    stage, threads, batch = key
    answer = _ask(one, Order(stage=stage, threads=threads, batch=batch, seconds=seconds))
    if answer is not None and counts:
        one.seconds.setdefault(key, []).extend(answer.seconds)


def _ask(one: _Running, order: Order) -> Times | None:
    """Return a worker's answer; None where it has a problem, which is noted."""
    if one.problem is not None:
        return None
    try:
        one.connection.send(order)
        if not one.connection.poll(_PATIENCE_S):
            one.problem = message("No run ended within {seconds} seconds.", seconds=_PATIENCE_S)
            return None
        answer: Times = one.connection.recv()
    except (EOFError, OSError):
        one.problem = message("Its process ended: the memory may not have sufficed.")
        return None
    one.problem = answer.problem
    return answer if answer.problem is None else None


def _summary(one: _Running) -> Measured:
    timings = []
    for (stage, threads, batch), seconds in sorted(one.seconds.items()):
        p50, p95 = np.percentile(seconds, [50, 95])
        timings.append(
            Timing(
                stage=stage,
                threads=threads,
                batch=batch,
                p50_ms=float(p50) * 1e3,
                p95_ms=float(p95) * 1e3,
                images_per_second=batch * len(seconds) / sum(seconds),
                runs=len(seconds),
            )
        )
    return replace(
        one.measured,
        version=one.told.version,
        precision=one.told.precision,
        peak_memory_bytes=one.told.peak_bytes,
        timings=tuple(timings),
        problem=one.problem,
    )
