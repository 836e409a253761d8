"""“Don't care” in the list of classes: painted, hatched, protected, filtered, never changed."""

from __future__ import annotations

import numpy as np
import pytest
from labelling_parts import labelling_panel, saved, settle, stroke, trigger

from app.canvas.renderer import MaskRenderer, MaskStyle
from app.canvas.viewport import Viewport

IGNORED = 255


@pytest.fixture
def panel(opened, qtbot):
    return labelling_panel(opened, qtbot)


def test_it_is_painted_like_a_class_at_the_end_of_the_list(panel, qtbot) -> None:
    palette, image_id = panel.inspector_parts.classes, panel.session.row.id
    last = palette.tree.topLevelItem(palette.tree.topLevelItemCount() - 1)
    assert last.text(0) == "Don't care"
    trigger(panel, "class.dont_care")
    assert panel.editor.class_id == IGNORED and palette.tree.currentItem() is last
    panel.tools.take("brush")
    stroke(panel, (20, 10), (25, 10))
    settle(qtbot, panel)
    assert saved(panel, image_id)[10, 22] == IGNORED
    panel.view.canvas.hovered.emit((22.5, 10.5))
    assert panel.view.status.class_name.text() == "Don't care"
    trigger(panel, "edit.undo")
    assert panel.editor.document.mask[10, 22] != IGNORED

    names = panel.project.labels()
    trigger(panel, "class.delete")  # it is no class that could be changed
    trigger(panel, "class.rename")
    assert panel.project.labels() == names and not palette.menu_button.isEnabled()
    palette.toggle_locked(IGNORED)
    assert IGNORED in panel.editor.locked
    trigger(panel, "class.next")  # round to the first class
    assert panel.editor.class_id == names[0].id
    assert palette.menu_button.isEnabled()
    strip = panel.view.strip.class_box
    assert strip.findData(IGNORED) == strip.count() - 1


def test_what_does_not_count_is_hatched_whatever_the_style() -> None:
    seen = Viewport()
    seen.resize(40, 30)
    seen.set_image_size(40, 30)
    seen.zoom_to(1.0)
    seen.center_on(20, 15)
    mask = np.zeros((30, 40), np.uint8)
    mask[:10] = IGNORED
    ignored = np.zeros(mask.shape, bool)
    ignored[20:] = True
    for style in MaskStyle:
        renderer, part = MaskRenderer(), MaskRenderer()
        for one in (renderer, part):
            one.set_colors([(0, 0, 0)] * 2, opacity=0.5, style=style)
            one.set_ignored(ignored)
        renderer.draw(mask, *seen.spans(), (40, 30))
        top, middle, bottom = (renderer.overlay[a:b] for a, b in ((1, 9), (11, 19), (21, 30)))
        for area in (top, bottom):
            assert area.all() and len(np.unique(area)) == 2
        assert not middle.any()
        part.draw(np.zeros_like(mask), *seen.spans(), (40, 30))
        part.update(mask, (0, 0, 40, 30))  # the stripes of a part go on where others end
        assert np.array_equal(part.overlay, renderer.overlay)
        renderer.set_colors([(0, 0, 0)] * 2, opacity=0.5, style=style, hidden={IGNORED})
        renderer.draw(mask, *seen.spans(), (40, 30))
        assert not renderer.overlay[1:9].any()
