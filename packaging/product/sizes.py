"""How much each part of an installation takes on the disk."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from product.layout import Layout

AIM = 900_000_000
"""What a complete installation should not exceed, in bytes."""


def installed_sizes(layout: Layout) -> Counter[str]:
    """Return bytes by package and by part of the tree.

    Libraries that a wheel keeps in a folder of its own (``numpy.libs``) count as the package's.
    """
    sizes: Counter[str] = Counter()
    for part in sorted(layout.root.iterdir()):
        if part == layout.packages:
            for package in part.iterdir():
                sizes[_package(package)] += bytes_below(package)
        else:
            sizes[f"({part.name})"] += bytes_below(part)
    return sizes


def bytes_below(path: Path) -> int:
    """Return the sum of the sizes of the files at or below a path."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum(
        (Path(folder) / name).lstat().st_size
        for folder, _, names in os.walk(path)
        for name in names
    )


def _package(path: Path) -> str:
    name = path.name.removesuffix(".libs")
    return {"opencv_python_headless": "cv2"}.get(name, name)


def size_table(sizes: Counter[str], *, smallest: int = 2_000_000) -> str:
    """Return the figures as lines, the largest first, with the total and the aim.

    Args:
        sizes: from :func:`installed_sizes`.
        smallest: what is smaller is added up in one line.
    """
    shown = [(name, size) for name, size in sizes.most_common() if size >= smallest]
    rest = sizes.total() - sum(size for _, size in shown)
    rows = [*shown, (f"{len(sizes) - len(shown)} smaller ones", rest), ("total", sizes.total())]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {size / 1e6:7.1f} MB" for name, size in rows]
    over = sizes.total() - AIM
    verdict = f"{over / 1e6:.0f} MB above" if over > 0 else f"{-over / 1e6:.0f} MB below"
    return "\n".join([*lines, f"{verdict} the aim of {AIM / 1e6:.0f} MB"])
