"""The large view of one image: what it says of images too large to be shown as they are."""

from __future__ import annotations

import cv2
import numpy as np

from app.panels import dataset_work


def test_an_image_shown_smaller_says_so(opened, qtbot, monkeypatch, tmp_path) -> None:
    file = tmp_path / "wide.png"
    cv2.imwrite(str(file), np.zeros((1000, 3000), np.uint8))
    project = opened.context.project
    project.add_images([file])
    monkeypatch.setattr(dataset_work, "MOST_PIXELS", 500_000)
    panel = opened.window.work_area.panels["dataset"]
    image_id = project.find_image(file)
    panel._large.open(image_id)
    label = panel._large._page.name
    qtbot.waitUntil(lambda: "1/4" in label.text(), timeout=20_000)
    assert label.text().startswith("wide.png")
    panel._large.open(project.image_ids()[0])
    qtbot.waitUntil(lambda: "1/" not in label.text() and "loading" not in label.text())
