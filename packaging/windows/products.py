"""The product for Windows, from the pins to the setup that is handed out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from product.components import Component
from product.layout import Layout
from product.platforms import WINDOWS
from product.sizes import installed_sizes, size_table
from product.tree import Build, lay_tree, remove_tree
from windows.authenticode import Signer
from windows.installer import Compression, SetupBuild, build_setup
from windows.interpreter import LIBRARY, InterpreterSource, lay_interpreter
from windows.launchers import build_launchers
from windows.vc_runtime import lay_runtime


def build_tree(build: Build, source: InterpreterSource, out: Path) -> Layout:
    """Lay the tree anew and print how large its parts are.

    Args:
        build: what.
        source: the interpreter.
        out: folder to lay it in.
    """
    layout = Layout(out.absolute() / f"maskwright-{build.version}-windows-x86_64", WINDOWS)
    remove_tree(layout.root)
    own = (
        partial(lay_interpreter, source=source),
        lay_runtime,
        partial(_lay_launchers, build=build),
    )
    lay_tree(layout, build, own)
    print(size_table(installed_sizes(layout)))
    return layout


def build_product(
    build: Build,
    source: InterpreterSource,
    out: Path,
    *,
    signer: Signer | None,
    compression: Compression,
) -> Path:
    """Build setup and return its file; the tree stays beside it.

    Args:
        build: what.
        source: the interpreter.
        out: folder for both.
        signer: signs launchers, uninstaller and setup; None: nobody does.
        compression: how setup is compressed.
    """
    layout = build_tree(build, source, out)
    if signer is not None:
        for launcher in (layout.launcher, layout.launcher.with_suffix(".com")):
            signer.sign(launcher)
    setup = SetupBuild(
        tree=layout.root,
        version=build.version,
        picture=picture(build.checkout),
        source_date=build.source_date,
        compression=compression,
        signer=signer,
    )
    done = build_setup(setup, out / f"maskwright-{build.version}-setup.exe")
    print(f"{done}: {done.stat().st_size / 1e6:.1f} MB")
    for shortfall in what_lacks(source, signer):
        print(f"not for handing out: {shortfall}")
    return done


def what_lacks(source: InterpreterSource, signer: Signer | None) -> list[str]:
    """Return why a setup made so should not be handed out; empty where nothing speaks against."""
    lacks = []
    if not source.official:
        lacks.append("the interpreter's standard library is not vouched for (--official-python)")
    if signer is None:
        lacks.append("nobody signed it, so Windows warns of an unknown publisher (--sign)")
    return lacks


def picture(checkout: Path) -> Path:
    """Return the program's own picture."""
    return checkout / "resources" / "icons" / "maskwright.svg"


def _lay_launchers(layout: Layout, build: Build) -> list[Component]:
    build_launchers(
        layout.root,
        version=build.version,
        picture=picture(build.checkout),
        python_dll=LIBRARY,
    )
    return []
