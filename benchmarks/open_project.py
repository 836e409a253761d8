"""How long a project of 100 000 images takes to open: the file, the first page, the counts.

    uv run benchmarks/open_project.py [--images N] [--classes N]

Rows are written straight into the database; image and mask files play no part in opening.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.project import ImageQuery, Project
from core.project.image_table import NewImage, insert, update
from core.project.mask_store import register
from core.project.paths import StoredPath
from core.project.rows import MaskInfo


def fill(project: Project, images: int, classes: int) -> None:
    """Add image rows, nine in ten labelled, each mask with up to four classes."""
    rng = np.random.default_rng(0)
    subsets = rng.choice(["train", "val", "test", "none"], images, p=[0.7, 0.15, 0.1, 0.05])
    with project._database.transaction() as connection:
        for number in range(images):
            folder = f"/data/line {number // 1000:03d}"
            name = f"frame_{number % 1000}.png"
            stored = StoredPath(f"{folder}/{name}", False, f"../..{folder}/{name}")
            image_id = insert(
                connection, NewImage(stored, name, 1280, 1024, subset=str(subsets[number]))
            )
            if number % 10 == 0:
                continue
            shown = rng.choice(classes, 4)
            pixels = {int(class_id): 1280 * 1024 // 4 for class_id in shown}
            mask_id = register(connection, MaskInfo(f"{number:064x}", 1280, 1024, pixels))
            update(connection, [image_id], "mask_id", mask_id)
            update(connection, [image_id], "state", "labelled")


def measure(action: Callable[[], object], *, times: int = 5) -> float:
    """Return the median time in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - start))
    return median(taken)


def main() -> None:
    """Build the project, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=12)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        labels = [f"class {number}" for number in range(arguments.classes)]
        with Project.create(folder, labels=labels) as project:
            fill(project, arguments.images, arguments.classes)

        def open_and_show() -> None:
            with Project.open(folder) as project:
                project.images(limit=200)
                project.counts()

        rows = [("open, first page, counts", measure(open_and_show))]
        with Project.open(folder) as project:
            last = max(0, arguments.images - 200)
            rows += [
                ("first page of 200", measure(lambda: project.images(limit=200))),
                ("last page of 200", measure(lambda: project.images(limit=200, offset=last))),
                ("all ids in order", measure(project.image_ids)),
                ("worst first, page of 200", measure(lambda: project.images(_WORST, limit=200))),
                ("text search, page of 200", measure(lambda: project.images(_TEXT, limit=200))),
                ("images with one class", measure(lambda: project.counts(_CLASS))),
                ("images by class", measure(project.class_counts)),
                ("statistics", measure(project.statistics)),
            ]
        size = (folder / "project.db").stat().st_size / 2**20
    print(f"{arguments.images} images, {arguments.classes} classes, project.db {size:.0f} MiB")
    for name, milliseconds in rows:
        print(f"{name:<28}{milliseconds:>9.1f} ms")


_WORST = ImageQuery(order="worst")
_TEXT = ImageQuery(text="frame_77")
_CLASS = ImageQuery(class_id=3)

if __name__ == "__main__":
    main()
