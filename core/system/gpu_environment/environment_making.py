"""Making an environment: find, download, unpack, try, and only then put in its place.

All happens in a folder beside the final one. What an interruption leaves there is gone on with;
nothing that works is touched before the new one has trained a step on the card.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.system.devices import DeviceInfo, list_devices
from core.system.downloads import exclusive
from core.system.errors import InputError
from core.system.files import make_folder
from core.system.gpu_environment.build_choice import (
    best_gpu,
    build_for,
    known_build,
    no_build_reason,
)
from core.system.gpu_environment.environment_folders import (
    PACKAGES_NAME,
    RECORD_NAME,
    GpuEnvironment,
    environment_folder,
    environments_folder,
    make_record,
    move_folder,
    part_folder,
    python_tag,
    switch_off,
    switch_on,
    write_record,
)
from core.system.gpu_environment.prepared_folder import (
    WHEELS_NAME,
    PreparedFolder,
    check_prepared,
    read_prepared,
    write_prepared,
)
from core.system.gpu_environment.self_test import try_environment
from core.system.gpu_environment.uv_command import UvError, run_uv
from core.system.gpu_environment.wheel_files import (
    PADDLE_INDEX,
    Wheel,
    arrived_bytes,
    download_wheels,
    find_wheels,
    measured,
    this_system,
)
from core.system.reporting import Reporter

#: Where a company keeps a copy of Paddle's index; ``{build}`` stands for ``cu126`` and so on.
INDEX_VARIABLE: Final = "MASKWRIGHT_GPU_INDEX"
_OLD_SUFFIX: Final = ".old"
_SCRATCH: Final = "scratch"
#: An unpacked wheel of CUDA libraries takes up to so many times its size.
_UNPACKED: Final = 2.3


def package_index(build: str, given: str | None = None) -> str:
    """Return the address of the index that holds a build: given, of the environment, Paddle's."""
    address = given or os.environ.get(INDEX_VARIABLE) or PADDLE_INDEX
    return address.replace("{build}", build)


def choose_build(wanted: str | None = None) -> str:
    """Return the build for the GPU of this computer.

    Args:
        wanted: one of ``BUILDS``, where another than the suggested one is to be taken.

    Raises:
        InputError: no GPU, none that a build fits, or ``wanted`` does not fit it.
    """
    gpu = _gpu()
    if wanted is None:
        build = build_for(gpu)
        if build is None:
            reason = no_build_reason(gpu)
            raise InputError(reason.template, **reason.params)
        return build
    if not known_build(wanted).runs(gpu.compute_capability or (0, 0)):
        raise InputError("{build} holds no kernels for {gpu}.", build=wanted, gpu=gpu.name)
    return wanted


def install_environment(
    *,
    build: str | None = None,
    source: Path | None = None,
    index: str | None = None,
    reporter: Reporter,
) -> GpuEnvironment:
    """Make the environment for this computer's GPU, try it, and switch it on.

    Progress comes in the stages ``find``, ``download`` or ``check``, ``unpack`` and ``test``.

    Args:
        build: another than the one that fits best.
        source: a prepared folder to take the wheels from; None: from the index.
        index: another address than Paddle's.
        reporter: told of progress, asked whether to go on.

    Raises:
        InputError: there is no GPU, the wheels cannot be had, or the self-test failed. What was in
            use before stays in use.
        StopRequested: the reporter asked to stop; another call goes on.
        OSError: the disk is full.
    """
    prepared = None if source is None else read_prepared(source)
    chosen = choose_build(build or (prepared.build if prepared else None))
    with _alone(reporter):
        part = make_folder(part_folder(chosen))
        if source is None or prepared is None:
            address = package_index(chosen, index)
            wheels = _fetch(part, address, this_system(), python_tag(), reporter)
            places = part / WHEELS_NAME
        else:
            _expect_build(prepared, chosen)
            wheels = check_prepared(source, prepared, reporter=reporter)
            places = source / WHEELS_NAME
        _unpack(wheels, places, part, reporter)
        reporter.progress(0, 1, stage="test")
        tested = try_environment(part / PACKAGES_NAME, build=chosen, reporter=reporter)
        record = make_record(part, build=chosen, tested=tested)
        for name in (WHEELS_NAME, _SCRATCH):
            shutil.rmtree(part / name, ignore_errors=True)
        write_record(part, record)
        environment = GpuEnvironment(_put_in_place(part, environment_folder(chosen)), record)
        switch_on(environment)
        reporter.progress(1, 1, stage="test")
        return environment


