"""The command line of ``packaging/build.py``."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from linux import archive as linux_archive
from linux import debian
from linux.interpreter import DEFAULT_PREFIX, InterpreterSource

from product.epoch import source_date
from product.layout import Layout
from product.pins import write_pins
from product.platforms import LINUX, PLATFORMS
from product.sizes import installed_sizes, size_table
from product.tree import Build

from core.system.installation import Kind

ROOT = Path(__file__).resolve().parents[2]

_app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)

Out = Annotated[Path, typer.Option("--out", help="Folder for what is built.")]
Version = Annotated[
    str | None, typer.Option(help="Version to be called by; pyproject.toml's if not given.")
]
UpdateUrl = Annotated[
    str | None, typer.Option(help="Address of the file that announces later versions.")
]
Python = Annotated[
    Path,
    typer.Option(help="Interpreter to ship: its prefix, or an archive with --python-sha256."),
]
PythonHash = Annotated[str | None, typer.Option(help="SHA-256 of the interpreter's archive.")]
Level = Annotated[int, typer.Option(min=1, max=19, help="How hard to compress.")]


@_app.command("pins")
def pins() -> None:
    """Write the pins again after pyproject.toml's have changed."""
    for platform in PLATFORMS.values():
        write_pins(ROOT, platform)
