"""The systems that products are built for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PYTHON_VERSION = "3.11"
"""The interpreter's version in every product."""

PlatformName = Literal["linux", "windows"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A system that a product is built for, whatever system builds it.

    Attributes:
        name: ``linux`` or ``windows``; also the folder of its pins.
        resolver_name: what uv's ``--python-platform`` calls it. On Linux it names the oldest C
            library that wheels may ask for.
        wheel_tags: platform tags that its wheels may bear, the best first.
        executable_suffix: ``.exe`` or nothing.
    """

    name: PlatformName
    resolver_name: str
    wheel_tags: tuple[str, ...]
    executable_suffix: str

    @property
    def pins(self) -> Path:
        """The folder with the pins of its packages and tools."""
        return Path(__file__).parent / "pins" / self.name


LINUX = Platform(
    "linux",
    "x86_64-manylinux_2_34",
    # From the newest C library that is asked for down to the oldest, with their former names.
    (
        *(f"manylinux_2_{minor}_x86_64" for minor in range(34, 16, -1)),
        "manylinux2014_x86_64",
        *(f"manylinux_2_{minor}_x86_64" for minor in range(16, 11, -1)),
        "manylinux2010_x86_64",
        *(f"manylinux_2_{minor}_x86_64" for minor in range(11, 4, -1)),
        "manylinux1_x86_64",
        "linux_x86_64",
    ),
    "",
)
WINDOWS = Platform("windows", "x86_64-pc-windows-msvc", ("win_amd64",), ".exe")

PLATFORMS = {one.name: one for one in (LINUX, WINDOWS)}
