"""Our own code in the tree: all of it, and it knows its version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from product.program import lay_program

ROOT = Path(__file__).parents[3]


def test_the_laid_program_answers_with_the_version_it_was_given(tmp_path: Path) -> None:
    target = tmp_path / "程序 1"
    lay_program(ROOT, target, version="9.8.7")
    assert not list(target.rglob("*.pyc"))
    for folder in ("app", "core", "resources"):
        shipped = {path.relative_to(target) for path in (target / folder).rglob("*.*")}
        assert shipped, folder
    done = subprocess.run(
        [sys.executable, "-c", "import core; print(core.__file__, core.__version__)"],
        env={"PYTHONPATH": str(target)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    path, version = done.stdout.rsplit(maxsplit=1)
    assert Path(path).is_relative_to(target)
    assert version == "9.8.7"
