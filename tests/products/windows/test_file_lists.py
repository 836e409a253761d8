"""The lists that setup removes by."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windows.file_lists import list_tree, make_lists, sort_key

NAMES = st.text("abAB_z9.-", min_size=1, max_size=4).filter(lambda name: name.strip(".") == name)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


def test_lists_of_a_tree(tmp_path: Path) -> None:
    for name in ("b/deep er/x.py", "a.txt", "b/y.py", "B_side/z"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    lists = list_tree(tmp_path)
    assert lists.files_text() == "a.txt\r\nb\\deep er\\x.py\r\nb\\y.py\r\nB_side\\z\r\n"
    assert lists.directories_text() == "B_side\r\nb\\deep er\r\nb\r\n"
    assert lists.longest == len("b/deep er/x.py")


def compared_by_windows(left: str, right: str) -> int:
    """``_wcsicmp`` in the C locale: letters A to Z made small, then by number."""
    small = [
        [ord(one) + 32 if "A" <= one <= "Z" else ord(one) for one in text] for text in (left, right)
    ]
    return (small[0] > small[1]) - (small[0] < small[1])


@given(st.lists(PATHS, min_size=1, max_size=20))
def test_order_is_that_of_the_comparison_in_setup(paths: list[str]) -> None:
    written = sorted(paths, key=sort_key)
    for earlier, later in itertools.pairwise(written):
        assert compared_by_windows(earlier.replace("/", "\\"), later.replace("/", "\\")) <= 0


@given(st.lists(PATHS, min_size=1, max_size=20))
def test_each_folder_stands_before_its_parent(paths: list[str]) -> None:
    try:
        lists = make_lists(paths)
    except ValueError:  # names that cannot stand beside each other: tested below
        return
    place = {folder: index for index, folder in enumerate(lists.directories)}
    for folder in lists.directories:
        parent = folder.rpartition("/")[0]
        assert not parent or place[folder] < place[parent]
    assert set(lists.files) == set(paths)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["图.txt"],
        ["a/../b"],
        ["/a"],
        ["con.py"],
        ["a/LPT1"],
        ["a ", "b"],
        ["a."],
        ["a:b"],
        ["a?"],
        ["a.py", "A.py"],
        ["Lib/a", "lib/b"],
        ["a", "a"],
        ["a", "a/b"],
    ],
)
def test_what_windows_could_not_lay_down_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make_lists(names)


def test_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ValueError, match="b is a link"):
        list_tree(tmp_path)
