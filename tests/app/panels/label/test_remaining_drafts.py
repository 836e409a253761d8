"""What is left of a draft: after a part was accepted, after that was undone, and later."""

from __future__ import annotations

import pytest
from draft_parts import SCRATCH, prediction, settle, show, state, store, trigger
from labelling_parts import labelling_panel

from app.services.targets import LabelImage
from core.annotation import draft as drafts
from core.annotation.draft_remainder import remainder_file
from core.images.io import write_mask


@pytest.fixture
def panel(opened, qtbot):
    """Two images without labels, both with drafts of a job; the first one is shown."""
    project = opened.context.project
    first, second = project.image_ids()[:2]
    for image_id in (first, second):
        project.clear_label_map(image_id)
    made = labelling_panel(opened, qtbot)
    store(made, {first: (0.1, 0.9), second: (0.5, 0.2)})
    made.workspace.drafts.read()
    show(qtbot, made, first)
    return made


def accept_part(panel, x: float, y: float) -> None:
    panel.view.canvas.hovered.emit((x + 0.5, y + 0.5))
    trigger(panel, "accept_part")


def reopen(opened, qtbot, panel) -> None:
    folder = panel.project.folder
    opened.context.close_project()
    opened.context.open_project(folder)
    opened.context.navigate(LabelImage())
    qtbot.waitUntil(lambda: panel.editor.document is not None, timeout=20_000)
    settle(qtbot, panel)


def test_the_rest_is_offered_again_on_return(panel, qtbot) -> None:
    first, second = panel.images.ids[:2]
    accept_part(panel, 5, 5)
    settle(qtbot, panel)
    assert state(panel, first) == "draft"
    show(qtbot, panel, second)
    show(qtbot, panel, first)
    assert panel.editor.draft[5, 5] == 255 and panel.editor.draft[5, 21] == SCRATCH
    panel.images.set_state("labelled")
    assert panel.editor.draft is None  # the user is done with it
    show(qtbot, panel, second)
    show(qtbot, panel, first)
    assert panel.editor.draft is None


def test_the_rest_is_offered_again_after_a_restart(opened, panel, qtbot) -> None:
    first = panel.images.ids[0]
    accept_part(panel, 5, 5)
    settle(qtbot, panel)
    reopen(opened, qtbot, panel)
    show(qtbot, panel, first)
    assert panel.editor.draft[5, 5] == 255 and panel.editor.draft[5, 21] == SCRATCH
    trigger(panel, "accept")
    settle(qtbot, panel)
    reopen(opened, qtbot, panel)
    show(qtbot, panel, first)
    assert panel.editor.draft is None


def test_what_is_not_accepted_any_more_is_offered_again(panel, qtbot) -> None:
    accept_part(panel, 5, 5)
    accept_part(panel, 21, 5)
    assert panel.editor.draft[5, 5] == 255 and panel.editor.draft[5, 21] == 255
    panel.tools.undo()
    assert panel.editor.draft[5, 5] == 255 and panel.editor.draft[5, 21] == SCRATCH
    panel.tools.undo()
    assert panel.editor.draft[5, 5] == SCRATCH
    accept_part(panel, 21, 5)
    assert panel.editor.draft[5, 5] == SCRATCH and panel.editor.draft[5, 21] == 255


def test_undoing_after_a_visit_elsewhere_offers_the_part_again(panel, qtbot) -> None:
    first, second = panel.images.ids[:2]
    accept_part(panel, 5, 5)
    show(qtbot, panel, second)
    show(qtbot, panel, first)
    panel.tools.undo()
    assert panel.editor.draft[5, 5] == SCRATCH
    settle(qtbot, panel)
    assert state(panel, first) == "unlabelled"


def test_a_damaged_rest_is_told_in_one_sentence(opened, panel, qtbot) -> None:
    first, run_dir = panel.images.ids[0], panel.workspace.drafts.get(panel.images.ids[0]).run_dir
    accept_part(panel, 5, 5)
    settle(qtbot, panel)
    write_mask(remainder_file(run_dir, 0), prediction().label_map[:9])
    reopen(opened, qtbot, panel)
    show(qtbot, panel, first)
    assert panel.editor.draft is None
    assert "another size" in panel.view.notice.text.text()
    assert drafts.mask_file(run_dir, 0).exists()
