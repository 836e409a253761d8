"""Where the program lies, as its launcher tells."""

from __future__ import annotations

import json
import pickle
from importlib import metadata
from pathlib import Path

import pytest

import core
from core.system import installation as module
from core.system.errors import InputError
from core.system.installation import FILE_NAME, VARIABLE, installation, program_version


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "程 序"
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


def write(root: Path, **content: object) -> None:
    text = json.dumps(content, ensure_ascii=False)
    (root / FILE_NAME).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("value", [None, ""])
def test_a_checkout_is_no_installation(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    assert installation() is None
    assert program_version() == metadata.version("maskwright") == core.__version__


@pytest.mark.parametrize("kind", ["deb", "tar", "windows"])
def test_what_the_launcher_names_is_read(root: Path, kind: str) -> None:
    write(root, version="1.2.3", kind=kind, update_url="https://example.org/a.json", colour="red")
    found = installation()
    assert found is not None
    assert (found.version, found.kind, found.root) == ("1.2.3", kind, root)
    assert found.update_url == "https://example.org/a.json"
    assert program_version() == core.__version__ == "1.2.3"
    assert pickle.loads(pickle.dumps(found)) == found


def test_nobody_is_asked_unless_the_packager_says_whom(root: Path) -> None:
    write(root, version="1.2.3", kind="tar")
    found = installation()
    assert found is not None and found.update_url is None


@pytest.mark.parametrize(("system", "name"), [("posix", "uv"), ("nt", "uv.exe")])
def test_uv_comes_with_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, system: str, name: str
) -> None:
    write(root, version="1.2.3", kind="windows")
    found = installation()
    assert found is not None
    monkeypatch.setattr(module.os, "name", system)
    assert str(found.uv).endswith(f"tools/{name}")


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "[]", '{"version": "1"}', '{"version": "1", "kind": "snap"}', "\udcff"],
)
def test_a_damaged_one_is_said_to_be(root: Path, text: str | None) -> None:
    if text is not None:
        (root / FILE_NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="damaged") as raised:
        installation()
    assert str(root / FILE_NAME) in str(raised.value)
    assert "Install the program again" in str(raised.value)


def test_without_any_version_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_name: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(metadata, "version", none)
    assert program_version() == "unknown"
