"""What the times of exported models advise, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.deploy.benchmarking import Benchmark, Measured, Timing
from core.system.messages import Message, message

#: Times closer than this are one and the same.
_ALIKE: Final = 1.05
#: Batches must bring so much to be worth waiting for.
_WORTH_IT: Final = 1.1
_STAGE: Final = "file_to_mask"
_TITLES: Final = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "paddle": "Paddle"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """How one exported model is best run on this machine.

    Attributes:
        export: its folder.
        name: what it is called here.
        runtime: ``"onnxruntime"``, ``"openvino"`` or ``"paddle"``.
        device: ``"CPU"``, or what computes instead.
        threads: that compute.
        p50_ms: from file to label map, milliseconds; half of the runs took no longer.
        p95_ms: 95 of 100 took no longer.
    """

    export: Path
    name: str
    runtime: str
    device: str
    threads: int
    p50_ms: float
    p95_ms: float


def recommendations(benchmark: Benchmark) -> tuple[Recommendation, ...]:
    """Return the best runtime and threads of each model, the fastest model first.

    Of threads that are as fast the fewest are taken, and of runtimes the one that is named first.
    """
    best = [_best(group) for group in _by_export(benchmark.measured)]
    return tuple(sorted((one for one in best if one is not None), key=lambda one: one.p50_ms))


def advice(benchmark: Benchmark) -> tuple[Message, ...]:
    """Return sentences: what to run with what, what batches bring, whether times can be trusted."""
    return tuple(_sentences(benchmark))


def runtime_title(runtime: str, device: str = "CPU") -> str:
    """Return what people call a runtime, with the device where that is not the processor."""
    title = _TITLES.get(runtime, runtime)
    return title if device == "CPU" else f"{title} ({device})"


def _sentences(benchmark: Benchmark) -> Iterator[Message]:
    best = recommendations(benchmark)
    for one in best:
        told = {
            "name": one.name,
            "runtime": runtime_title(one.runtime, one.device),
            "threads": one.threads,
            "ms": f"{one.p50_ms:.1f}",
            "most": f"{one.p95_ms:.1f}",
        }
        if one.threads == 1:
            yield message(
                "{name}: run it in {runtime} with 1 thread: {ms} ms from file to mask, {most} ms "
                "or less in 95 of 100.",
                **told,
            )
        else:
            yield message(
                "{name}: run it in {runtime} with {threads} threads: {ms} ms from file to mask, "
                "{most} ms or less in 95 of 100.",
                **told,
            )
        group = [each for each in benchmark.measured if each.export == one.export]
        yield from _others(one, group)
        yield from _batches(one, group)
    if len(best) > 1:
        yield message(
            "{name} is the fastest, {other} takes {ratio} times as long.",
            name=best[0].name,
            other=best[-1].name,
            ratio=f"{best[-1].p50_ms / best[0].p50_ms:.2f}",
        )
    if benchmark.busy:
        yield message(
            "{busy} of {cores} {cores:core was|cores were} busy with other work: all times are "
            "longer than on a quiet machine, and less sure.",
            busy=f"{benchmark.cores - benchmark.idle_cores:.1f}",
            cores=benchmark.cores,
        )


def _others(best: Recommendation, group: Sequence[Measured]) -> Iterator[Message]:
    """Compare the other runtimes with the best one."""
    for one in group:
        if (one.runtime, one.device) == (best.runtime, best.device):
            continue
        title = runtime_title(one.runtime, one.device)
        own = _best([one])
        if own is None:
            continue
        ratio = own.p50_ms / best.p50_ms
        if ratio < _ALIKE:
            yield message("{name} in {runtime} takes as long.", name=best.name, runtime=title)
        else:
            yield message(
                "{name} in {runtime} takes {ratio} times as long.",
                name=best.name,
                runtime=title,
                ratio=f"{ratio:.2f}",
            )


def _batches(best: Recommendation, group: Sequence[Measured]) -> Iterator[Message]:
    (measured,) = [one for one in group if (one.runtime, one.device) == (best.runtime, best.device)]
    timings = [one for one in measured.timings if one.stage == _STAGE]
    several = [one for one in timings if one.batch > 1]
    if not several:
        return
    single = max(one.images_per_second for one in timings if one.batch == 1)
    most = max(several, key=lambda one: one.images_per_second)
    if most.images_per_second > _WORTH_IT * single:
        yield message(
            "{name}: where images may wait for each other, {batch} at once make {rate} a second "
            "instead of {single}.",
            name=best.name,
            batch=most.batch,
            rate=f"{most.images_per_second:.1f}",
            single=f"{single:.1f}",
        )
    else:
        yield message(
            "{name}: several images at once are not faster than one after the other.",
            name=best.name,
        )


def _best(group: Sequence[Measured]) -> Recommendation | None:
    found: list[tuple[Measured, Timing]] = [
        (one, timing)
        for one in group
        if one.problem is None
        for timing in one.timings
        if timing.stage == _STAGE and timing.batch == 1
    ]
    if not found:
        return None
    fastest = min(timing.p50_ms for _, timing in found)
    alike = [pair for pair in found if pair[1].p50_ms <= _ALIKE * fastest]
    measured, timing = min(alike, key=lambda pair: pair[1].threads)
    return Recommendation(
        export=measured.export,
        name=measured.name,
        runtime=measured.runtime,
        device=measured.device,
        threads=timing.threads,
        p50_ms=timing.p50_ms,
        p95_ms=timing.p95_ms,
    )


def _by_export(measured: Sequence[Measured]) -> Iterator[list[Measured]]:
    for export in dict.fromkeys(one.export for one in measured):
        yield [one for one in measured if one.export == export]
