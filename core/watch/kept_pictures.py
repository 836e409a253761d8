"""Pictures of the results that people look at, and how long they stay."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2

from core.images.io import encode_mask
from core.system.files import make_folder, write_bytes_atomic
from core.system.messages import printable
from core.watch.assessment import Assessment
from core.watch.watch_log import WatchLog

PICTURES: Final = "pictures"
DAY_S: Final = 86_400
_LONGEST_STEM = 120  # bytes; disks take 255 for a whole name
_LARGEST_SIDE = 8192  # a JPEG ends at 65 500
_JPEG_QUALITY = 90
_UNSAFE = str.maketrans(
    dict.fromkeys('<>:"/\\|?*\0', "_") | {chr(one): "_" for one in range(1, 32)}
)


def safe_stem(path: str) -> str:
    """Return the name of an image without its suffix, fit for any disk."""
    stem = printable(path.rpartition("/")[2].rpartition(".")[0]).translate(_UNSAFE)
    return stem.encode()[:_LONGEST_STEM].decode(errors="ignore")


class KeptPictures:
    """``pictures/DAY/NUMBER_NAME_overlay.jpg`` and ``…_mask.png`` of an output folder.

    Args:
        out: the output folder.
        log: where they are noted.
        keep_days: older ones are deleted.
        max_bytes: the oldest ones are deleted where all together are larger.
    """

    def __init__(self, out: Path, log: WatchLog, *, keep_days: float, max_bytes: int) -> None:
        self._out = out
        self._log = log
        self._keep_s = keep_days * DAY_S
        self._max_bytes = max_bytes

    def write(
        self,
        id_: int,
        path: str,
        assessment: Assessment,
        *,
        judged: float,
        palette: Sequence[tuple[int, int, int]],
    ) -> tuple[str, str, int]:
        """Write overlay and mask of one image; the same call again replaces them.

        Returns:
            Both paths below the output folder, with ``/``, and the bytes of both.
        """
        place = f"{PICTURES}/{time.strftime('%Y-%m-%d', time.localtime(judged))}"
        folder = make_folder(self._out / place)
        name = f"{id_:08d}_{safe_stem(path)}"
        drawn = assessment.draw()
        scale = _LARGEST_SIDE / max(drawn.shape[:2])
        if scale < 1:
            drawn = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        mask = encode_mask(assessment.label_map, palette=palette)
        overlay = encoded.tobytes()
        write_bytes_atomic(folder / f"{name}_overlay.jpg", overlay)
        write_bytes_atomic(folder / f"{name}_mask.png", mask)
        size = len(overlay) + len(mask)
        return f"{place}/{name}_overlay.jpg", f"{place}/{name}_mask.png", size

    def rotate(self, now: float, *, by_age: bool = True) -> int:
        """Delete what is too old or too much, the oldest first; returns of how many images.

        Args:
            now: seconds since the epoch.
            by_age: False where the clock is not to be trusted.
        """
        kept = self._log.pictures()
        total = sum(one.size for one in kept)
        gone = []
        for one in kept:
            is_old = by_age and one.judged < now - self._keep_s
            if not is_old and total <= self._max_bytes:
                continue
            for file in one.files:
                self._delete(file)
            total -= one.size
            gone.append(one.id)
        self._log.forget_pictures(gone)
        return len(gone)

    def _delete(self, file: str) -> None:
        path = self._out / file
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty yet
            path.parent.rmdir()

    def remove_leftovers(self, unfinished: Sequence[int]) -> None:
        """Delete what a killed program left: half-written files, and pictures of ``unfinished``."""
        folder = self._out / PICTURES
        patterns = [".tmp-*", *(f"{id_:08d}_*" for id_ in unfinished)]
        for pattern in patterns:
            for file in folder.glob(f"*/{pattern}"):
                file.unlink(missing_ok=True)
