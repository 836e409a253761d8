"""Small projects to test with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from core.images.io import write_image
from core.project import ImageSubset, Project, image_table

SIZE = (24, 16)
"""Width and height of the sample images."""


def write_images(folder: Path, count: int, *, prefix: str = "im") -> list[Path]:
    """Write images that all differ."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{prefix}{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        pixels = np.full((SIZE[1], SIZE[0], 3), number % 256, np.uint8)
        pixels[0, 0] = len(prefix), number // 256, 0
        write_image(path, pixels)
    return paths


def mask(*class_ids: int, size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    """Make a mask whose columns are shared evenly by the classes."""
    width, height = size
    columns = np.array(class_ids, np.uint8)[np.arange(width) * len(class_ids) // width]
    return np.tile(columns, (height, 1))


def mask_file(project: Project, mask_hash: str) -> Path:
    """Return where a stored mask's PNG is."""
    return project.folder / "masks" / mask_hash[:2] / f"{mask_hash}.png"


def set_group(project: Project, ids: list[int], group: str) -> None:
    """Tie images together, as a split by an expression does."""
    with project._database.transaction() as connection:
        image_table.update(connection, ids, "group_key", group)


def labelled(
    project: Project, paths: list[Path], *class_ids: int, subset: ImageSubset = "train"
) -> None:
    """Add images with the same mask."""
    project.add_images(paths, subset=subset)
    for path in paths:
        image_id = project.find_image(path)
        assert image_id is not None
        project.save_label_map(image_id, mask(*class_ids))


@pytest.fixture
def project(tmp_path: Path):
    """A project with the classes background, scratch and dent, without images."""
    with Project.create(
        tmp_path / "项目 one", "Plates", labels=["background", "scratch", "dent"]
    ) as opened:
        yield opened
