"""Pins: what a build installs is what the project pins, one wheel a line."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from product.pins import best_wheels, pins_file, read_pins, supported_tags
from product.platforms import LINUX, PLATFORMS, WINDOWS, Platform

ROOT = Path(__file__).parents[3]
PYTHON = {"python_version": "3.11", "python_full_version": "3.11.9"}


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
@pytest.mark.parametrize("group", ["packages", "tools"])
def test_the_files_of_pins_are_the_project_s(platform: Platform, group: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    environment = {**PYTHON, "sys_platform": "win32" if platform is WINDOWS else "linux"}
    pinned = {}
    for line in project["tool"]["uv"]["constraint-dependencies"]:
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate(environment):
            (exact,) = one.specifier
            pinned[canonicalize_name(one.name)] = exact.version

    pins = read_pins(platform, group)

    stale = {name: pin.version for name, pin in pins.items() if pin.version != pinned.get(name)}
    assert stale == {}, "python packaging/build.py pins writes them anew"


def test_what_the_project_asks_for_is_in_the_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {canonicalize_name(Requirement(one).name) for one in project["project"]["dependencies"]}
    for platform in PLATFORMS.values():
        assert asked <= set(read_pins(platform, "packages"))
        assert "uv" in read_pins(platform, "tools")
    assert "msvc-runtime" in read_pins(WINDOWS, "tools")


def wheel(tags: str, sha256: str) -> dict[str, Any]:
    return {
        "url": f"https://files.invalid/a/b/numpy-2.4.6-{tags}.whl",
        "hashes": {"sha256": sha256},
    }


NUMPY = {
    "name": "NumPy",
    "version": "2.4.6",
    "wheels": [
        wheel("cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64", "other-python"),
        wheel("cp311-cp311-win_amd64", "windows"),
        wheel("cp311-cp311-musllinux_1_2_x86_64", "musl"),
        wheel("cp311-cp311-manylinux_2_36_x86_64", "too-new"),
        wheel("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "old"),
        wheel("cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64", "newer"),
        wheel("cp38-abi3-manylinux_2_28_x86_64", "abi3"),
    ],
}


def test_the_best_wheel_of_each_platform_is_taken() -> None:
    (linux,) = best_wheels([NUMPY], LINUX)
    (windows,) = best_wheels([NUMPY], WINDOWS)
    assert (linux.name, linux.version, linux.sha256) == ("numpy", "2.4.6", "newer")
    assert windows.sha256 == "windows"


def test_a_package_without_a_wheel_is_named() -> None:
    only_sources = {"name": "rarfile", "version": "4.5", "wheels": []}
    with pytest.raises(ValueError, match=r"rarfile 4\.5: no wheel for linux"):
        best_wheels([only_sources], LINUX)


def test_no_wheel_asks_for_a_newer_c_library_than_is_promised() -> None:
    systems = [tag.platform for tag in supported_tags(LINUX) if tag.platform != "any"]
    assert systems[0] == "manylinux_2_34_x86_64"
    assert "manylinux1_x86_64" in systems
    assert not {"manylinux_2_35_x86_64", "win_amd64"} & set(systems)


def test_a_line_without_a_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("product.pins.pins_file", lambda *_: tmp_path / "packages.txt")
    (tmp_path / "packages.txt").write_text("numpy==2.4.6\n", encoding="utf-8")
    with pytest.raises(ValueError, match="numpy==2"):
        read_pins(LINUX, "packages")
    assert pins_file(LINUX, "packages").name == "packages.txt"
