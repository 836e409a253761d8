"""Build the products: an archive for any Linux, a Debian package, a Windows installer."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from core.system.installation import Kind
from linux import products as linux_products
from linux.interpreter import DEFAULT_PREFIX, InterpreterSource
from product.epoch import source_date
from product.pins import write_pins
from product.platforms import PLATFORMS
from product.tree import Build
from windows import products as windows_products
from windows.authenticode import Signer
from windows.interpreter import InterpreterSource as WindowsInterpreter

ROOT = Path(__file__).resolve().parents[2]

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for what is built.")]
Version = Annotated[
    str | None, typer.Option("--version", help="Version to be called by. [pyproject.toml's]")
]
UpdateUrl = Annotated[
    str | None,
    typer.Option("--update-url", help="Address of the file that announces later versions."),
]
Level = Annotated[int, typer.Option("--level", min=1, max=19, help="How hard to compress.")]
Python = Annotated[
    Path,
    typer.Option(
        "--python", help="Interpreter to ship: its prefix, or an archive with --python-sha256."
    ),
]
PythonHash = Annotated[
    str | None, typer.Option("--python-sha256", help="SHA-256 of the interpreter's archive.")
]

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.command()
def pins() -> None:
    """Write packaging/product/pins anew, after pyproject.toml's pins have changed."""
    for platform in PLATFORMS.values():
        write_pins(ROOT, platform)


@app.command()
def tree(
    out: Out,
    python: Python = DEFAULT_PREFIX,
    python_sha256: PythonHash = None,
    version: Version = None,
    update_url: UpdateUrl = None,
) -> None:
    """Lay the tree of the Linux products, to be looked at or tried."""
    source = InterpreterSource(python, python_sha256)
    linux_products.build_tree(build_of("tar", version, update_url), source, out)


@app.command()
def tar(
    out: Out,
    python: Python = DEFAULT_PREFIX,
    python_sha256: PythonHash = None,
    version: Version = None,
    update_url: UpdateUrl = None,
    level: Level = 12,
) -> None:
    """Build the archive that runs from any folder on Linux."""
    source = InterpreterSource(python, python_sha256)
    linux_products.build_archive(build_of("tar", version, update_url), source, out, level=level)


@app.command()
def linux(
    out: Out,
    python: Python = DEFAULT_PREFIX,
    python_sha256: PythonHash = None,
    version: Version = None,
    update_url: UpdateUrl = None,
    level: Level = 12,
) -> None:
    """Build the Debian package."""
    source = InterpreterSource(python, python_sha256)
    linux_products.build_package(build_of("deb", version, update_url), source, out, level=level)


@app.command()
def windows(
    out: Out,
    official_python: Annotated[
        bool,
        typer.Option(
            "--official-python", help="Take the interpreter from python.org, for handing out."
        ),
    ] = False,
    python_archive: Annotated[
        Path | None,
        typer.Option("--python-archive", help="python.org's archive, fetched by hand."),
    ] = None,
    sign: Annotated[
        str | None,
        typer.Option(
            "--sign",
            metavar="COMMAND",
            help="Signs {input} as {output}; packaging/windows/README.md.",
        ),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Compress nothing, for trying setup.")
    ] = False,
    version: Version = None,
    update_url: UpdateUrl = None,
) -> None:
    """Build the setup for Windows; runs on Linux."""
    windows_products.build_product(
        build_of("windows", version, update_url),
        WindowsInterpreter(official_python or python_archive is not None, python_archive),
        out,
        signer=None if sign is None else Signer(sign),
        compression="none" if fast else "small",
    )


def build_of(kind: Kind, version: str | None, update_url: str | None) -> Build:
    """Return what is to be built: this checkout, as of its last commit."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Build(
        checkout=ROOT,
        version=version or project["version"],
        kind=kind,
        source_date=source_date(ROOT),
        update_url=update_url,
    )


def main() -> None:
    """Run the command line."""
    os.umask(0o022)  # modes of what is laid down must not depend on who builds
    app()
