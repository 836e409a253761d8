"""Sizes: every byte is in one row."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from product.layout import Layout
from product.platforms import LINUX
from product.sizes import AIM, installed_sizes, size_table


def test_every_byte_counts_once_and_for_its_package(tmp_path: Path) -> None:
    layout = Layout(tmp_path, LINUX)
    for name, size in {
        "packages/numpy/core.so": 100,
        "packages/numpy.libs/blas.so": 50,
        "packages/opencv_python_headless.libs/av.so": 7,
        "packages/cv2/cv2.so": 3,
        "packages/six.py": 2,
        "python/python3": 40,
        "maskwright": 1,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (tmp_path / "python" / "link").symlink_to("python3")
    sizes = installed_sizes(layout)
    assert sizes["numpy"] == 150
    assert sizes["cv2"] == 10
    assert sizes["six.py"] == 2
    assert sizes["(maskwright)"] == 1
    assert sizes["(python)"] == 40 + len("python3")  # a link is as long as what it says
    assert sizes.total() == 203 + len("python3")


def test_the_table_says_how_far_the_aim_is() -> None:
    table = size_table(Counter({"paddle": AIM, "numpy": 60_000_000, "six": 100, "seven": 200}))
    lines = table.splitlines()
    assert lines[0].split() == ["paddle", "900.0", "MB"]
    assert lines[2].startswith("2 smaller ones")
    assert lines[3].split() == ["total", "960.0", "MB"]
    assert lines[4] == "60 MB above the aim of 900 MB"
    assert size_table(Counter({"paddle": 1_000_000})).endswith("899 MB below the aim of 900 MB")
