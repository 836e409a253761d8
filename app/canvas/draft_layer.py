"""How a draft looks over the mask: a faint fill, and an outline of dashes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.canvas.renderer import ByteArray, MaskRenderer, Overlay

_DASH = 4  # device pixels
_WHITE = np.uint32(0xFFFFFFFF)


class DraftRenderer(MaskRenderer):
    """Draws the outline in dashes of the class's colour and white, as no mask is drawn."""

    def _draw_edge(
        self,
        target: Overlay,
        ids: ByteArray,
        edge: npt.NDArray[np.bool_],
        at: tuple[int, int],
    ) -> None:
        rows, columns = np.nonzero(edge)
        colors = self._line[ids[rows, columns]]
        # Along the diagonal, so that lines in both directions are broken.
        gaps = (rows + columns + at[0] + at[1]) // _DASH % 2 == 1
        colors[gaps & (colors != 0)] = _WHITE
        target[rows, columns] = colors
