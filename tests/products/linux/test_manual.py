"""The manual page names every command, and man can read it."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import pytest
import typer

from core.cli.commands import build_app
from linux.manual import manual_page

PAGE = manual_page("0.1.0", datetime(2026, 11, 30, tzinfo=UTC))


def test_every_command_is_named_with_what_it_does() -> None:
    commands = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    assert {"train", "open", "learning-curve"} <= set(commands)
    for name in commands:
        assert f".B {name.replace('-', chr(92) + '-')}\n" in PAGE
    assert '"2026-11-30" "Maskwright 0.1.0"' in PAGE


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff on this machine")
def test_man_has_nothing_to_complain_about() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-Kutf8", "-P-cbou"],
        input=PAGE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "learning-curve" in done.stdout
