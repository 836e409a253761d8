"""``benchmark``: how long exported models take on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.environment import EXIT_BAD_INPUT
from core.cli.shared_options import JsonOption
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.deploy.benchmarking import Benchmark


def command(
    exports: Annotated[
        list[Path], typer.Option("--export", metavar="DIR", help="What an export wrote.")
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR…", help="Further exports.")
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            "--image-size",
            metavar="WxH",
            help="Size of the image to predict; by default what the first model's network takes.",
        ),
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(
            "--threads",
            metavar="N",
            min=1,
            help="Compare with so many threads; by default 1, 2, 4 … and one for each core. May "
            "be given several times.",
        ),
    ] = None,
    batch: Annotated[
        list[int] | None,
        typer.Option(
            "--batch",
            metavar="N",
            min=1,
            help="Compare with so many images at once; by default 1 and 4. May be given several "
            "times.",
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option("--seconds", metavar="S", min=0.05, help="For each configuration; 1."),
    ] = 1.0,
    shared: Annotated[
        bool,
        typer.Option(
            "--shared-cores",
            help="Measure for a program that shares its cores with others: threads that wait "
            "leave them.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Time exported models side by side, in every runtime that is there.

    ONNX Runtime and OpenVINO, with all numbers of threads and several images at once, the network
    alone and everything from file to mask. All are timed in turn, so that they are comparable,
    and words say what to run.
    """
    from core.cli.console import err, out, print_json
    from core.cli.job_runner import count_progress
    from core.cli.shared_options import parse_size
    from core.deploy.benchmark_advice import advice, recommendations
    from core.deploy.benchmarking import BATCHES, benchmark_exports

    with count_progress("timing") as update:
        result = benchmark_exports(
            [*exports, *(more or ())],
            image_size=None if image_size is None else parse_size(image_size),
            threads=threads,
            batches=batch or BATCHES,
            seconds=seconds,
            spinning=not shared,
            reporter=_Progress(update),
        )
    sentences = [str(one) for one in advice(result)]
    if json:
        best = recommendations(result)
        content = result.to_dict() | {"advice": sentences}
        content["recommended"] = [
            {"export": str(one.export), "runtime": one.runtime, "device": one.device}
            | {"threads": one.threads, "p50_ms": one.p50_ms, "p95_ms": one.p95_ms}
            for one in best
        ]
        print_json(content)
    else:
        _show(result)
        for sentence in sentences:
            out().print(sentence, markup=False)
    for one in result.measured:
        if one.problem is not None:
            where = f"{one.name} in {one.runtime} ({one.device})"
            err().print(f"warning: {where}: {one.problem}", markup=False)
    if all(one.problem is not None for one in result.measured):
        raise typer.Exit(EXIT_BAD_INPUT)


class _Progress(Reporter):
    """Moves a bar."""

    def __init__(self, update: Callable[[int, int], None]) -> None:
        self._update = update

    def progress(self, step: int, steps: int, **_details: Any) -> None:
        """``step`` of ``steps`` is done."""
        self._update(step, steps)


def _show(result: Benchmark) -> None:
    """Print a table for each model in each runtime."""
    from rich.table import Table

    from core.cli.console import out
    from core.deploy.benchmark_advice import runtime_title

    width, height = result.image_size
    out().print(f"{width}×{height} pixels, {result.cores} cores, {result.processor}", markup=False)
    for one in result.measured:
        if one.problem is not None:
            continue
        title = runtime_title(one.runtime, one.device)
        memory = f", memory {one.peak_memory_bytes / 1e6:.0f} MB" if one.peak_memory_bytes else ""
        line = f"{one.name} in {title} {one.version}, {one.precision}: "
        out().print(f"\n{line}file {one.size_bytes / 1e6:.1f} MB{memory}", markup=False)
        table = Table(box=None, pad_edge=False)
        for name in ("threads", "images", "network ms", "file to mask ms", "p95 ms", "images/s"):
            table.add_column(name, justify="right")
        for whole in one.timings:
            if whole.stage != "file_to_mask":
                continue
            alone = one.timing("network", threads=whole.threads, batch=whole.batch)
            table.add_row(
                str(whole.threads),
                str(whole.batch),
                "" if alone is None else f"{alone.p50_ms:.1f}",
                f"{whole.p50_ms:.1f}",
                f"{whole.p95_ms:.1f}",
                f"{whole.images_per_second:.1f}",
            )
        out().print(table)
    out().print()
