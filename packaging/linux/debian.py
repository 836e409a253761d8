"""The Debian package: the tree in /opt, and what desktops, shells and readers look for in /usr."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from linux.libraries import SystemNeeds
from linux.manual import manual_page
from product.archives import settle
from product.layout import Layout
from product.sizes import bytes_below
from product.tree import Build

DESKTOP = Path(__file__).parent / "desktop"
PLACE = Path("opt/maskwright")

_CONTROL = """\
Package: maskwright
Version: {version}
Architecture: amd64
Maintainer: Maskwright developers <developers@maskwright.invalid>
Installed-Size: {kilobytes}
Depends: {depends}
Recommends: fonts-noto-cjk, xdg-utils
Section: science
Priority: optional
Description: desktop workbench for semantic segmentation
 Takes you from a folder of images through labels and training to a small, fast
 model that is proven to give the same masks, by pointing and clicking, offline,
 in one window. The same steps are there as commands and as a Python library.
 .
 Interpreter and libraries are part of the package, in /opt/maskwright; their
 licences are in /opt/maskwright/licences.
"""

_COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Maskwright
Comment:
 /opt/maskwright holds an interpreter and packages of many makers. Their licences
 are named in /opt/maskwright/licences/NOTICE.txt, and their texts lie beside it.

Files: *
Copyright: The Maskwright developers
License: Apache-2.0
 On Debian systems the text of this licence is in
 /usr/share/common-licenses/Apache-2.0.
"""


def write_deb(layout: Layout, build: Build, needs: SystemNeeds, out: Path, *, level: int) -> Path:
    """Write the Debian package of a tree.

    Args:
        layout: the tree, which is moved into the package's and back.
        build: its version and date.
        needs: what the package depends on.
        out: folder to write to.
        level: zstd's, 1 to 19.

    Returns:
        The package's file.
    """
    stage = layout.root.with_name(f"{layout.root.name}.deb")
    shutil.rmtree(stage, ignore_errors=True)
    try:
        _lay_beside(stage, build)
        place = stage / PLACE
        place.parent.mkdir(parents=True)
        control = _CONTROL.format(
            version=build.version,
            kilobytes=(bytes_below(layout.root) + bytes_below(stage)) // 1024,
            depends=", ".join(depends(needs)),
        )
        layout.root.rename(place)
        try:
            settle(stage, build.source_date)
            (stage / "DEBIAN").mkdir(mode=0o755)
            (stage / "DEBIAN" / "control").write_text(control, encoding="utf-8")
            return _pack(stage, build, out, level=level)
        finally:
            place.rename(layout.root)
    finally:
        shutil.rmtree(stage)


def depends(needs: SystemNeeds) -> list[str]:
    """Return the package's dependencies as Debian writes them."""
    # Keyboards of X: a table that libxkbcommon reads and only recommends.
    return [f"libc6 (>= {needs.glibc})", *needs.debian_packages, "xkb-data"]


def _lay_beside(stage: Path, build: Build) -> None:
    share = stage / "usr" / "share"
    day = datetime.fromtimestamp(build.source_date, UTC)
    metainfo = (DESKTOP / "metainfo.xml").read_text(encoding="utf-8")
    metainfo = metainfo.replace("@VERSION@", build.version).replace("@DATE@", f"{day:%Y-%m-%d}")
    changes = (build.checkout / "CHANGELOG.md").read_bytes()
    icon = build.checkout / "resources" / "icons" / "maskwright.svg"
    files = {
        share / "applications" / "maskwright.desktop": _read("maskwright.desktop"),
        share / "mime" / "packages" / "maskwright.xml": _read("maskwright.xml"),
        share / "metainfo" / "maskwright.metainfo.xml": metainfo.encode(),
        share / "icons" / "hicolor" / "scalable" / "apps" / "maskwright.svg": icon.read_bytes(),
        share / "doc" / "maskwright" / "copyright": _COPYRIGHT.encode(),
        share / "doc" / "maskwright" / "changelog.gz": gzip.compress(changes, 9, mtime=0),
        share / "man" / "man1" / "maskwright.1.gz": gzip.compress(
            manual_page(build.version, day).encode(), 9, mtime=0
        ),
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    command = stage / "usr" / "bin" / "maskwright"
    command.parent.mkdir(parents=True)
    command.symlink_to(Path("../..") / PLACE / "maskwright")


def _read(name: str) -> bytes:
    return (DESKTOP / name).read_bytes()


def _pack(stage: Path, build: Build, out: Path, *, level: int) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    package = out / f"maskwright_{build.version}_amd64.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Zzstd", f"-z{level}", "--build"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(build.source_date)}
    subprocess.run([*command, str(stage), str(package)], check=True, env=environment)
    return package
