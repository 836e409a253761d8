"""ONNX Runtime's wheels report what is run to their maker, unless they are told not to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUN = "from {package}.onnx_sessions import products_overflow; products_overflow()"


@pytest.mark.skipif(sys.platform != "linux", reason="caches lie elsewhere there")
@pytest.mark.parametrize("place", ["in the program", "in a bundle"])
def test_nothing_is_kept_to_be_reported(tmp_path, place):
    """An identifier and a store of events lie in the user's cache otherwise."""
    bundled = place == "in a bundle"
    code = RUN.format(package="portable" if bundled else "core.portable")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "core" if bundled else ROOT),
    }
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)
    assert [one.name for one in tmp_path.rglob("*") if "icrosoft" in one.name] == []
