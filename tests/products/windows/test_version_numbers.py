"""Versions as Windows counts them."""

from __future__ import annotations

import pytest
from packaging.version import Version

from windows.version_numbers import version_numbers


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("0.1.0", (0, 1, 0, 4000)),
        ("1.2", (1, 2, 0, 4000)),
        ("1.2.3a1", (1, 2, 3, 1001)),
        ("1.2.3rc12", (1, 2, 3, 3012)),
        ("1.2.3.post2", (1, 2, 3, 4002)),
    ],
)
def test_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert version_numbers(version) == numbers


def test_grow_as_versions_do() -> None:
    versions = ["1.0.0a1", "1.0.0a2", "1.0.0b1", "1.0.0rc1", "1.0.0rc10", "1.0.0", "1.0.0.post1"]
    versions += ["1.0.1rc1", "1.0.1", "1.1", "2.0.0"]
    assert sorted(versions, key=Version) == versions
    assert sorted(versions, key=version_numbers) == versions


@pytest.mark.parametrize(
    "version", ["", "one", "1.2.3.4", "70000.0", "1.0.dev1", "1.0+here", "1!1.0", "1.0a1.post1"]
)
def test_refused(version: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        version_numbers(version)
