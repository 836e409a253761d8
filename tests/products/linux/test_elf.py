"""Reading what programs need of a system."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from linux.elf import elf_files, needs_of, newest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files of Linux")


def test_an_interpreter_needs_the_c_library(tmp_path: Path) -> None:
    program = tmp_path / "程序 1"
    shutil.copy(Path(sys.executable).resolve(), program)
    (tmp_path / "text").write_text("ELF", encoding="utf-8")
    (tmp_path / "link").symlink_to(program)
    assert list(elf_files(tmp_path)) == [program]
    needs = needs_of(program)
    assert "libc.so.6" in needs.libraries
    assert newest(needs.versions, "GLIBC") is not None
    assert needs.own_name is None


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({"GLIBC_2.9", "GLIBC_2.34", "GLIBC_PRIVATE", "GLIBCXX_3.4.29"}, "2.34"),
        ({"GLIBC_2.3.4", "GLIBC_2.3"}, "2.3.4"),
        ({"GLIBCXX_3.4"}, None),
    ],
)
def test_versions_are_compared_as_numbers(versions: set[str], expected: str | None) -> None:
    assert newest(frozenset(versions), "GLIBC") == expected
