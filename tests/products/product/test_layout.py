"""The layout: relative search path, and a file that the program can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.system.installation import VARIABLE, installation
from product.layout import Layout
from product.platforms import LINUX, WINDOWS


def test_the_program_reads_what_the_build_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path, LINUX)
    layout.write_installation_file(version="0.2.0", kind="tar", update_url=None)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    found = installation()
    assert found is not None
    assert (found.version, found.kind, found.update_url) == ("0.2.0", "tar", None)
    assert found.root == tmp_path
    assert str(tmp_path) not in layout.installation_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("platform", [LINUX, WINDOWS], ids=["linux", "windows"])
def test_the_search_path_is_relative_and_beside_the_interpreter(
    tmp_path: Path, platform: object
) -> None:
    layout = Layout(tmp_path, WINDOWS if platform is WINDOWS else LINUX)
    layout.python.mkdir()
    layout.write_search_path(("lib/python3.11",))
    lines = layout.search_path.read_text(encoding="utf-8").splitlines()
    assert layout.search_path.parent == layout.interpreter.parent
    assert lines == ["lib/python3.11", "../packages", "../program"]
    for line, folder in zip(lines[1:], (layout.packages, layout.program), strict=True):
        assert (layout.python / line).resolve() == folder.resolve()
