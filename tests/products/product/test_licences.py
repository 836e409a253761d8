"""The folder of licences: a text for everything, and an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from product.components import Component
from product.layout import Layout
from product.licences import INDEX, write_notices
from product.platforms import LINUX

NUMPY = Component(
    name="numpy",
    version="2.4.6",
    kind="package",
    licence="BSD-3-Clause",
    package_url="pkg:pypi/numpy@2.4.6",
    notices={"LICENSE.txt": b"one", "numpy/part/COPYING": b"two"},
    homepage="https://numpy.org",
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A tree without licences yet."""
    return Layout(tmp_path, LINUX)


def test_every_text_is_there_and_the_index_names_everything(layout: Layout) -> None:
    qt = Component("pyside6-essentials", "6.11.3", "package", "LGPL-3.0-only", "pkg:pypi/p@6")
    write_notices(layout, [qt, NUMPY])
    folder = layout.licences / "numpy"
    assert (folder / "LICENSE.txt").read_bytes() == b"one"
    assert (folder / "numpy" / "part" / "COPYING").read_bytes() == b"two"
    texts = layout.licences / "pyside6-essentials"
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in (texts / "LGPL-3.0-only.txt").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in (texts / "GPL-3.0-only.txt").read_text()
    index = (layout.licences / INDEX).read_text(encoding="utf-8")
    assert index.index("numpy 2.4.6: BSD-3-Clause") < index.index("pyside6-essentials 6.11.3")
    assert "https://numpy.org" in index
    assert "linked dynamically" in index
    assert "replaced" in index


def test_what_has_no_text_fails_the_build(layout: Layout) -> None:
    silent = Component("silent", "1.0", "package", "MIT", "pkg:pypi/silent@1.0")
    with pytest.raises(ValueError, match=r"silent 1\.0 \(MIT\)"):
        write_notices(layout, [NUMPY, silent])
