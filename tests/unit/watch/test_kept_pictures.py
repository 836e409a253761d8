"""Pictures of results have names that fit any disk and sizes that fit a JPEG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.images.io import read_image, read_mask
from core.watch import WatchLog, kept_pictures
from core.watch.assessment import Assessment
from core.watch.kept_pictures import KeptPictures, safe_stem


def test_names() -> None:
    assert safe_stem("sub/part 17.png") == "part 17"
    assert safe_stem('a:b*"c?.tar.png') == "a_b__c_.tar"
    assert safe_stem("tab\there.png") == "tab_here"
    assert len(safe_stem("é" * 100 + ".png").encode()) == 120


def test_overlays_of_huge_images_are_smaller_and_their_masks_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_pictures, "_LARGEST_SIDE", 100)
    image = np.full((50, 400, 3), 90, np.uint8)
    label_map = np.zeros((50, 400), np.uint8)
    label_map[10:20, 30:300] = 1
    assessment = Assessment(outcome="reject", label_map=label_map, draw=lambda: image)
    with WatchLog(tmp_path, create=True) as log:
        pictures = KeptPictures(tmp_path, log, keep_days=1, max_bytes=10**9)
        overlay, mask, size = pictures.write(
            7, "a/b.png", assessment, judged=0.0, palette=((0, 0, 0), (255, 0, 0))
        )
    assert overlay.endswith("/00000007_b_overlay.jpg") and mask.endswith("/00000007_b_mask.png")
    assert cv2.imread(str(tmp_path / overlay)).shape == (12, 100, 3)
    np.testing.assert_array_equal(read_mask(tmp_path / mask), label_map)
    assert read_image(tmp_path / mask)[15, 100].tolist() == [0, 0, 255]
    assert size == sum((tmp_path / one).stat().st_size for one in (overlay, mask))
