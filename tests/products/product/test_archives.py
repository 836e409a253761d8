"""Archives are the same wherever and whenever they are made."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from product.archives import settle, tree_digest, write_tar_zst

DATE = 1_700_000_000


def make(root: Path, *, reverse: bool, umask: int) -> Path:
    """A tree, made in one order or the other by somebody with one habit or another."""
    old = os.umask(umask)
    try:
        names = ["b/深 1.txt", "a.txt", "run", "b/c/d.txt"]
        for name in reversed(names) if reverse else names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name, encoding="utf-8")
        (root / "run").chmod(0o700 if reverse else 0o755)
        (root / "link").symlink_to("b/c")
    finally:
        os.umask(old)
    return root


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """The same tree twice."""
    one = make(tmp_path / "1" / "程序", reverse=False, umask=0o022)
    two = make(tmp_path / "2" / "程序", reverse=True, umask=0o077)
    for tree in (one, two):
        settle(tree, DATE)
    return one, two


def test_two_modes_and_one_time(trees: tuple[Path, Path]) -> None:
    for tree in trees:
        assert {path.lstat().st_mtime for path in [tree, *tree.rglob("*")]} == {DATE}
        assert stat.S_IMODE((tree / "run").stat().st_mode) == 0o755
        assert stat.S_IMODE((tree / "a.txt").stat().st_mode) == 0o644
        assert stat.S_IMODE((tree / "b").stat().st_mode) == 0o755
    assert tree_digest(trees[0]) == tree_digest(trees[1])


@pytest.mark.skipif(shutil.which("zstd") is None, reason="there is no zstd on this machine")
def test_the_archive_is_the_same_to_the_byte(trees: tuple[Path, Path], tmp_path: Path) -> None:
    archives = [tmp_path / "1.tar.zst", tmp_path / "2.tar.zst"]
    for tree, archive in zip(trees, archives, strict=True):
        write_tar_zst(tree, archive, source_date=DATE, level=3)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    plain = tmp_path / "plain.tar"
    subprocess.run(["zstd", "-q", "-d", str(archives[0]), "-o", str(plain)], check=True)
    with tarfile.open(plain) as tar:
        members = tar.getmembers()
        assert [one.name for one in members][:2] == ["程序", "程序/a.txt"]
        assert {(one.uid, one.gid, one.uname, one.mtime) for one in members} == {(0, 0, "", DATE)}
        tar.extractall(tmp_path / "out", filter="data")
    assert tree_digest(tmp_path / "out" / "程序") == tree_digest(trees[0])


def test_a_changed_byte_and_a_changed_mode_are_seen(trees: tuple[Path, Path]) -> None:
    one, two = trees
    (two / "a.txt").write_text("other", encoding="utf-8")
    assert tree_digest(one) != tree_digest(two)
    (two / "a.txt").write_text("a.txt", encoding="utf-8")
    assert tree_digest(one) == tree_digest(two)
    (two / "a.txt").chmod(0o755)
    assert tree_digest(one) != tree_digest(two)
