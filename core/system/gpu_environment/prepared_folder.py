"""A folder with all wheels of a GPU build, for computers without internet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pydantic

from core.system.errors import InputError, first_problem
from core.system.files import sha256_file, write_text_atomic
from core.system.gpu_environment.build_choice import ENGINE_VERSION
from core.system.gpu_environment.environment_folders import python_tag
from core.system.gpu_environment.wheel_files import Wheel, this_system
from core.system.reporting import Reporter

LIST_NAME: Final = "prepared.json"
WHEELS_NAME: Final = "wheels"


class PreparedWheel(pydantic.BaseModel):
    """One wheel of the folder."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    project: str = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!_-]*$")
    file: str = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl$")
    sha256: str = pydantic.Field(pattern=r"^[0-9a-f]{64}$")
    size: int = pydantic.Field(ge=0)


class PreparedFolder(pydantic.BaseModel):
    """What ``prepared.json`` says.

    Attributes:
        engine: version of paddlepaddle-gpu.
        build: such as ``cu126``.
        python: tag of the interpreter that it is for.
        system: ``linux`` or ``windows``.
        wheels: all that the program does not have anyway.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    engine: str
    build: str
    python: str
    system: str
    wheels: tuple[PreparedWheel, ...]


def write_prepared(
    folder: Path, wheels: Sequence[Wheel], *, build: str, python: str, system: str
) -> PreparedFolder:
    """Write the list, last of all: a folder without it is unfinished."""
    prepared = PreparedFolder(
        engine=ENGINE_VERSION,
        build=build,
        python=python,
        system=system,
        wheels=tuple(
            PreparedWheel(
                project=wheel.project,
                version=wheel.version,
                file=wheel.file_name,
                sha256=wheel.sha256,
                size=wheel.size,
            )
            for wheel in wheels
        ),
    )
    write_text_atomic(folder / LIST_NAME, prepared.model_dump_json(indent=2) + "\n")
    return prepared


def read_prepared(folder: Path) -> PreparedFolder:
    """Read the list of a folder and check that it is for this program on this computer.

    Raises:
        InputError: it is no such folder, unfinished, damaged, or for another computer.
    """
    path = folder / LIST_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            "{folder} is no prepared folder: there is no {file} in it. Choose the folder that "
            "“gpu prepare” wrote.",
            folder=folder,
            file=LIST_NAME,
        ) from error
    try:
        prepared = PreparedFolder.model_validate_json(content)
    except pydantic.ValidationError as error:
        where, why = first_problem(error)
        raise InputError(
            "{file} is damaged: {where}: {why}. Prepare the folder again.",
            file=path,
            where=where,
            why=why,
        ) from error
    found = (prepared.engine, prepared.python, prepared.system)
    wanted = (ENGINE_VERSION, python_tag(), this_system())
    if found != wanted:
        raise InputError(
            "{folder} was prepared for {found}, but this program needs {wanted}. Prepare it again "
            "with the same version of the program.",
            folder=folder,
            found=" · ".join(found),
            wanted=" · ".join(wanted),
        )
    return prepared


def check_prepared(
    folder: Path, prepared: PreparedFolder, *, reporter: Reporter
) -> tuple[Wheel, ...]:
    """Compare the files with the list; return them. Progress counts KiB, stage ``"check"``.

    Raises:
        InputError: a file is missing or not as it was.
        StopRequested: the reporter asked to stop.
    """
    total = max(1024, sum(wheel.size for wheel in prepared.wheels))
    done = 0
    for wheel in prepared.wheels:
        reporter.check()
        file = folder / WHEELS_NAME / wheel.file
        if not file.is_file() or sha256_file(file) != wheel.sha256:
            raise InputError(
                "{file} is missing or damaged: copy the prepared folder again.", file=file
            )
        done += wheel.size
        reporter.progress(done >> 10, total >> 10, stage="check")
    return tuple(
        Wheel(
            project=wheel.project,
            version=wheel.version,
            file_name=wheel.file,
            sha256=wheel.sha256,
            size=wheel.size,
        )
        for wheel in prepared.wheels
    )
