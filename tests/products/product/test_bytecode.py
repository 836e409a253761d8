"""Byte code: beside every module, the same in every build, never compared with its source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from product.bytecode import compile_tree
from product.layout import Layout
from product.platforms import LINUX

MODULE = """\
NAMES = {"one", "two", "three", "four"}


def has(name):
    return name in {"one", "two", "three", "four"}


def fail():
    raise RuntimeError
"""

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="products have Python 3.11")


def lay(root: Path) -> Layout:
    layout = Layout(root, LINUX)
    for place in ("python/lib/thing.py", "packages/pack/one.py", "packages/single.py"):
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MODULE, encoding="utf-8")
    (root / "program" / "core").mkdir(parents=True)
    (root / "program" / "core" / "two.py").write_text(MODULE, encoding="utf-8")
    (root / "packages" / "pack" / "config_py2.py").write_text("print 'hello'", encoding="utf-8")
    return layout


def byte_code(layout: Layout) -> dict[str, bytes]:
    return {
        path.relative_to(layout.root).as_posix(): path.read_bytes()
        for path in layout.root.rglob("*.pyc")
    }


def test_byte_code_does_not_depend_on_where_and_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = lay(tmp_path / "one"), lay(tmp_path / "另一个 文件夹")
    compile_tree(one)
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    compile_tree(two)
    compiled = byte_code(one)
    assert len(compiled) == 4
    assert compiled == byte_code(two)


def test_byte_code_is_used_whatever_the_source_s_time_and_content(tmp_path: Path) -> None:
    layout = lay(tmp_path / "程序 1")
    compile_tree(layout)
    source = layout.packages / "single.py"
    source.write_text("NAMES = 'from the source'\n", encoding="utf-8")
    code = "import single, sys; print(len(single.NAMES))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(layout.packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["4"]


def test_tracebacks_name_the_file_where_it_lies_now(tmp_path: Path) -> None:
    layout = lay(tmp_path / "built")
    compile_tree(layout)
    moved = layout.root.rename(tmp_path / "moved")
    done = subprocess.run(
        [sys.executable, "-c", "import single; single.fail()"],
        env={"PYTHONPATH": str(moved / "packages")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert str(moved / "packages" / "single.py") in done.stderr


def test_a_module_that_does_not_compile_fails_the_build(tmp_path: Path) -> None:
    layout = lay(tmp_path)
    (layout.packages / "pack" / "broken.py").write_text("def (", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        compile_tree(layout)
