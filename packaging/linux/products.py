"""The products for Linux, from the pins to the files that are handed out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from linux.debian import write_deb
from linux.interpreter import InterpreterSource, lay_interpreter
from linux.launcher import lay_helpers, lay_launcher
from linux.libraries import SystemNeeds, system_needs
from product.archives import write_tar_zst
from product.layout import Layout
from product.platforms import LINUX
from product.sizes import installed_sizes, size_table
from product.tree import Build, lay_tree, remove_tree


def build_tree(build: Build, source: InterpreterSource, out: Path) -> tuple[Layout, SystemNeeds]:
    """Lay the tree anew and print how large its parts are.

    Args:
        build: what.
        source: the interpreter.
        out: folder to lay it in; its name there is the archive's.

    Returns:
        The tree, and what it needs of a system.
    """
    layout = Layout(out.absolute() / f"maskwright-{build.version}-linux-x86_64", LINUX)
    remove_tree(layout.root)
    own = (partial(lay_interpreter, source=source), lay_launcher, lay_helpers)
    lay_tree(layout, build, own)
    needs = system_needs(layout.root)
    print(size_table(installed_sizes(layout)))
    print(f"runs with glibc {needs.glibc} and later ({needs.by[0]} asks for it),")
    print(f"GLIBCXX_{needs.glibcxx}, and {', '.join(needs.debian_packages)}")
    return layout, needs


def build_archive(build: Build, source: InterpreterSource, out: Path, *, level: int) -> Path:
    """Build the archive and return its file; the tree stays beside it."""
    layout, _ = build_tree(build, source, out)
    archive = out / f"{layout.root.name}.tar.zst"
    write_tar_zst(layout.root, archive, source_date=build.source_date, level=level)
    print(f"{archive}: {archive.stat().st_size / 1e6:.1f} MB")
    return archive


def build_package(build: Build, source: InterpreterSource, out: Path, *, level: int) -> Path:
    """Build the Debian package and return its file; the tree stays beside it."""
    layout, needs = build_tree(build, source, out)
    package = write_deb(layout, build, needs, out, level=level)
    print(f"{package}: {package.stat().st_size / 1e6:.1f} MB")
    return package
