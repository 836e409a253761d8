"""The two executables that users start."""

from __future__ import annotations

import shutil
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from windows.icon import SIDES, write_icon
from windows.launchers import SOURCES, build_launchers

PICTURE = Path(__file__).resolve().parents[3] / "resources" / "icons" / "maskwright.svg"
WINDOWED, CONSOLE = 2, 3
needs_compiler = pytest.mark.skipif(
    shutil.which("x86_64-w64-mingw32-gcc") is None, reason="MinGW's compiler is not installed"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("启动 器")
    build_launchers(made, version="1.2.3", picture=PICTURE, python_dll="python311.dll")
    return made


def header(path: Path) -> tuple[int, int]:
    """Subsystem and time of the build, from a PE file's header."""
    content = path.read_bytes()
    (start,) = struct.unpack_from("<I", content, 0x3C)
    assert content[start : start + 4] == b"PE\0\0"
    (time,) = struct.unpack_from("<I", content, start + 8)
    (subsystem,) = struct.unpack_from("<H", content, start + 24 + 68)
    return subsystem, time


@needs_compiler
def test_one_with_and_one_without_a_console(folder: Path) -> None:
    assert header(folder / "maskwright.exe") == (WINDOWED, 0)
    assert header(folder / "maskwright.com") == (CONSOLE, 0)


@needs_compiler
def test_same_sources_same_launchers(folder: Path, tmp_path: Path) -> None:
    build_launchers(tmp_path, version="1.2.3", picture=PICTURE, python_dll="python311.dll")
    for name in ("maskwright.exe", "maskwright.com"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@needs_compiler
def test_tell_version_and_long_paths(folder: Path) -> None:
    for name in ("maskwright.exe", "maskwright.com"):
        content = (folder / name).read_bytes()
        assert b"longPathAware" in content
        assert "1.2.3".encode("utf-16-le") in content
        assert name.encode("utf-16-le") in content
        assert struct.pack("<4I", 0xFEEF04BD, 0x10000, 0x10002, 3 << 16 | 4000) in content


def test_the_manifest_asks_for_no_administrator() -> None:
    manifest = ET.parse(SOURCES / "launcher.manifest")
    (level,) = manifest.iter("{urn:schemas-microsoft-com:asm.v3}requestedExecutionLevel")
    assert level.get("level") == "asInvoker"


def test_the_icon_has_every_size(tmp_path: Path) -> None:
    write_icon(PICTURE, tmp_path / "one.ico")
    with Image.open(tmp_path / "one.ico") as icon:
        assert icon.info["sizes"] == {(side, side) for side in SIDES}
        blue = icon.convert("RGB").getpixel((128, 10))
    assert isinstance(blue, tuple)
    assert blue[2] > blue[0] + 100  # the picture's ground, not an empty image
