"""Licence notices of all that is shipped, and an index that a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from product.components import Component
from product.layout import Layout

TEXTS = Path(__file__).parent / "licence_texts"
"""Texts for packages that do not bring their own."""

INDEX = "NOTICE.txt"

_ADDED: Mapping[str, tuple[str, ...]] = {
    "bce-python-sdk": ("Apache-2.0",),
    "flatbuffers": ("Apache-2.0",),
    "nvidia-ml-py": ("BSD-3-Clause-NVIDIA",),
    "paddlepaddle": ("Intel-Simplified",),  # libmklml_intel and libiomp5 in paddle/libs
    "pycocotools": ("BSD-2-Clause-COCO",),
    "pyside6-essentials": ("LGPL-3.0-only", "GPL-3.0-only"),
    "shiboken6": ("LGPL-3.0-only", "GPL-3.0-only"),
}
"""Texts that belong to packages and are not in them."""

_HEAD = """\
What is installed with Maskwright, and under which licences
===========================================================

Maskwright itself: Apache-2.0, program/LICENSE.

Qt and PySide6 are used under the GNU Lesser General Public License, version 3
(LGPL-3.0-only). Nothing of them was changed; files that the program does not use
were left out. They are linked dynamically: their shared libraries lie below
packages/PySide6 and packages/shiboken6 and may be replaced by other builds of the
same version with the same interface, also by ones that you have changed. Their
sources are published by The Qt Company under the versions named below; so are the
notices of what Qt itself contains (https://doc.qt.io/qt-6/licenses-used-in-qt.html).
You may examine how the program works with a changed library.

paddle/libs holds Intel's MKL and OpenMP libraries, unchanged, under the Intel
Simplified Software License; that they are here is no endorsement by Intel.

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
        texts = {**component.notices, **_added(component)}
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


def _added(component: Component) -> dict[str, bytes]:
    names = [f"{one}.txt" for one in _ADDED.get(component.name, ())]
    return {name: (TEXTS / name).read_bytes() for name in names}
