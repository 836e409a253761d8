"""The picture of the worst image."""

from __future__ import annotations

import numpy as np

from core.deploy.verification.difference_picture import write_difference_picture
from core.deploy.verification.samples import Sample
from core.deploy.verification.whole_way import Pair
from core.images.io import read_image


def pair(height, width):
    own = np.zeros((height, width), np.uint8)
    own[: height // 2] = 1
    exported = own.copy()
    exported[-1, -1] = 2
    return Pair(Sample("a", np.full((height, width, 3), 90, np.uint8)), own, exported)


def test_three_pictures_side_by_side(tmp_path):
    file = tmp_path / "图" / "worst.png"
    write_difference_picture(file, pair(60, 300), [(0, 0, 0), (255, 0, 0), (0, 0, 255)])
    picture = read_image(file)
    assert picture.shape[0] == 60 + 28 and picture.shape[1] >= 900
    body = picture[28:]
    model, export, difference = (body[:, start : start + 300] for start in (0, 308, 616))
    assert (model[10, 10] == (45, 45, 172)).all()  # grey and red, half and half, in BGR
    assert (model[:-1] == export[:-1]).all()
    assert not (model[-1, -1] == export[-1, -1]).all()
    assert (difference[-1, -1] == (255, 0, 255)).all()
    assert ((difference == (255, 0, 255)).all(axis=2)).sum() == 1


def test_one_pixel_of_a_large_image_is_seen(tmp_path):
    write_difference_picture(tmp_path / "worst.png", pair(3000, 2000), None)
    picture = read_image(tmp_path / "worst.png")
    assert max(picture.shape[:2]) < 2400
    assert (picture == (255, 0, 255)).all(axis=2).any()
