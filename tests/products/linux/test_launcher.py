"""The launcher: from any folder, by any name, with nothing of another Python's settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from linux.launcher import lay_launcher
from product.layout import Layout
from product.platforms import LINUX

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the launcher of Linux")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A tree whose interpreter says how it was started."""
    layout = Layout(tmp_path / "安装 到 $HOME", LINUX)
    layout.python.mkdir(parents=True)
    layout.interpreter.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nenv\n', encoding="utf-8")
    layout.interpreter.chmod(0o755)
    assert lay_launcher(layout) == []
    return layout


def start(command: Path, *arguments: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [str(command), *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_arguments_arrive_as_they_were(layout: Layout) -> None:
    told = start(layout.launcher, "predict", "--out", "a b", "", "图 像*.jpg")
    main = str(layout.program / "main.py")
    assert told[:7] == ["-B", main, "predict", "--out", "a b", "", "图 像*.jpg"]
    assert f"MASKWRIGHT_INSTALLATION={layout.root}" in told


def test_settings_of_another_python_do_not_arrive(layout: Layout) -> None:
    given = {"PYTHONHOME": "/x", "PYTHONPATH": "/y z", "PYTHONSTARTUP": "a\nPYTHONX=b", "KEPT": "1"}
    told = start(layout.launcher, **given)
    assert not [line for line in told if line.startswith("PYTHON")]
    assert "KEPT=1" in told


def test_a_link_to_the_launcher_finds_the_installation(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "maskwright"
    link.symlink_to(layout.launcher)
    (tmp_path / "again").symlink_to(link)
    for command in (link, tmp_path / "again"):
        assert f"MASKWRIGHT_INSTALLATION={layout.root}" in start(command)
