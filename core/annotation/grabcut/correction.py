"""What a stroke may change of an object that was found before."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.annotation.edits import Pixels

_MOST_REMOVED = 0.5  # of the object, by strokes of one correction
_NEAR = 0.1  # of the object's longer side


def changed_by_strokes(
    old: Pixels, new: Pixels, marks: npt.NDArray[np.int8], *, side: int
) -> Pixels:
    """Return ``old`` with the changes towards ``new`` that belong to strokes.

    Pixels join the object only where they are connected with a stroke on the object, and leave it
    only where they are connected with a stroke beside it. Should more than half of the object
    leave it, a stroke's own surroundings are taken away alone: a dab on the border of a small
    object would wipe it out.

    Args:
        old: (H, W), the object before the strokes.
        new: (H, W), the object that a cut found with them.
        marks: (H, W), the strokes: 1 object, -1 not, 0 unsaid.
        side: the longer side of the object's box in pixels.
    """
    added = _connected(new & ~old, marks > 0)
    removed = _connected(old & ~new, marks < 0)
    if np.count_nonzero(removed) > _MOST_REMOVED * np.count_nonzero(old):
        away = cv2.distanceTransform((marks >= 0).astype(np.uint8), cv2.DIST_L2, 5)
        removed &= np.asarray(away) <= _NEAR * side
    return (old | added | (marks > 0)) & ~removed & (marks >= 0)


def _connected(pixels: Pixels, seeds: Pixels) -> Pixels:
    """The parts of ``pixels`` that touch ``seeds``, by a side or a corner."""
    count, labels = cv2.connectedComponents((pixels | seeds).astype(np.uint8), connectivity=8)
    touched = np.zeros(count, np.bool_)
    touched[np.unique(np.asarray(labels)[seeds])] = True
    touched[0] = False
    return np.asarray(touched[np.asarray(labels)] & pixels)
