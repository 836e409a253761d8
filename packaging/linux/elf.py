"""What shared libraries need of a system: others, and versions of the C library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

_MAGIC = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Needs:
    """What one file asks its loader for.

    Attributes:
        libraries: names such as ``libz.so.1``.
        versions: versions of symbols, such as ``GLIBC_2.34``.
        own_name: what others call it, if it says.
    """

    libraries: tuple[str, ...]
    versions: frozenset[str]
    own_name: str | None


def elf_files(root: Path) -> Iterator[Path]:
    """Yield programs and shared libraries at or below a folder, sorted."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == _MAGIC:
                    yield path


def needs_of(path: Path) -> Needs:
    """Read what a program or a shared library needs."""
    libraries: list[str] = []
    versions: set[str] = set()
    own_name = None
    with path.open("rb") as file:
        elf = ELFFile(file)
        for section in elf.iter_sections():
            if isinstance(section, DynamicSection):
                for tag in section.iter_tags():
                    if tag.entry.d_tag == "DT_NEEDED":
                        libraries.append(tag.needed)
                    elif tag.entry.d_tag == "DT_SONAME":
                        own_name = tag.soname
            elif isinstance(section, GNUVerNeedSection):
                for _, needed in section.iter_versions():
                    versions |= {one.name for one in needed}
    return Needs(tuple(libraries), frozenset(versions), own_name)


def newest(versions: frozenset[str] | set[str], prefix: str) -> str | None:
    """Return the newest version of a family, such as ``2.34`` of ``GLIBC``; None if none is."""
    numbers = [
        tuple(int(part) for part in one.removeprefix(f"{prefix}_").split("."))
        for one in versions
        if one.startswith(f"{prefix}_") and one[len(prefix) + 1].isdigit()
    ]
    return ".".join(str(part) for part in max(numbers)) if numbers else None
