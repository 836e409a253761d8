"""The Debian package: what is in it, what it asks for, the same each time."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from core.project.schema import APPLICATION_ID
from linux.debian import DESKTOP, depends, write_deb
from linux.libraries import SystemNeeds
from product.layout import Layout
from product.platforms import LINUX
from product.tree import Build

ROOT = Path(__file__).parents[3]
NEEDS = SystemNeeds(
    libraries=("libGL.so.1", "libglib-2.0.so.0", "libgthread-2.0.so.0"),
    glibc="2.35",
    glibcxx="3.4.29",
    by=(Path("python/python3"),),
)
BUILD = Build(checkout=ROOT, version="0.3.0", kind="deb", source_date=1_700_000_000)

needs_dpkg = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="there is no dpkg-deb on this machine"
)


def package(folder: Path) -> tuple[Layout, Path]:
    layout = Layout(folder / "树 1" / "maskwright", LINUX)
    layout.root.mkdir(parents=True)
    layout.launcher.write_text("#!/bin/sh\n", encoding="utf-8")
    layout.launcher.chmod(0o755)
    return layout, write_deb(layout, BUILD, NEEDS, folder / "out", level=1)


def shown(*command: object) -> str:
    done = subprocess.run(
        ["dpkg-deb", *map(str, command)], capture_output=True, text=True, check=True
    )
    return done.stdout


@needs_dpkg
def test_it_holds_the_tree_and_what_a_desktop_looks_for(tmp_path: Path) -> None:
    layout, deb = package(tmp_path)
    assert deb.name == "maskwright_0.3.0_amd64.deb"
    lines = shown("--contents", deb).splitlines()
    places = {line.split("./", 1)[1]: line for line in lines}
    for place in (
        "opt/maskwright/maskwright",
        "usr/share/applications/maskwright.desktop",
        "usr/share/icons/hicolor/scalable/apps/maskwright.svg",
        "usr/share/mime/packages/maskwright.xml",
        "usr/share/metainfo/maskwright.metainfo.xml",
        "usr/share/man/man1/maskwright.1.gz",
        "usr/share/doc/maskwright/copyright",
    ):
        assert place in places, place
    assert "usr/bin/maskwright -> ../../opt/maskwright/maskwright" in places
    assert all(" root/root " in line for line in lines)
    assert all(" 2023-11-14 " in line for line in lines)
    assert layout.launcher.exists(), "the tree is where it was"
    assert {path.name for path in tmp_path.iterdir()} == {"树 1", "out"}


@needs_dpkg
def test_it_asks_for_the_c_library_and_each_package_once(tmp_path: Path) -> None:
    _, deb = package(tmp_path)
    needed = shown("--field", deb, "Depends").strip().split(", ")
    assert needed == ["libc6 (>= 2.35)", "libgl1", "libglib2.0-0", "xkb-data"]
    assert needed == depends(NEEDS)
    assert int(shown("--field", deb, "Installed-Size")) > 0


@needs_dpkg
def test_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    one, two = (package(tmp_path / name)[1] for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_desktops_know_projects_by_their_application_id() -> None:
    told = (DESKTOP / "maskwright.xml").read_text(encoding="utf-8")
    assert f'value="{APPLICATION_ID.to_bytes(4, "big").decode()}" offset="68"' in told


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("desktop-file-validate", ["desktop-file-validate", "maskwright.desktop"]),
        ("xmllint", ["xmllint", "--noout", "maskwright.xml"]),
    ],
)
def test_the_tools_of_desktops_find_nothing_wrong(tool: str, command: list[str]) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool} on this machine")
    done = subprocess.run(command, cwd=DESKTOP, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("appstreamcli") is None, reason="there is no appstreamcli")
def test_software_centres_can_read_the_description(tmp_path: Path) -> None:
    text = (DESKTOP / "metainfo.xml").read_text(encoding="utf-8")
    path = tmp_path / "maskwright.metainfo.xml"
    path.write_text(text.replace("@VERSION@", "0.3.0").replace("@DATE@", "2026-11-30"))
    done = subprocess.run(
        ["appstreamcli", "validate", "--no-net", "--no-color", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    # The program has no domain of its own to be named after.
    found = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:"))]
    assert found == ["W: maskwright:3: cid-desktopapp-is-not-rdns maskwright"]
