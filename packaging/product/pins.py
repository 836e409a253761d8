"""Which files are installed: exact versions and one SHA-256 each, kept beside this module.

``build.py pins`` writes them from pyproject.toml's dependencies and pins; a build reads them and
takes nothing else. They name no address: where a file comes from does not matter if it is the one.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from product.platforms import PYTHON_VERSION, Platform

GROUPS = {"packages": (), "tools": ("tools",)}
"""Files of pins and the dependency groups that they come from; none: the project itself."""

_LINE = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^ ]+) --hash=sha256:(?P<sha256>\w{64})$")


@dataclass(frozen=True, slots=True)
class Pin:
    """One wheel.

    Attributes:
        name: normalised, such as ``opencv-python-headless``.
        version: exact.
        sha256: of the wheel for one platform.
    """

    name: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The pin as a line of requirements."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"

    @property
    def package_url(self) -> str:
        """What bills of materials call it."""
        return f"pkg:pypi/{self.name}@{self.version}"


def pins_file(platform: Platform, group: str) -> Path:
    """Return the file with the pins of ``packages`` or ``tools``."""
    return platform.pins / f"{group}.txt"


def read_pins(platform: Platform, group: str) -> dict[str, Pin]:
    """Return the pins of ``packages`` or ``tools`` by name.

    Raises:
        ValueError: a line is no exact version with one hash.
    """
    pins = {}
    for line in pins_file(platform, group).read_text(encoding="utf-8").splitlines():
        found = _LINE.match(line)
        if found is None:
            raise ValueError(f"{pins_file(platform, group)}: {line!r} is not name==version --hash")
        pins[found["name"]] = Pin(found["name"], found["version"], found["sha256"])
    return pins


def write_pins(root: Path, platform: Platform) -> None:
    """Resolve for the platform and write its files of pins.

    Args:
        root: the checkout, whose pyproject.toml says what is asked and which versions.
        platform: which wheels are taken.

    Raises:
        ValueError: a package has no wheel for the platform.
    """
    for group, names in GROUPS.items():
        locked = _resolve(root, platform, names)
        lines = [f"{pin.requirement}\n" for pin in best_wheels(locked, platform)]
        path = pins_file(platform, group)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8", newline="\n")


def _resolve(root: Path, platform: Platform, groups: Iterable[str]) -> list[dict[str, Any]]:
    """Return the packages of a lock (PEP 751), with all their wheels."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "pylock.toml"
        asked = [f"--group={root / 'pyproject.toml'}:{name}" for name in groups]
        command = [
            "uv",
            "pip",
            "compile",
            "--quiet",
            "--format=pylock.toml",
            "--only-binary=:all:",
            f"--python-version={PYTHON_VERSION}",
            f"--python-platform={platform.resolver_name}",
            f"--output-file={lock}",
            *(asked or [str(root / "pyproject.toml")]),
        ]
        subprocess.run(command, check=True, cwd=root)
        packages: list[dict[str, Any]] = tomllib.loads(lock.read_text(encoding="utf-8"))["packages"]
    return packages


def best_wheels(packages: Iterable[Mapping[str, Any]], platform: Platform) -> list[Pin]:
    """Return for each package of a lock the wheel that the platform takes, sorted by name.

    Raises:
        ValueError: there is none.
    """
    order = {tag: place for place, tag in enumerate(supported_tags(platform))}
    pins = []
    for package in packages:
        candidates = []
        for wheel in package.get("wheels", ()):
            file = wheel.get("name") or wheel["url"].rpartition("/")[2]
            *_, build, tags = parse_wheel_filename(file)
            places = [order[tag] for tag in tags if tag in order]
            if places:
                candidates.append((min(places), [-part for part in build[:1]], wheel["hashes"]))
        if not candidates:
            raise ValueError(
                f"{package['name']} {package['version']}: no wheel for {platform.name}"
            )
        best = min(candidates, key=lambda one: one[:2])
        name = canonicalize_name(package["name"])
        pins.append(Pin(name, package["version"], best[2]["sha256"]))
    return sorted(pins, key=lambda pin: pin.name)


def supported_tags(platform: Platform) -> list[Tag]:
    """Return the tags of wheels that the product's interpreter takes, the best first."""
    version = tuple(int(part) for part in PYTHON_VERSION.split("."))
    systems = list(platform.wheel_tags)
    interpreter = f"cp{''.join(PYTHON_VERSION.split('.'))}"
    return [
        *cpython_tags(version, platforms=systems),
        *compatible_tags(version, interpreter=interpreter, platforms=systems),
    ]
