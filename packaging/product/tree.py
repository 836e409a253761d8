"""An installation's tree, laid down from the pins: the same steps on every platform."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.system.installation import Kind
from product import bytecode, licences, materials, program, pruning
from product.archives import settle
from product.components import Component
from product.fetching import extract_members, fetch_tool, install_packages
from product.layout import Layout
from product.packages import package_components, wheel_component
from product.pins import read_pins

LayDown = Callable[[Layout], Sequence[Component]]
"""Puts something of a platform's own into the tree and says what it was."""


@dataclass(frozen=True, slots=True)
class Build:
    """What a build is asked.

    Attributes:
        checkout: the sources.
        version: that the program calls itself.
        kind: how it will be laid down.
        source_date: time of every file, in seconds since 1970.
        update_url: where later versions are announced; None: nowhere.
    """

    checkout: Path
    version: str
    kind: Kind
    source_date: int
    update_url: str | None = None


def lay_tree(layout: Layout, build: Build, own: Sequence[LayDown]) -> tuple[Component, ...]:
    """Lay the whole tree at ``layout.root``.

    Args:
        layout: where; the folder must not exist.
        build: what.
        own: the platform's parts: interpreter, launcher, runtime libraries. Each is called once
            all packages are in place and pruned, and before anything is compiled.

    Returns:
        Everything that is in the tree and is not ours.

    Raises:
        FileExistsError: the folder is there.
    """
    layout.root.mkdir(parents=True)
    install_packages(layout.platform, layout.packages)
    rules = pruning.read_rules(layout.platform)
    components = [  # before pruning: it takes notices away, too
        one for one in package_components(layout) if one.name not in rules.distributions
    ]
    pruning.prune(layout, rules)
    program.lay_program(build.checkout, layout.program, version=build.version)
    for lay_down in (*own, _lay_tools):
        components += lay_down(layout)
    layout.write_installation_file(
        version=build.version, kind=build.kind, update_url=build.update_url
    )
    bytecode.compile_tree(layout)
    licences.write_notices(layout, components)
    materials.write_bill(layout, components, version=build.version, source_date=build.source_date)
    settle(layout.root, build.source_date)
    return tuple(components)


def _lay_tools(layout: Layout) -> list[Component]:
    pin = read_pins(layout.platform, "tools")["uv"]
    wheel = fetch_tool(layout.platform, "uv")
    name = f"uv{layout.platform.executable_suffix}"
    extract_members(wheel, layout.tools, {f"scripts/{name}": name})
    (layout.tools / name).chmod(0o755)
    return [wheel_component(wheel, pin, "tool")]


def remove_tree(root: Path) -> None:
    """Remove what an earlier build left."""
    shutil.rmtree(root, ignore_errors=True)
