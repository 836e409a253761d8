"""Samples together show the classes there are, and stay small."""

from __future__ import annotations

import numpy as np
import pytest

from core.datasets import open_data_folder
from core.deploy.bundle import bundle_samples
from core.deploy.bundle.bundle_samples import MOST_SAMPLES, choose_sample_images
from core.images.io import write_image, write_mask


def _data(folder, masks):
    folder.mkdir()
    (folder / "labels.txt").write_text("background\na\nb\nc\n", "utf-8")
    lines = []
    for number, values in enumerate(masks):
        mask = np.zeros((10, 12), np.uint8)
        mask.ravel()[: len(values)] = values
        write_image(folder / f"{number}.png", np.zeros((10, 12, 3), np.uint8))
        write_mask(folder / f"{number}_mask.png", mask)
        lines.append(f"{number}.png {number}_mask.png\n")
    (folder / "val_list.txt").write_text("".join(lines), "utf-8")
    return open_data_folder(folder).dataset("val")


def test_rare_classes_come_first(tmp_path):
    masks = [[], [1], [1, 2], [255], [1], [3], []]
    chosen = choose_sample_images(_data(tmp_path / "data", masks))
    names = [file.name for file in chosen]
    assert names[:2] == ["2.png", "5.png"]
    assert len(set(names)) == len(names) == MOST_SAMPLES


def test_few_and_large_images(tmp_path, monkeypatch):
    data = _data(tmp_path / "data", [[1], [2]])
    assert len(choose_sample_images(data)) == 2
    monkeypatch.setattr(bundle_samples, "_MOST_PIXELS", 130)
    assert len(choose_sample_images(data)) == 1


@pytest.mark.parametrize("count", [101, 250])
def test_not_every_mask_is_read(tmp_path, monkeypatch, count):
    data = _data(tmp_path / "data", [[index % 4] for index in range(count)])
    read = []
    monkeypatch.setattr(
        type(data), "read_mask", lambda self, index: read.append(index) or np.zeros(1, np.uint8)
    )
    choose_sample_images(data)
    assert len(read) <= 126 and max(read) > count * 0.9
