"""What is shipped, as the licence notices and the bill of materials name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ComponentKind = Literal["package", "interpreter", "library", "tool"]


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that somebody else made and that is shipped.

    Attributes:
        name: as its makers call it, such as ``numpy``.
        version: as they count.
        kind: a package that is imported, the interpreter, a shared library beside it, or a
            program.
        licence: an SPDX expression where its makers give one, else their own words.
        package_url: its purl, such as ``pkg:pypi/numpy@2.4.6``.
        notices: licence texts and notices by file name; folders are allowed in it.
        sha256: of the archive that it came in, where it came in one.
        homepage: where its makers can be found.
        requires: names of other components that it needs.
    """

    name: str
    version: str
    kind: ComponentKind
    licence: str
    package_url: str
    notices: Mapping[str, bytes] = field(default_factory=dict)
    sha256: str | None = None
    homepage: str | None = None
    requires: tuple[str, ...] = ()
