"""``gpu``: the environment that lets jobs compute on the GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.shared_options import JsonOption
from core.system.errors import InputError
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from core.system.gpu_environment.environment_folders import GpuEnvironment
    from core.system.gpu_environment.environment_status import GpuStatus

BuildOption = Annotated[
    str | None,
    typer.Option(
        "--build",
        metavar="cu118|cu126|cu129",
        help="Build of Paddle; by default the one that fits this computer's GPU and driver.",
    ),
]
IndexOption = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="URL",
        help="Package index with the GPU builds, instead of Paddle's own; {build} in it stands for "
        "the build's name.",
    ),
]

_STAGES = {
    "find": "looking for the packages",
    "download": "downloading",
    "check": "checking the prepared files",
    "unpack": "unpacking",
    "test": "one training step on the GPU",
}
_SAFE_TAGS = ("3.11", "3.12")


def build_app() -> typer.Typer:
    """Return the commands below ``gpu``."""
    app = typer.Typer(
        help="Let jobs compute on an NVIDIA GPU: an environment of its own, made, tested, removed.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command("status")(status)
    app.command("install")(install)
    app.command("on")(turn_on)
    app.command("off")(turn_off)
    app.command("remove")(remove)
    app.command("prepare")(prepare)
    return app


def status(json: JsonOption = False) -> None:
    """Say which GPU is here, which build fits it, and what jobs compute on."""
    from core.cli.console import out, print_json

    found = _status()
    if json:
        print_json(_as_json(found))
        return
    for line in _lines(found):
        out().print(line, markup=False)


def install(
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Folder that “gpu prepare” wrote; no internet."),
    ] = None,
    build: BuildOption = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Make the environment for this computer's GPU, try it, and switch it on.

    What an interruption leaves is gone on with.
    """
    from core.cli.console import out, print_json
    from core.system.gpu_environment.environment_making import install_environment

    with _progress() as reporter:
        made = install_environment(
            build=build,
            source=None if source is None else source.absolute(),
            index=index,
            reporter=reporter,
        )
    if json:
        print_json(_environment_json(made))
    else:
        out().print(f"Jobs now compute on {made.record.tested.gpu}.", markup=False)


def turn_on() -> None:
    """Have jobs compute on the GPU again, with the environment that is there."""
    from core.cli.console import out
    from core.system.gpu_environment.environment_folders import switch_on

    found = _status()
    if found.environment is None:
        raise InputError("There is no GPU environment: make it with gpu install.")
    if found.problem is not None:
        raise InputError(found.problem.template, **found.problem.params)
    switch_on(found.environment)
    out().print(f"Jobs now compute on {found.environment.record.tested.gpu}.", markup=False)


def turn_off() -> None:
    """Have jobs compute on the processor; the environment stays for later."""
    from core.cli.console import out
    from core.system.gpu_environment.environment_folders import switch_off

    switch_off()
    out().print("Jobs now compute on the processor.")


def remove() -> None:
    """Go back to the processor and delete the environment, finished or not."""
    from core.cli.console import out
    from core.system.gpu_environment.environment_making import remove_environments

    freed = remove_environments()
    out().print(f"Jobs now compute on the processor; {freed / 1e9:.1f} GB are free again.")


def prepare(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="New folder, to carry to the other computer."),
    ],
    build: BuildOption = None,
    system: Annotated[
        str | None,
        typer.Option(
            "--system",
            metavar="linux|windows",
            help="Of the other computer; by default this one's.",
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            metavar="3.11|3.12",
            help="Of the other computer's program; by default this one's.",
        ),
    ] = None,
    index: IndexOption = None,
    json: JsonOption = False,
) -> None:
    """Download what “gpu install --from” needs on a computer without internet."""
    from core.cli.console import out as output
    from core.cli.console import print_json
    from core.system.gpu_environment.environment_making import choose_build, prepare_folder
    from core.system.gpu_environment.wheel_files import PLATFORMS, this_system

    if system is not None and system not in PLATFORMS:
        raise InputError("--system {value}: give linux or windows.", value=system)
    if python is not None and python not in _SAFE_TAGS:
        raise InputError("--python {value}: give 3.11 or 3.12.", value=python)
    with _progress() as reporter:
        prepared = prepare_folder(
            out.absolute(),
            build=build or choose_build(),
            system=system or this_system(),
            python=None if python is None else "cp" + python.replace(".", ""),
            index=index,
            reporter=reporter,
        )
    if json:
        print_json({"folder": str(out.absolute()), **prepared.model_dump(mode="json")})
    else:
        size = sum(wheel.size for wheel in prepared.wheels) / 1e9
        output().print(
            f"{len(prepared.wheels)} files, {size:.1f} GB, in {out}. On the other computer: gpu "
            f"install --from {out.name}",
            markup=False,
        )


def _status() -> GpuStatus:
    from core.system.devices import list_devices
    from core.system.gpu_environment.environment_status import gpu_status

    return gpu_status(list_devices())


def _lines(found: GpuStatus) -> Iterator[str]:
    gpu = found.gpu
    if gpu is None:
        yield "GPU          none, or no NVIDIA driver"
    else:
        capability = ".".join(str(part) for part in gpu.compute_capability or ())
        yield f"GPU          {gpu.name}, compute capability {capability}"
        yield f"driver       {gpu.driver}, runs CUDA up to {gpu.cuda}"
        yield f"build        {found.build or found.reason}"
    if found.environment is None:
        begun = ", begun: gpu install goes on with it" if found.is_begun else ""
        yield f"environment  none{begun}"
    else:
        record = found.environment.record
        yield f"environment  Paddle {record.engine} ({record.build}) in {found.environment.folder}"
    if found.problem is not None:
        yield f"problem      {found.problem}"
    yield f"jobs use     {'the GPU' if found.is_used else 'the processor'}"


def _as_json(found: GpuStatus) -> dict[str, Any]:
    gpu = found.gpu
    return {
        "gpu": None
        if gpu is None
        else {
            "name": gpu.name,
            "driver": gpu.driver,
            "cuda": gpu.cuda,
            "compute_capability": gpu.compute_capability,
            "memory_bytes": gpu.memory_bytes,
        },
        "build": found.build,
        "reason": None if found.reason is None else str(found.reason),
        "environment": None if found.environment is None else _environment_json(found.environment),
        "on": found.is_on,
        "used": found.is_used,
        "problem": None if found.problem is None else str(found.problem),
        "begun": found.is_begun,
    }


def _environment_json(environment: GpuEnvironment) -> dict[str, Any]:
    record = environment.record.model_dump(mode="json", exclude={"watched"})
    return {"folder": str(environment.folder), **record}


class _BarReporter(Reporter):
    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task
        self._stage = ""

    def progress(self, step: int, steps: int, *, stage: str = "", **_told: Any) -> None:
        if stage != self._stage:
            self._stage = stage
            if not self._bar.console.is_terminal:
                self._bar.console.print(_STAGES[stage])
        is_counted = stage in ("download", "check")
        self._bar.update(
            self._task,
            description=_STAGES[stage],
            completed=step if is_counted else 0,
            total=steps if is_counted else None,
            facts=f"{step >> 10} of {steps >> 10} MB" if is_counted else "",
        )


@contextlib.contextmanager
def _progress() -> Iterator[Reporter]:
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from core.cli.console import err

    console = err()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[facts]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        yield _BarReporter(bar, bar.add_task("", total=None, facts=""))
