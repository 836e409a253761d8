"""What installed packages and wheels say of themselves."""

from __future__ import annotations

import email
import re
import zipfile
from collections.abc import Iterable, Iterator
from email.message import Message
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from product.components import Component, ComponentKind
from product.layout import Layout
from product.pins import Pin, read_pins
from product.platforms import PYTHON_VERSION, Platform

_NOTICE = re.compile(r"(licen[cs]e|copying|notice|copyright|third.?party)", re.IGNORECASE)
_TEXT_SUFFIXES = {"", ".txt", ".md", ".rst", ".html", ".apache", ".bsd", ".mit"}
_ENVIRONMENTS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "windows": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}


def package_components(layout: Layout) -> Iterator[Component]:
    """Describe what is installed in the packages' folder, by name."""
    pins = read_pins(layout.platform, "packages")
    found = {
        canonicalize_name(one.metadata["Name"]): one
        for one in distributions(path=[str(layout.packages)])
    }
    for name, distribution in sorted(found.items()):
        yield _component(name, distribution, pins[name], layout.platform)


def _component(name: str, distribution: Distribution, pin: Pin, platform: Platform) -> Component:
    metadata = email.message_from_string(distribution.read_text("METADATA") or "")
    notices = {}
    for file in distribution.files or ():
        if is_notice(file):
            path = Path(str(distribution.locate_file(file)))
            notices[notice_name(file)] = path.read_bytes()
    needed = _required(distribution.requires or (), platform)
    return _described(name, metadata, pin, kind="package", notices=notices, requires=needed)


def wheel_component(wheel: Path, pin: Pin, kind: ComponentKind) -> Component:
    """Describe a wheel of which single files are shipped."""
    with zipfile.ZipFile(wheel) as archive:
        names = [PurePosixPath(one) for one in archive.namelist()]
        (about,) = (one for one in names if one.match("*.dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(str(about)))
        notices = {
            notice_name(one): archive.read(str(one))
            for one in names
            if one.parts[0].endswith(".dist-info") and is_notice(one)
        }
    return _described(pin.name, metadata, pin, kind=kind, notices=notices, requires=())


def _described(
    name: str,
    metadata: Message,
    pin: Pin,
    *,
    kind: ComponentKind,
    notices: dict[str, bytes],
    requires: tuple[str, ...],
) -> Component:
    return Component(
        name=name,
        version=pin.version,
        kind=kind,
        licence=declared_licence(metadata),
        package_url=pin.package_url,
        notices=notices,
        sha256=pin.sha256,
        homepage=_homepage(metadata),
        requires=requires,
    )


def is_notice(file: PurePosixPath) -> bool:
    """Whether a file of a package is a licence or a notice, by its name."""
    if file.suffix.lower() not in _TEXT_SUFFIXES:
        return False
    below = [part.lower() for part in file.parts[1:-1]]
    in_folder = file.parts[0].endswith(".dist-info") and "licenses" in below
    return in_folder or _NOTICE.search(file.stem) is not None


def notice_name(file: PurePosixPath) -> str:
    """Return the name that a notice gets: its path, without what every notice has in it."""
    parts = list(file.parts)
    if parts[0].endswith(".dist-info"):
        parts = parts[1:]
        if parts[0] in ("licenses", "license_files") and len(parts) > 1:
            parts = parts[1:]
    return "/".join(parts)


def declared_licence(metadata: Message) -> str:
    """Return the licence that a package's metadata declares; ``unknown`` if none."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [str(one) for one in metadata.get_all("Classifier", ())]
    named = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ")]
    told = str(metadata.get("License") or "").strip()
    if told and "\n" not in told and told.upper() != "UNKNOWN":
        return told
    return " AND ".join(dict.fromkeys(named)) or "unknown"


def _homepage(metadata: Message) -> str | None:
    if page := metadata.get("Home-page"):
        return str(page)
    pages = dict(str(one).split(", ", 1) for one in metadata.get_all("Project-URL", ()))
    lowered = {key.lower(): value for key, value in pages.items()}
    for key in ("homepage", "source", "source code", "repository", "github"):
        if key in lowered:
            return lowered[key]
    return next(iter(lowered.values()), None)


def _required(requirements: Iterable[str], platform: Platform) -> tuple[str, ...]:
    environment = {
        **_ENVIRONMENTS[platform.name],
        "python_version": PYTHON_VERSION,
        "python_full_version": f"{PYTHON_VERSION}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": "x86_64" if platform.name == "linux" else "AMD64",
        "extra": "",
    }
    names = set()
    for text in requirements:
        try:
            needed = Requirement(text)
        except InvalidRequirement:  # old packages write what no tool reads
            continue
        if needed.marker is None or needed.marker.evaluate(environment):
            names.add(canonicalize_name(needed.name))
    return tuple(sorted(names))
