"""What setup is compiled from."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from windows.authenticode import Signer
from windows.file_lists import LONGEST_PATH, make_lists
from windows.installer import (
    SOURCES,
    SetupBuild,
    build_setup,
    definitions,
    file_commands,
    literal,
    quoted,
)

PICTURE = Path(__file__).resolve().parents[3] / "resources" / "icons" / "maskwright.svg"


@pytest.fixture
def build(tmp_path: Path) -> SetupBuild:
    tree = tmp_path / "the tree"
    for name, size in {
        "maskwright.exe": 5000,
        "packages/a $b/c.py": 3000,
        "packages/d.py": 0,
    }.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\n" * size)
    return SetupBuild(
        tree=tree,
        version="0.2.0rc1",
        picture=PICTURE,
        source_date=1_700_000_000,
        compression="none",
    )


def test_files_in_the_order_of_the_list() -> None:
    lists = make_lists(["b/x", "a", "b/c/y", "b/z"])
    assert file_commands(lists, Path("/tree")).splitlines() == [
        "SetOutPath `$INSTDIR`",
        "File `/tree/a`",
        "SetOutPath `$INSTDIR\\b\\c`",
        "File `/tree/b/c/y`",
        "SetOutPath `$INSTDIR\\b`",
        "File `/tree/b/x`",
        "File `/tree/b/z`",
    ]


def test_names_are_taken_literally() -> None:
    assert quoted("$INSTDIR", '\\a $b "c"') == '`$INSTDIR\\a $$b "c"`'
    assert literal(Path("/a $b")) == "`/a $b`"
    with pytest.raises(ValueError, match="cannot be written"):
        quoted("", "a`b")
    with pytest.raises(ValueError, match="cannot be written"):
        literal(Path("/a ${b}"))


def test_definitions(build: SetupBuild, tmp_path: Path) -> None:
    lists = make_lists(["maskwright.exe", "packages/a $b/c.py", "packages/d.py"])
    defined = definitions(build, lists, work=tmp_path, out_file=tmp_path / "setup.exe")
    assert defined["VERSION"] == "0.2.0rc1"
    assert defined["VERSION_NUMBERS"] == "0.2.0.3001"
    assert defined["LONGEST"] == str(len("packages/a $b/c.py"))
    assert defined["SIZE_KB"] == "7"
    assert "SIGN" not in defined


def test_the_script_uses_what_is_defined_and_nothing_else(
    build: SetupBuild, tmp_path: Path
) -> None:
    signed = SetupBuild(
        tree=build.tree,
        version=build.version,
        picture=PICTURE,
        source_date=0,
        signer=Signer("sign '{input}' {output}"),
    )
    defined = definitions(signed, make_lists(["maskwright.exe"]), work=tmp_path, out_file=tmp_path)
    script = (SOURCES / "setup.nsi").read_text(encoding="utf-8")
    header = script.partition("Unicode true")[0]
    documented = {
        name for name in re.findall(r"[A-Z_]{4,}", header) if name not in ("NSIS", "LZMA")
    }
    assert documented == set(defined) | {"STORED"}  # in place of LZMA's
    for name in defined:
        assert f"${{{name}}}" in script, name
    assert "!ifdef STORED" in script


def test_the_limit_of_paths_is_that_of_the_lists() -> None:
    assert f"$0 >= {LONGEST_PATH}" in (SOURCES / "setup.nsi").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("makensis") is None, reason="makensis is not installed")
def test_same_input_same_setup(build: SetupBuild, tmp_path: Path) -> None:
    first = build_setup(build, tmp_path / "first.exe").read_bytes()
    (build.tree / "packages").rename(tmp_path / "aside")
    (tmp_path / "aside").rename(build.tree / "packages")
    assert build_setup(build, tmp_path / "second.exe").read_bytes() == first
    assert first[:2] == b"MZ"
