"""Licence notices of all that is shipped, and an index that a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from product.components import Component
from product.layout import Layout

TEXTS = Path(__file__).parent / "licence_texts"
"""Texts for packages that name a licence and bring none, by SPDX identifier."""

INDEX = "NOTICE.txt"

_FALLBACK: Mapping[str, str] = {}
"""Packages that bring no text, and the text that the licence they name stands for."""

_HEAD = """\
What is installed with Maskwright, and under which licences
===========================================================

Maskwright itself: Apache-2.0, program/LICENSE.

Qt and PySide6 are used under the GNU Lesser General Public License, version 3
(LGPL-3.0-only). Nothing of them was changed; files that the program does not use
were left out. They are linked dynamically: their shared libraries lie below
packages/PySide6 and packages/shiboken6 and may be replaced by other builds of the
same version with the same interface, also by ones that you have changed. Their
sources are published by The Qt Company under the versions named below. You may
examine how the program works with a changed library.

Each name below has a folder here with the texts that its makers ship.

"""


def write_notices(layout: Layout, components: Iterable[Component]) -> None:
    """Write the folder of licences.

    Args:
        layout: where; the folder is made.
        components: everything that is not ours.

    Raises:
        ValueError: a component has no text and none is known for it.
    """
    layout.licences.mkdir()
    lines = []
    nameless = []
    for component in sorted(components, key=lambda one: (one.name.lower(), one.kind)):
        texts = dict(component.notices) or _fallback(component)
        if not texts:
            nameless.append(f"{component.name} {component.version} ({component.licence})")
        folder = layout.licences / component.name
        for name, text in sorted(texts.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        place = "" if component.homepage is None else f"\n    {component.homepage}"
        lines.append(f"{component.name} {component.version}: {component.licence}{place}\n")
    if nameless:
        raise ValueError(f"No licence text is known for {', '.join(nameless)}")
    index = layout.licences / INDEX
    index.write_text(_HEAD + "".join(lines), encoding="utf-8", newline="\n")


def _fallback(component: Component) -> dict[str, bytes]:
    identifier = _FALLBACK.get(component.name)
    if identifier is None:
        return {}
    return {"LICENSE": (TEXTS / f"{identifier}.txt").read_bytes()}
