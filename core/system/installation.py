"""Where the program lies when an installer or an archive laid it down, and what it knows of itself.

The launcher names the installation's folder in ``MASKWRIGHT_INSTALLATION``; ``installation.json``
in it is written by ``packaging/build.py``. In a checkout, or installed as a wheel, there is none.
"""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import Literal

import pydantic

from core.system.errors import InputError

VARIABLE = "MASKWRIGHT_INSTALLATION"
FILE_NAME = "installation.json"

Kind = Literal["deb", "tar", "windows"]


class Installation(pydantic.BaseModel):
    """What ``installation.json`` says; ``root`` is the folder that it was found in.

    Attributes:
        version: the program's version, as ``maskwright --version`` prints it.
        kind: how it was laid down; decides how it is updated and removed.
        update_url: where the packager announces later versions; None: nobody asks.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    version: str
    kind: Kind
    update_url: str | None = None
    root: Path = Path()

    @property
    def uv(self) -> Path:
        """The bundled uv, which makes the GPU's environment."""
        return self.root / "tools" / ("uv.exe" if os.name == "nt" else "uv")


def program_version() -> str:
    """Return the program's version; "unknown" where nothing was installed.

    Raises:
        InputError: as ``installation``.
    """
    found = installation()
    if found is not None:
        return found.version
    try:
        return metadata.version("maskwright")
    except metadata.PackageNotFoundError:
        return "unknown"


def program_name() -> str:
    """Return what users type to start this program: where it is installed, the launcher's name."""
    return "maskwright" if os.environ.get(VARIABLE) else "main.py"


def installation() -> Installation | None:
    """Return the installation that this process runs from; None in a checkout or a wheel.

    Raises:
        InputError: the launcher named a folder whose installation.json cannot be read.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    path = Path(named) / FILE_NAME
    try:
        found = Installation.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            "The installation is damaged: {path} cannot be read. Install the program again;"
            " projects and settings stay as they are.",
            path=path,
        ) from error
    return found.model_copy(update={"root": Path(named)})
