from __future__ import annotations

import codecs
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.system import files
from core.system.errors import InputError

ROOT = Path(files.__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "文件 夹"
    path.mkdir()
    return path


def test_write_replaces_content_and_leaves_nothing_else(folder: Path) -> None:
    files.write_text_atomic(folder / "a.txt", "eins\n")
    files.write_text_atomic(folder / "a.txt", "zwei 二\n")
    assert (folder / "a.txt").read_bytes() == "zwei 二\n".encode()
    assert [path.name for path in folder.iterdir()] == ["a.txt"]


def test_full_disk_keeps_the_old_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_bytes_atomic(folder / "a", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_bytes_atomic(folder / "a", b"new")
    assert (folder / "a").read_bytes() == b"old"
    assert len(list(folder.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="symbolic links and modes of POSIX")
def test_links_and_permissions_are_those_of_any_file(folder: Path) -> None:
    (folder / "real").write_bytes(b"old")
    (folder / "link").symlink_to("real")
    files.write_bytes_atomic(folder / "link", b"new")
    assert (folder / "link").is_symlink()
    assert (folder / "real").read_bytes() == b"new"
    (folder / "plain").write_bytes(b"")
    assert (folder / "real").stat().st_mode == (folder / "plain").stat().st_mode


def test_json_is_strict(folder: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json_atomic(folder / "a.json", {"miou": float("nan")})
    assert not list(folder.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_killed_writer_leaves_whole_content(folder: Path) -> None:
    path = folder / "data"
    program = (
        "import itertools, pathlib, sys\n"
        "from core.system.files import write_bytes_atomic\n"
        "print('ready', flush=True)\n"
        "for byte in itertools.cycle([b'a', b'b']):\n"
        "    write_bytes_atomic(pathlib.Path(sys.argv[1]), byte * 3_000_000)\n"
    )
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        while not path.exists():
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        content = path.read_bytes()
        assert content in (b"a" * 3_000_000, b"b" * 3_000_000)


def fill(target: Path, text: str) -> None:
    with files.replace_folder_atomic(target) as partial:
        (partial / "sub").mkdir()
        (partial / "sub" / "a").write_text(text)


def test_a_folder_is_replaced_as_a_whole(folder: Path) -> None:
    target = folder / "best_model"
    fill(target, "one")
    (target / "stale").write_text("")
    fill(target, "two")
    assert [p.name for p in target.iterdir()] == ["sub"]
    assert (target / "sub" / "a").read_text() == "two"
    assert [p.name for p in folder.iterdir()] == ["best_model"]


def test_a_failing_block_leaves_the_old_folder(folder: Path) -> None:
    target = folder / "best_model"
    fill(target, "one")
    with pytest.raises(RuntimeError), files.replace_folder_atomic(target) as partial:
        (partial / "half").write_text("")
        raise RuntimeError
    assert (target / "sub" / "a").read_text() == "one"
    assert len(list(folder.iterdir())) == 1


def test_a_kill_between_the_renames_is_repaired(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder / "best_model"
    fill(target, "one")
    rename = Path.rename

    def killed(self: Path, to: Path) -> Path:
        if Path(to) == target:
            raise KeyboardInterrupt
        return rename(self, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        patch.setattr(files, "recover_folder", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            fill(target, "two")
    assert not target.exists()
    files.recover_folder(target)
    assert (target / "sub" / "a").read_text() == "one"


def test_a_failing_rename_brings_the_old_folder_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder / "best_model"
    fill(target, "one")
    rename = Path.rename

    def refused(self: Path, to: Path) -> Path:
        if self.name.endswith(".partial"):
            raise PermissionError
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(PermissionError):
        fill(target, "two")
    assert (target / "sub" / "a").read_text() == "one"
    assert len(list(folder.iterdir())) == 1


def test_what_a_killed_writer_left_is_cleared(folder: Path) -> None:
    (folder / ".m.partial").mkdir()
    (folder / ".m.partial" / "junk").write_text("")
    fill(folder / "m", "new")
    assert sorted(p.name for p in (folder / "m").iterdir()) == ["sub"]
    assert len(list(folder.iterdir())) == 1


def test_yaml_reads_plain_values_and_tuples_as_lists(folder: Path) -> None:
    path = folder / "model.yml"
    path.write_text("size: !!python/tuple [512, !!python/tuple [1, 2]]\nname: 网络\n", "utf-8")
    assert files.read_yaml(path) == {"size": [512, [1, 2]], "name": "网络"}


@pytest.mark.parametrize(
    "text",
    ["!!python/object/apply:os.mkdir [pwned]", "!!python/name:os.system ''", "a: [1", "a: \x00"],
)
def test_yaml_refuses_the_rest(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    path = folder / "model.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"model\.yml is not (YAML|a text)"):
        files.read_yaml(path)
    assert not (folder / "pwned").exists()


def test_yaml_has_a_size_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_YAML_BYTES", 10)
    (folder / "a.yml").write_text("a: 123456789")
    with pytest.raises(InputError, match="larger than"):
        files.read_yaml(folder / "a.yml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_text_of_either_encoding_and_any_line_end(folder: Path, encoding: str) -> None:
    (folder / "a.txt").write_bytes("背景\r\n划痕\r裂纹\n".encode(encoding))
    assert files.read_text(folder / "a.txt") == "背景\n划痕\n裂纹\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_text_with_a_utf_16_mark_is_read(folder: Path, encoding: str) -> None:
    mark = codecs.BOM_UTF16_BE if encoding.endswith("be") else b""
    (folder / "a.txt").write_bytes(mark + "背景\r\na b\n".encode(encoding))
    assert files.read_text(folder / "a.txt") == "背景\na b\n"


def test_a_folder_that_cannot_be_made_is_bad_input(folder: Path) -> None:
    (folder / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be made"):
        files.make_folder(folder / "file" / "x")
    assert files.make_folder(folder / "新 a" / "b").is_dir()


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"\xff\xfe\xff\xff\xff"])
def test_what_is_no_text_is_refused(folder: Path, data: bytes) -> None:
    (folder / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match="not a text file"):
        files.read_text(folder / "a.txt")


def test_sha256(folder: Path) -> None:
    (folder / "a").write_bytes(b"abc")
    assert files.sha256_file(folder / "a").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_room_is_looked_for_and_left_free(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.require_room(folder, 3 * 2**20)
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    files.require_room(folder, 3 * 2**20)
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="written there instead")
def test_missing_room_names_the_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left") as caught:
        files.require_room(folder, 10)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(folder))


@pytest.mark.parametrize("value", [None, 3, "", b"x", [], True])
def test_what_is_no_path(value: object) -> None:
    with pytest.raises(InputError, match=r"save_dir is .*: give a path"):
        files.as_path(value, name="save_dir")
    assert files.as_path("a/b", name="x") == files.as_path(Path("a/b"), name="x") == Path("a/b")