def prepare_folder(
    out: Path,
    *,
    build: str,
    system: str,
    python: str | None = None,
    index: str | None = None,
    reporter: Reporter,
) -> PreparedFolder:
    """Download all that ``install_environment`` needs into a folder that can be carried.

    Args:
        out: new, empty, or one that an interrupted call left.
        build: one of ``BUILDS``.
        system: ``linux`` or ``windows``, that of the other computer.
        python: tag of the other program's interpreter; None: as here.
        index: another address than Paddle's.
        reporter: told of progress, asked whether to go on.

    Raises:
        InputError: the wheels cannot be had.
        StopRequested: the reporter asked to stop; another call goes on.
        OSError: the disk is full.
    """
    known_build(build)
    folder = make_folder(out)
    if any(path.name not in (WHEELS_NAME, _SCRATCH) for path in folder.iterdir()):
        raise InputError("{folder} is not empty: choose a new folder.", folder=folder)
    tag = python or python_tag()
    wheels = _fetch(folder, package_index(build, index), system, tag, reporter)
    shutil.rmtree(folder / _SCRATCH, ignore_errors=True)
    return write_prepared(folder, wheels, build=build, python=tag, system=system)


def remove_environments() -> int:
    """Go back to the processor and delete all environments; return the bytes that are free now.

    Raises:
        InputError: a job still uses one.
    """
    with _alone(Reporter()):
        switch_off()
        freed = 0
        for folder in sorted(environments_folder().iterdir()):
            if folder.is_dir():
                freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                _delete(folder)
        return freed


def _gpu() -> DeviceInfo:
    gpu = best_gpu(list_devices())
    if gpu is None:
        raise InputError("NVIDIA's driver shows no GPU here.")
    return gpu


def _expect_build(prepared: PreparedFolder, chosen: str) -> None:
    if prepared.build != chosen:
        raise InputError(
            "The folder was prepared for {found}, and {wanted} is asked for.",
            found=prepared.build,
            wanted=chosen,
        )


def _fetch(
    folder: Path, index: str, system: str, python: str, reporter: Reporter
) -> tuple[Wheel, ...]:
    reporter.progress(0, 1, stage="find")
    found = find_wheels(
        index=index, system=system, python=python, folder=folder / _SCRATCH, reporter=reporter
    )
    wheels = measured(found)
    places = folder / WHEELS_NAME
    total = sum(wheel.size for wheel in wheels)
    _require_room(folder, total - arrived_bytes(wheels, places))
    wanted = {wheel.file_name for wheel in wheels}
    for path in places.iterdir() if places.is_dir() else ():
        if path.name.partition(".whl")[0] + ".whl" not in wanted:
            path.unlink()  # of an earlier try that found other versions
    return download_wheels(wheels, places, reporter=reporter)


def _unpack(wheels: tuple[Wheel, ...], places: Path, part: Path, reporter: Reporter) -> None:
    reporter.progress(0, 1, stage="unpack")
    _require_room(part, round(sum(wheel.size for wheel in wheels) * _UNPACKED))
    packages, scratch = part / PACKAGES_NAME, part / _SCRATCH
    shutil.rmtree(packages, ignore_errors=True)
    scratch.mkdir(exist_ok=True)
    listed = scratch / "requirements.txt"
    listed.write_text("".join(f"{wheel.requirement}\n" for wheel in wheels), encoding="utf-8")
    try:
        run_uv(
            [
                *("pip", "install", "--target", packages, "--python", sys.executable),
                *("--no-index", "--find-links", places, "--no-deps", "--require-hashes"),
                *("--only-binary", ":all:", "--requirements", listed),
            ],
            cache=scratch / "cache",
            log=scratch / "uv.log",
            reporter=reporter,
        )
    except UvError as error:
        raise InputError(
            "The GPU environment could not be unpacked: {problem}", problem=str(error)
        ) from error
    reporter.progress(1, 1, stage="unpack")


def _require_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise InputError(
            "The GPU environment needs {wanted} GB more on the disk of {folder}, and {free} GB are "
            "free.",
            wanted=f"{size / 1e9:.1f}",
            folder=folder,
            free=f"{free / 1e9:.1f}",
        )


def _put_in_place(part: Path, folder: Path) -> Path:
    old = folder.with_name(folder.name + _OLD_SUFFIX)
    if old.exists():
        _delete(old)
    if folder.exists():
        move_folder(folder, old)
    move_folder(part, folder)
    shutil.rmtree(old, ignore_errors=True)  # what a job still uses goes with the next call
    return folder


def _delete(folder: Path) -> None:
    (folder / RECORD_NAME).unlink(missing_ok=True)  # first: half of it must not be used
    try:
        shutil.rmtree(folder)
    except PermissionError as error:
        raise InputError(
            "{folder} is in use: end the jobs that compute on the GPU and try again.", folder=folder
        ) from error


@contextmanager
def _alone(reporter: Reporter) -> Iterator[None]:
    """Wait until no other window or command makes or removes an environment."""
    folder = make_folder(environments_folder())
    with exclusive(folder / "making", reporter):
        yield
