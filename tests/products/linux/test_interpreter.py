"""The interpreter of the tree: it runs from anywhere, and looks nowhere else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from linux.elf import elf_files, needs_of
from linux.interpreter import InterpreterSource, lay_interpreter
from linux.libraries import C_LIBRARY, EXPECTED
from product.components import Component
from product.layout import Layout
from product.platforms import LINUX

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the interpreter of the Linux products"),
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="products have Python 3.11"),
    pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="nobody knows whose files are"),
]


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, list[Component]]:
    """A tree with the interpreter of these tests and one package, moved after it was laid."""
    folder = tmp_path_factory.mktemp("tree")
    layout = Layout(folder / "built", LINUX)
    layout.packages.mkdir(parents=True)
    (layout.packages / "mine.py").write_text("", encoding="utf-8")
    components = lay_interpreter(layout, InterpreterSource(Path(sys.base_prefix)))
    return Layout(layout.root.rename(folder / "搬 过来"), LINUX), components


def ask(layout: Layout, code: str, **environment: str) -> Any:
    done = subprocess.run(
        [str(layout.interpreter), "-c", f"import json, sys\n{code}\nprint(json.dumps(told))"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_sees_itself_and_the_packages_whatever_its_environment_says(
    laid: tuple[Layout, list[Component]], tmp_path: Path
) -> None:
    layout, _ = laid
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    settings = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere", "HOME": str(tmp_path)}
    told = ask(layout, "import mine; told = [sys.prefix, mine.__file__, *sys.path]", **settings)
    assert Path(told[0]) == layout.python
    assert Path(told[1]) == layout.packages / "mine.py"
    assert [Path(one).resolve() for one in told[2:]] == [
        layout.python / "lib" / "python3.11",
        layout.python / "lib" / "python3.11" / "lib-dynload",
        layout.packages,
        layout.program,
    ]


def test_what_it_starts_sees_the_same(laid: tuple[Layout, list[Component]]) -> None:
    layout, _ = laid
    code = (
        "import subprocess\n"
        "inner = 'import sys, json; print(json.dumps(sys.path))'\n"
        "out = subprocess.run([sys.executable, '-c', inner], capture_output=True, check=True)\n"
        "told = [sys.path, json.loads(out.stdout)]"
    )
    ours, theirs = ask(layout, code)
    assert ours == theirs


def test_modules_with_libraries_of_their_own_work(laid: tuple[Layout, list[Component]]) -> None:
    layout, _ = laid
    code = (
        "import bz2, ctypes, decimal, hashlib, lzma, multiprocessing.shared_memory, sqlite3, ssl\n"
        "import uuid, xml.etree.ElementTree as tree, zlib, zoneinfo\n"
        "one = sqlite3.connect(':memory:').execute('select 1').fetchone()\n"
        "text = zlib.decompress(lzma.decompress(lzma.compress(zlib.compress(b'text'))))\n"
        "told = [one[0], text.decode(), tree.fromstring('<a>b</a>').text, ssl.OPENSSL_VERSION,\n"
        "        hashlib.new('sha256', b'').hexdigest(), ctypes.CDLL(None).getpid() > 0]"
    )
    assert ask(layout, code)[:3] == [1, "text", "b"]


def test_every_library_is_beside_it_or_the_system_s(
    laid: tuple[Layout, list[Component]],
) -> None:
    layout, _ = laid
    beside = {path.name for path in (layout.python / "lib").glob("*.so*")}
    for file in elf_files(layout.root):
        for name in needs_of(file).libraries:
            assert name in beside or name in EXPECTED or C_LIBRARY.match(name), (file, name)
        shown = subprocess.run(
            ["patchelf", "--print-rpath", str(file)], capture_output=True, text=True, check=True
        )
        assert shown.stdout.strip() in ("", "$ORIGIN") or shown.stdout.startswith("$ORIGIN/")


def test_what_nobody_needs_is_not_there(laid: tuple[Layout, list[Component]]) -> None:
    layout, components = laid
    library = layout.python / "lib" / "python3.11"
    for name in ("test", "tkinter", "idlelib", "site-packages", "ensurepip"):
        assert not (library / name).exists()
    assert not list(library.glob("lib-dynload/readline*"))
    assert (library / "unittest" / "mock.py").exists()
    assert (library / "multiprocessing").exists()
    assert {one.name for one in components} >= {"python", "libsqlite3-0", "libffi8"}
    assert all(one.notices for one in components)
    assert "readline" not in " ".join(one.name for one in components)


def test_an_archive_is_taken_if_it_is_the_one(tmp_path: Path) -> None:
    prefix = tmp_path / "python"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python3.11").write_text("interpreter", encoding="utf-8")
    archive = tmp_path / "cpython-3.11-install_only.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(prefix, "python")
    right = hashlib.sha256(archive.read_bytes()).hexdigest()
    with InterpreterSource(archive, right).prefix() as found:
        assert (found / "bin" / "python3.11").read_text() == "interpreter"
        assert found != prefix
    assert not found.exists()
    with pytest.raises(ValueError, match="SHA-256"), InterpreterSource(archive, "0" * 64).prefix():
        pass
    with pytest.raises(SystemExit, match="sha256"), InterpreterSource(archive).prefix():
        pass


def test_a_library_that_is_nowhere_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from linux import libraries

    (tmp_path / "lib").mkdir()
    shutil.copy(Path(sys.executable).resolve(), tmp_path / "program")
    monkeypatch.setattr(libraries, "C_LIBRARY", libraries.re.compile("^libm"))
    monkeypatch.setattr(libraries, "EXPECTED", {})
    monkeypatch.setenv("PATH", os.environ["PATH"])
    with pytest.raises(ValueError, match="not on this machine"):
        libraries.copy_library("libnowhere.so.1", tmp_path / "lib")
