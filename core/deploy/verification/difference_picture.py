"""The worst image drawn: the network's label map, the exported file's, and where they differ."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.deploy.verification.whole_way import Pair
from core.images.drawing import visualize
from core.images.io import write_image

_LONGEST_SIDE = 720
_HEADING = 28
_GAP = 8
_DIFFERENT = (255, 0, 255)  # BGR
_PAPER = 32
_INK = (235, 235, 235)


def write_difference_picture(
    file: Path, pair: Pair, colors: list[tuple[int, int, int]] | None
) -> None:
    """Write a PNG with three pictures side by side.

    Args:
        file: where to.
        pair: image and label maps.
        colors: red, green, blue of each class; None for the usual ones.
    """
    pixels = pair.sample.pixels()
    different = pair.own != pair.exported
    tiles = [
        ("model", _small(_painted(pixels, pair.own, colors))),
        ("export", _small(_painted(pixels, pair.exported, colors))),
        (_difference_title(int(different.sum())), _differences(pixels, different)),
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_image(file, _side_by_side(tiles))


def _difference_title(count: int) -> str:
    return f"difference: {count} {'pixel' if count == 1 else 'pixels'}"


def _painted(
    pixels: npt.NDArray[np.uint8],
    label_map: npt.NDArray[np.uint8],
    colors: list[tuple[int, int, int]] | None,
) -> npt.NDArray[np.uint8]:
    flat = None if colors is None else [value for color in colors for value in color[::-1]]
    painted = visualize(pixels, {"label_map": label_map}, 0.5, None, flat)
    assert painted is not None  # as nothing is saved
    return painted


def _differences(
    pixels: npt.NDArray[np.uint8], different: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    picture = _small(np.asarray(grey // 2, np.uint8))
    # One pixel that differs stays one, however small the picture is.
    size = (picture.shape[1], picture.shape[0])
    shares = cv2.resize(different.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    picture[shares > 0] = _DIFFERENT
    return picture


def _small(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    scale = _LONGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture.copy()
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _side_by_side(tiles: list[tuple[str, npt.NDArray[np.uint8]]]) -> npt.NDArray[np.uint8]:
    columns = []
    for title, tile in tiles:
        text_width = cv2.getTextSize(title, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)[0][0]
        width = max(tile.shape[1], text_width + 8)
        column = np.full((tile.shape[0] + _HEADING, width + _GAP, 3), _PAPER, np.uint8)
        cv2.putText(column, title, (4, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
        column[_HEADING:, : tile.shape[1]] = tile
        columns.append(column)
    return np.concatenate(columns, axis=1)
