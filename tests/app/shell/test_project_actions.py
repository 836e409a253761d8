"""Earlier versions of masks go when somebody asks, and only then."""

from __future__ import annotations

import numpy as np

from app.widgets import dialogs
from core.images.io import write_image


def test_earlier_masks_are_removed_once_it_is_agreed(application, tmp_path, qtbot, monkeypatch):
    context, window = application.context, application.window
    context.create_project(tmp_path / "项目 p", "p", labels=["background", "dent"])
    image = tmp_path / "a.png"
    write_image(image, np.zeros((8, 8, 3), np.uint8))
    context.project.add_images([image])
    image_id = context.project.images()[0].id
    for class_id in (1, 0, 1):
        context.project.save_label_map(image_id, np.full((8, 8), class_id, np.uint8))
    masks = context.project.folder / "masks"
    monkeypatch.setattr(dialogs, "ask", lambda *_args, **_texts: False)
    window.top_bar.cleanup_action.trigger()
    assert len(list(masks.rglob("*.png"))) == 2
    monkeypatch.setattr(dialogs, "ask", lambda *_args, **_texts: True)
    window.top_bar.cleanup_action.trigger()
    notice = window.work_area.notice
    qtbot.waitUntil(lambda: "1 file was removed" in notice.text.text())
    assert notice.isVisible()
    assert [path.suffix for path in masks.rglob("*.*")] == [".png"]
    assert context.project.label_map(image_id).all()
