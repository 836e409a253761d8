"""The wheels of a GPU build: which there are, downloaded with what was there before, checked."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from core.system.downloads import DownloadError, content_length, download, part_of
from core.system.errors import InputError
from core.system.files import sha256_file
from core.system.gpu_environment.build_choice import ENGINE_VERSION
from core.system.gpu_environment.uv_command import UvError, run_uv
from core.system.reporting import Reporter

#: Where Paddle publishes its GPU builds since 3.0; the public index ends with 2.6.2.
PADDLE_INDEX: Final = "https://www.paddlepaddle.org.cn/packages/stable/{build}/"
ENGINE: Final = "paddlepaddle-gpu"
#: What uv calls the systems that a folder can be prepared for.
PLATFORMS: Final = {"linux": "x86_64-unknown-linux-gnu", "windows": "x86_64-pc-windows-msvc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One file that an environment is made of.

    Attributes:
        project: its project, such as ``nvidia-cudnn-cu12``.
        version: of the project.
        file_name: the wheel's.
        sha256: of its content; "" until the file is there where the index does not say.
        size: in bytes; 0 where unknown.
        url: where it comes from; "" for a file of a prepared folder.
    """

    project: str
    version: str
    file_name: str
    sha256: str = ""
    size: int = 0
    url: str = ""

    @property
    def requirement(self) -> str:
        """One line of a list that uv installs from, with its hash."""
        return f"{self.project}=={self.version} --hash=sha256:{self.sha256}"


def this_system() -> str:
    """Return the system that this program runs on, as ``PLATFORMS`` calls it.

    Raises:
        InputError: there are no GPU builds for it.
    """
    if sys.platform == "win32":
        return "windows"
    if sys.platform == "linux":
        return "linux"
    raise InputError("There are GPU builds of Paddle for Linux and Windows only.")


def find_wheels(
    *, index: str, system: str, python: str, folder: Path, reporter: Reporter
) -> tuple[Wheel, ...]:
    """Ask an index which wheels the GPU build consists of, without what the program has anyway.

    Args:
        index: address of a package index, or of a folder with one.
        system: one of ``PLATFORMS``.
        python: tag of the interpreter, such as ``cp311``.
        folder: for what uv needs and says.
        reporter: asked whether to go on.

    Raises:
        InputError: the index cannot be reached or does not have it.
        StopRequested: the reporter asked to stop.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted, own, lock = (folder / name for name in ("wanted.txt", "own.txt", "pylock.toml"))
    wanted.write_text(f"{ENGINE}=={ENGINE_VERSION}\n", encoding="utf-8")
    own.write_text("".join(f"{name} ; sys_platform == 'never'\n" for name in _own_projects()))
    lock.unlink(missing_ok=True)
    try:
        run_uv(
            [
                *("pip", "compile", wanted, "--overrides", own, "--index", index),
                *("--format", "pylock.toml", "--output-file", lock, "--only-binary", ":all:"),
                *("--python-platform", PLATFORMS[system], "--python-version", _dotted(python)),
                *("--python", sys.executable, "--quiet"),
            ],
            cache=folder / "cache",
            log=folder / "uv.log",
            reporter=reporter,
        )
        return _read_lock(lock)
    except UvError as error:
        raise InputError(
            "Paddle {version} for the GPU could not be found at {index}: {problem}",
            version=ENGINE_VERSION,
            index=index,
            problem=str(error),
        ) from error


def measured(wheels: Sequence[Wheel]) -> tuple[Wheel, ...]:
    """Return the wheels with their sizes, which not every index tells; 0 where nobody does."""
    return tuple(
        wheel if wheel.size or not wheel.url else replace(wheel, size=content_length(wheel.url))
        for wheel in wheels
    )


def download_wheels(
    wheels: Sequence[Wheel], folder: Path, *, reporter: Reporter
) -> tuple[Wheel, ...]:
    """Download what is not there yet; return the wheels with hashes and sizes.

    Progress counts KiB of all together, stage ``"download"``.

    Raises:
        InputError: a file cannot be had, or is not what the index announced.
        StopRequested: the reporter asked to stop; another call goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(wheel.size for wheel in wheels)
    done: list[Wheel] = []
    before = 0
    for wheel in wheels:
        target = folder / wheel.file_name
        if not target.is_file():
            try:
                download(wheel.url, target, reporter=_Share(reporter, before, total))
            except DownloadError as error:
                raise InputError(
                    "{file} could not be downloaded: {problem}. What arrived stays: try again.",
                    file=wheel.file_name,
                    problem=str(error),
                ) from error
        done.append(_checked(wheel, target))
        before += done[-1].size
        reporter.progress(before >> 10, max(total, before, 1024) >> 10, stage="download")
    return tuple(done)


def arrived_bytes(wheels: Sequence[Wheel], folder: Path) -> int:
    """Return how much of the wheels lies in a folder, beginnings included."""
    places = [folder / wheel.file_name for wheel in wheels]
    return sum(
        path.stat().st_size
        for place in places
        for path in (place, part_of(place))
        if path.is_file()
    )


class _Share(Reporter):
    """Makes the progress of one file that of all."""

    def __init__(self, reporter: Reporter, before: int, total: int) -> None:
        self._reporter, self._before, self._total = reporter, before, total

    def check(self) -> None:
        self._reporter.check()

    def progress(self, step: int, steps: int, **told: Any) -> None:
        done, total = step + (self._before >> 10), self._total >> 10
        self._reporter.progress(done, max(total, done, steps), stage="download")


def _checked(wheel: Wheel, file: Path) -> Wheel:
    found = sha256_file(file)
    if wheel.sha256 and found != wheel.sha256:
        file.unlink()
        raise InputError(
            "{file} arrived damaged and was deleted: its SHA-256 is not the one that the index "
            "announces. Try again.",
            file=wheel.file_name,
        )
    return replace(wheel, sha256=found, size=file.stat().st_size)


def _read_lock(lock: Path) -> tuple[Wheel, ...]:
    content = tomllib.loads(lock.read_text(encoding="utf-8"))
    return tuple(_wheel(package) for package in content["packages"])


def _wheel(package: dict[str, Any]) -> Wheel:
    # uv lists the one wheel that fits best, since it was told interpreter and system.
    found = package["wheels"][0]
    url = str(found["url"])
    name = str(found.get("name") or unquote(PurePosixPath(urlsplit(url).path).name))
    return Wheel(
        project=package["name"],
        version=package["version"],
        file_name=name,
        sha256=found.get("hashes", {}).get("sha256", ""),
        size=found.get("size", 0),
        url=url,
    )


def _own_projects() -> list[str]:
    """Name what the program brings along; NVIDIA's libraries have to lie beside the engine."""
    found = {str(one.metadata["Name"]) for one in metadata.distributions()}
    names = {name.lower().replace("_", "-") for name in found}
    return sorted(
        name for name in names if not name.startswith("nvidia-") or name == "nvidia-ml-py"
    )


def _dotted(python: str) -> str:
    return f"{python[2]}.{python[3:]}"
