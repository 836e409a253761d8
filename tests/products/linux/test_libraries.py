"""What the tree needs of a system is known, and what it may not need is refused."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from linux.libraries import EXPECTED, bundle_libraries, copy_library, system_needs

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="libraries of Linux"),
    pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="nobody knows whose files are"),
]


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module that needs libsqlite3 and through it libm, in a tree of its own."""
    found = importlib.util.find_spec("_sqlite3")
    assert found is not None
    assert found.origin is not None
    target = tmp_path / "树 1" / "modules"
    target.mkdir(parents=True)
    return Path(shutil.copy(found.origin, target))


def test_a_library_that_nobody_promised_is_named(module: Path) -> None:
    with pytest.raises(ValueError, match=r"_sqlite3.* needs libsqlite3\.so\.0"):
        system_needs(module.parents[1])


def test_it_is_copied_and_then_nothing_is_missing(module: Path) -> None:
    root = module.parents[1]
    (component,) = bundle_libraries(root, root / "lib")
    assert component.name == "libsqlite3-0"
    assert component.licence == "blessing"
    assert component.package_url.startswith("pkg:deb/debian/libsqlite3-0@")
    assert b"public domain" in component.notices["copyright"]
    needs = system_needs(root)
    assert set(needs.libraries) <= set(EXPECTED)
    assert tuple(int(part) for part in needs.glibc.split(".")) >= (2, 17)
    assert needs.by
    assert all((root / one).exists() for one in needs.by)


def test_dependencies_are_debian_s_names_each_once(tmp_path: Path) -> None:
    copy_library("libstdc++.so.6", tmp_path)
    (tmp_path / "libstdc++.so.6").rename(tmp_path / "other.so")
    needs = system_needs(tmp_path)
    assert needs.libraries == ("libgcc_s.so.1",)
    assert needs.debian_packages == ("libgcc-s1",)


def test_a_plug_in_for_a_desktop_that_may_be_there_is_no_need(module: Path) -> None:
    root = module.parents[1]
    optional = root / "packages" / "PySide6" / "Qt" / "plugins" / "platformthemes" / "libqgtk3.so"
    optional.parent.mkdir(parents=True)
    module.rename(optional)
    copy_library("libz.so.1", root)  # something that needs nothing but the C library
    assert system_needs(root).libraries == ()
