"""The wheel in an environment of its own: what it installs there, and that the program works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import version_0_1

from core.images.io import read_mask

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what is cached: tests ask no server for a build backend."""
    if shutil.which("uv") is None:
        pytest.skip("uv, which builds the wheel, is not on the path")
    out = tmp_path_factory.mktemp("wheel")
    built = _run(["uv", "build", "--wheel", "--offline", "--out-dir", out, ROOT])
    if built.returncode and "the network was disabled" in built.stderr:
        pytest.skip("the build backend is not in uv's cache, and tests ask no server for it")
    assert built.returncode == 0, built.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel, which borrows its dependencies."""
    environment = tmp_path_factory.mktemp("安装 1") / "venv"
    made = _run([sys.executable, "-m", "venv", "--without-pip", environment])
    assert made.returncode == 0, made.stderr
    folder = "Scripts" if sys.platform == "win32" else "bin"
    interpreter = environment / folder / ("python.exe" if sys.platform == "win32" else "python")
    installed = _run(
        ["uv", "pip", "install", "--offline", "--no-deps", "--python", interpreter, wheel]
    )
    assert installed.returncode == 0, installed.stderr
    own = _run([interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    # A plain line: the borrowed folder's own .pth files, which name this checkout, do not count.
    paths = "\n".join({sysconfig.get_path(name) for name in ("purelib", "platlib")})
    (Path(own.stdout.strip()) / "borrowed.pth").write_text(paths, encoding="utf-8")
    return interpreter


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data and a model to work with."""
    return version_0_1.unpack(tmp_path_factory.mktemp("data"))


def _run(command: Sequence[object], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )


def run_program(python: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return _run([python.with_name("maskwright"), *arguments], cwd)


def last_json(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.stdout, done.stderr
    content: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return content


def test_nothing_but_maskwright_lies_among_other_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    packages = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"maskwright"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    # Each file that the program has is there, and nothing that only the repository needs.
    program = {name.removeprefix("maskwright/program/") for name in names if "/program/" in name}
    for folder in ("app", "core", "resources"):
        files = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert {name for name in program if name.startswith(f"{folder}/")} == files
    assert {name.split("/")[0] for name in program} == {
        "app",
        "core",
        "docs",
        "resources",
        "main.py",
    }


def test_the_command_line_answers(python: Path, tmp_path: Path) -> None:
    helped = run_program(python, "--help", cwd=tmp_path)
    assert helped.returncode == 0, helped.stderr
    assert "sensitivity" in helped.stdout
    checked = run_program(python, "doctor", "--json", cwd=tmp_path)
    assert "checks" in last_json(checked), checked.stderr


def test_the_library_is_found(python: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import maskwright\n"
        "import core as pdx\n"
        "from core import transforms as T\n"
        "from app.look.icons import ICONS_DIR\n"
        "print(pdx.__file__)\n"
        "print(T.Resize(8).target_size, any(ICONS_DIR.iterdir()))\n",
        encoding="utf-8",
    )
    done = _run([python, script], tmp_path)
    assert done.returncode == 0, done.stderr
    place, *rest = done.stdout.splitlines()
    assert Path(place).parts[-4:] == ("maskwright", "program", "core", "__init__.py")
    assert rest == ["(8, 8) True"]


def test_another_package_called_core_is_named(python: Path, tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("", encoding="utf-8")
    found_first = _run([python, "-c", "import maskwright"], tmp_path)
    loaded_before = _run([python, "-c", "import core, maskwright"], tmp_path)
    for done in (found_first, loaded_before):
        assert done.returncode == 1
        sentence = done.stderr.splitlines()[-1]
        assert sentence.startswith("ImportError: maskwright needs the name “core”")
        assert str(tmp_path / "core") in sentence
    # The program itself does not mind: in its own process its folder comes first.
    started = _run([python, "-m", "maskwright", "--help"], tmp_path)
    assert started.returncode == 0, started.stderr


def test_data_are_checked_and_a_worker_predicts(python: Path, before: Path, tmp_path: Path) -> None:
    runs = before / "plates" / "runs"
    checked = run_program(
        python, "validate", runs / "0001-FastSCNN" / "dataset", "--json", cwd=tmp_path
    )
    assert checked.returncode == 0, checked.stderr
    predicted = run_program(
        python,
        "predict",
        "--model-dir",
        runs / "0001-FastSCNN" / "best_model",
        "--out",
        tmp_path / "masks",
        before / "photos" / "plate 3.png",
        cwd=tmp_path,
    )
    assert predicted.returncode == 0, predicted.stderr
    found = read_mask(tmp_path / "masks" / "plate 3.png")
    was = read_mask(before / "expected" / "float.png")
    assert np.mean(found == was) > 0.99


def test_in_a_checkout_the_same_lines_work(tmp_path: Path) -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); import maskwright, core as pdx"
    script += "; print(pdx.__file__)"
    done = _run([sys.executable, "-c", script, ROOT], tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == ROOT / "core" / "__init__.py"
