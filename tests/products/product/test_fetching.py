"""Fetching: a file is the one that is pinned, or it is not used."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from product.fetching import CACHE_VARIABLE, extract_members, fetch, fetch_tool, verified
from product.pins import Pin
from product.platforms import LINUX


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "thing"
    path.write_bytes(b"content")
    right = hashlib.sha256(b"content").hexdigest()
    assert verified(path, right) == path
    with pytest.raises(ValueError, match="SHA-256"):
        verified(path, "0" * 64)


def test_what_is_cached_is_checked_and_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("PATH", "")  # nothing can be asked for anything
    pin = Pin("thing", "1.0", hashlib.sha256(b"content").hexdigest())
    kept = tmp_path / pin.sha256 / "thing-1.0-py3-none-any.whl"
    kept.parent.mkdir()
    kept.write_bytes(b"content")
    assert fetch(LINUX, pin) == kept
    kept.write_bytes(b"spoilt")
    with pytest.raises(ValueError, match="SHA-256"):
        fetch(LINUX, pin)


def test_a_tool_is_one_of_those_that_are_pinned() -> None:
    with pytest.raises(KeyError):
        fetch_tool(LINUX, "numpy")


def test_single_files_are_taken_out_of_a_wheel(tmp_path: Path) -> None:
    archive = tmp_path / "uv.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("uv-1.data/scripts/uv", "program")
        wheel.writestr("uv/uv.py", "module")
        wheel.writestr("twice/uv.py", "module")
    extract_members(archive, tmp_path / "tools", {"scripts/uv": "uv"})
    assert (tmp_path / "tools" / "uv").read_text() == "program"
    for end in ("uv.py", "missing"):
        with pytest.raises(ValueError, match=end):
            extract_members(archive, tmp_path / "tools", {end: "x"})
