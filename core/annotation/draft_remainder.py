"""What of a job's draft is left to be looked at, once parts of it were accepted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.annotation.draft import DRAFTS_DIR
from core.annotation.edits import Pixels
from core.images.io import read_mask, write_mask
from core.system.errors import InputError


def remainder_file(run_dir: Path, index: int) -> Path:
    """Where what is left of an image's draft is."""
    return run_dir / DRAFTS_DIR / f"{index:06d}_rest.png"


def write_remainder(run_dir: Path, index: int, left: Pixels) -> None:
    """Remember which pixels (H, W) are left of the draft of the ``index``-th image of a job.

    Raises:
        OSError: the disk is full or refuses.
    """
    write_mask(remainder_file(run_dir, index), left.astype(np.uint8))


def read_remainder(run_dir: Path, index: int, *, size: tuple[int, int]) -> Pixels | None:
    """Return the pixels (H, W) that are left; None where nothing was accepted.

    Args:
        run_dir: the job's run folder.
        index: the image's place in the job.
        size: (width, height) of the image.

    Raises:
        InputError: the file is damaged or belongs to another image.
    """
    path = remainder_file(run_dir, index)
    if not path.exists():
        return None
    left = read_mask(path)
    if left.shape != (size[1], size[0]):
        raise InputError("{file} belongs to an image of another size.", file=path)
    return left.astype(bool)
