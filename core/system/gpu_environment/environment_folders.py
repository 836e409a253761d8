"""The environments on the disk: where they lie, what is known of each, which one is switched on.

Each is a folder named by engine version, build and Python's tag. A folder without a record, or with
the ending ``.part``, is unfinished and never used.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs
import pydantic

from core.system.devices import DeviceInfo
from core.system.errors import InputError
from core.system.files import make_folder, write_json_atomic, write_text_atomic
from core.system.gpu_environment.build_choice import BUILDS, ENGINE_VERSION
from core.system.messages import Message, message

RECORD_NAME: Final = "environment.json"
PACKAGES_NAME: Final = "packages"
PART_SUFFIX: Final = ".part"
_SWITCH_NAME: Final = "switched_on.json"
#: Files of an environment from this size on are looked for before it is used.
_WATCHED_BYTES: Final = 1 << 20
#: How often, and how far apart, a folder is renamed on systems where a scanner may hold its files.
_RENAME_TRIES: Final = 20
_RENAME_PAUSE_S: Final = 0.25


class CardAndDriver(pydantic.BaseModel):
    """What the last training step that went well ran on."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    gpu: str
    driver: str


class EnvironmentRecord(pydantic.BaseModel):
    """What ``environment.json`` says.

    Attributes:
        engine: version of paddlepaddle-gpu.
        build: such as ``cu126``.
        python: tag of the interpreter that it was made for, such as ``cp311``.
        made: seconds since 1970.
        size: bytes on the disk.
        watched: path below the folder with the packages → bytes, of the files that it cannot do
            without.
        tested: what it was tested on last.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    engine: str
    build: str
    python: str
    made: float
    size: int
    watched: dict[str, int]
    tested: CardAndDriver


@dataclass(frozen=True, slots=True)
class GpuEnvironment:
    """An environment: its folder and its record, which is empty where the folder is gone."""

    folder: Path
    record: EnvironmentRecord

    @property
    def packages(self) -> Path:
        """The folder that comes first on a worker's search path."""
        return self.folder / PACKAGES_NAME

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.folder.name


def environments_folder() -> Path:
    """Where the environments lie: a place of the user's, whatever the program's may be."""
    return Path(platformdirs.user_data_dir("maskwright", appauthor=False)) / "gpu"


def python_tag() -> str:
    """Return the tag of this interpreter's wheels, such as ``cp311``."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def environment_folder(build: str) -> Path:
    """Where the environment of a build for this program lies, or would lie."""
    return environments_folder() / f"{ENGINE_VERSION}-{build}-{python_tag()}"


def part_folder(build: str) -> Path:
    """Where it is made."""
    folder = environment_folder(build)
    return folder.with_name(folder.name + PART_SUFFIX)


def read_environment(folder: Path) -> GpuEnvironment | None:
    """Return what lies in a folder, None where nothing complete does."""
    if folder.suffix == PART_SUFFIX:
        return None
    try:
        record = EnvironmentRecord.model_validate_json((folder / RECORD_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return GpuEnvironment(folder, record)


def write_record(folder: Path, record: EnvironmentRecord) -> None:
    """Write a record, last of all."""
    write_text_atomic(folder / RECORD_NAME, record.model_dump_json(indent=2) + "\n")


def make_record(folder: Path, *, build: str, tested: CardAndDriver) -> EnvironmentRecord:
    """Look at the packages in a folder that has just been made."""
    packages = folder / PACKAGES_NAME
    sizes = {path.relative_to(packages).as_posix(): size for path, size in _files(packages)}
    return EnvironmentRecord(
        engine=ENGINE_VERSION,
        build=build,
        python=python_tag(),
        made=time.time(),
        size=sum(sizes.values()),
        watched={
            name: size
            for name, size in sizes.items()
            if size >= _WATCHED_BYTES or name == "paddle/__init__.py"
        },
        tested=tested,
    )


def switched_on() -> GpuEnvironment | None:
    """Return the environment that workers are to use; None: the program's own engine.

    One that is switched on but gone is returned all the same, for ``environment_problem`` to say
    so.
    """
    try:
        told = json.loads((environments_folder() / _SWITCH_NAME).read_text(encoding="utf-8"))
        folder = environments_folder() / Path(str(told["environment"])).name
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return read_environment(folder) or GpuEnvironment(folder, _GONE)


def switch_on(environment: GpuEnvironment) -> None:
    """Have workers that start from now on use an environment."""
    make_folder(environments_folder())
    write_json_atomic(environments_folder() / _SWITCH_NAME, {"environment": environment.name})


def switch_off() -> None:
    """Have workers that start from now on use the program's own engine."""
    (environments_folder() / _SWITCH_NAME).unlink(missing_ok=True)


def environment_problem(
    environment: GpuEnvironment, devices: tuple[DeviceInfo, ...]
) -> Message | None:
    """Say why an environment cannot be used now; None where nothing speaks against it.

    Quick: files are looked for, nothing is loaded.
    """
    record = environment.record
    if record == _GONE:
        return message("The GPU environment {name} is not there any more.", name=environment.name)
    if record.engine != ENGINE_VERSION or record.python != python_tag():
        return message(
            "The GPU environment was made for an earlier version of the program: it holds Paddle "
            "{found} for {python}, and {wanted} for {own} is needed. Make it anew.",
            found=record.engine,
            python=record.python,
            wanted=ENGINE_VERSION,
            own=python_tag(),
        )
    for name, size in record.watched.items():
        if _size(environment.packages / name) != size:
            return message(
                "The GPU environment is damaged: {file} is missing or cut short. Make it anew.",
                file=environment.packages / name,
            )
    gpus = [device for device in devices if device.kind == "gpu"]
    if not gpus:
        return message("NVIDIA's driver shows no GPU now.")
    build = BUILDS.get(record.build)
    if build is not None and not any(build.runs(gpu.compute_capability or (0, 0)) for gpu in gpus):
        return message(
            "The GPU environment holds no kernels for {gpu}. Make it anew.", gpu=gpus[0].name
        )
    return None


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder; a virus scanner that still reads in it is waited for.

    Raises:
        InputError: something keeps its files open.
    """
    for attempt in range(_RENAME_TRIES):
        try:
            source.rename(target)
            return
        except PermissionError as error:
            if os.name != "nt":
                raise
            if attempt == _RENAME_TRIES - 1:
                raise InputError(
                    "{folder} is in use: end the jobs that compute on the GPU and try again.",
                    folder=source,
                ) from error
            time.sleep(_RENAME_PAUSE_S)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.stat().st_size


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


_GONE: Final = EnvironmentRecord(
    engine="",
    build="",
    python="",
    made=0.0,
    size=0,
    watched={},
    tested=CardAndDriver(gpu="", driver=""),
)
