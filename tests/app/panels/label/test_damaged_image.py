"""A damaged image between two good ones is shown as such, and passed."""

from __future__ import annotations

import pytest
from labelling_parts import labelling_panel, open_image, saved, settle, trigger


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


@pytest.mark.parametrize("damage", ["cut", "gone", "mask"])
def test_keys_pass_a_damaged_image_and_it_cannot_be_called_labelled(panel, qtbot, damage):
    project, ids = panel.project, list(panel.images.ids)[5:]  # not read ahead yet
    told = []
    panel.context.error_occurred.connect(told.append)
    row = project.image(ids[1])
    if damage == "mask":
        next(project.folder.glob(f"masks/*/{row.mask_hash}.png")).write_bytes(b"\x89PNG")
    elif damage == "gone":
        row.path.unlink()
    else:
        row.path.write_bytes(b"no image")
    if damage != "mask":
        project.clear_label_map(ids[1])
    panel.context.dataset_changed.emit()
    settle(qtbot, panel)
    open_image(qtbot, panel, ids[0])
    trigger(panel, "image.next")
    qtbot.waitUntil(lambda: panel.session.damage is not None, timeout=20_000)
    canvas = panel.view.canvas
    assert canvas.accessibleDescription()  # the reason, painted over the canvas
    assert panel.view.name.text() == row.name and not canvas.waiting
    assert panel.view.place.text().startswith("7 /")
    before = project.image(ids[1]).state
    for key in ("image.labelled", "state.labelled"):
        trigger(panel, key)
        assert project.image(ids[1]).state == before and panel.session.wanted == ids[1]
    assert panel.view.notice.isVisible()
    trigger(panel, "image.next")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[2])
    assert not canvas.accessibleDescription() and panel.view.notice.isHidden()
    trigger(panel, "image.previous")
    qtbot.waitUntil(lambda: panel.session.damage is not None, timeout=20_000)
    trigger(panel, "image.previous")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[0])
    assert told == []


def test_copying_onto_a_damaged_image_does_not_paste_into_the_one_after_it(panel, qtbot):
    project, ids = panel.project, list(panel.images.ids)[5:]  # not read ahead yet
    project.image(ids[1]).path.write_bytes(b"no image")
    open_image(qtbot, panel, ids[0])
    panel.editor.set_class(int(saved(panel, ids[0])[16, 20]))
    assert panel.editor.class_id in (1, 2)
    trigger(panel, "parts.copy_to_next")
    qtbot.waitUntil(lambda: panel.session.damage is not None, timeout=20_000)
    before = project.image(ids[2]).mask_hash
    trigger(panel, "image.next")
    qtbot.waitUntil(lambda: panel.session.row is not None and panel.session.row.id == ids[2])
    settle(qtbot, panel)
    assert project.image(ids[2]).mask_hash == before
