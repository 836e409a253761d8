"""The workspace of the Labelling panel, and its parts without a panel."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget

from app.panels.label import key_actions as keys
from app.panels.label.parts.book_keeping import BookKeeping
from app.panels.label.parts.class_editing import ClassEditing
from app.panels.label.parts.click_model_choice import ClickModelChoice
from app.panels.label.parts.draft_jobs import DraftJobs
from app.panels.label.parts.draft_review import DraftReview
from app.panels.label.parts.first_class import FirstClass
from app.panels.label.parts.image_choice import ImageChoice
from app.panels.label.parts.label_progress import LabelProgress
from app.panels.label.parts.mask_display import MaskDisplay
from app.panels.label.parts.pointer_status import PointerStatus
from app.panels.label.parts.region_keeping import RegionKeeping
from app.panels.label.parts.selection import Selection
from app.panels.label.parts.shortcut_choice import ShortcutChoice
from app.panels.label.parts.tool_choice import ToolChoice
from app.panels.label.remembered import RememberedChoices
from app.panels.label.workspace import Workspace
from app.services.settings import SettingsStore
from core.annotation.document import MaskDocument
from core.annotation.image_pyramid import make_pyramid

PARTS = (
    ToolChoice,
    ImageChoice,
    ClassEditing,
    MaskDisplay,
    Selection,
    DraftReview,
    DraftJobs,
    ClickModelChoice,
    PointerStatus,
    ShortcutChoice,
    FirstClass,
    LabelProgress,
    BookKeeping,
    RegionKeeping,
)


@pytest.fixture
def workspace(application):
    owner = QWidget()
    made = Workspace(application.context, owner)
    yield made
    made.shut_down()
    for widget in (made.view, made.inspector, owner):
        widget.deleteLater()


@pytest.mark.parametrize("step", [1, -1, 5])
def test_parts_can_be_made_in_any_order(workspace, step) -> None:
    order = [PARTS[place * step % len(PARTS)] for place in range(len(PARTS))]
    parts = {kind: kind(workspace) for kind in order}
    assert len(parts) == len(PARTS)
    for spec in keys.ALL:
        action = workspace.actions[spec.key]
        assert action.receivers("2triggered(bool)"), spec.key
    workspace.editor.show(
        MaskDocument(np.zeros((30, 40), np.uint8), 1), make_pyramid(np.zeros((30, 40, 3), np.uint8))
    )
    workspace.actions["tool.rectangle"].trigger()
    assert workspace.view.canvas.tool is workspace.tools["rectangle"]
    workspace.view.canvas.hovered.emit((3.5, 4.5))
    assert workspace.view.status.place.text() == "3, 4"
    parts[DraftReview].shut_down()
    parts[ImageChoice].shut_down()
    parts[LabelProgress].shut_down()


def test_one_part_alone_is_enough(workspace) -> None:
    made = MaskDisplay(workspace)
    workspace.view.look.opacity.setValue(80)
    assert workspace.remembered.get("opacity") == 80
    workspace.actions[keys.FAINTER.key].trigger()
    assert workspace.remembered.get("opacity") == 70
    made.deleteLater()


def test_only_unusual_choices_are_written_and_not_each_of_them(qapp, qtbot, tmp_path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    remembered = RememberedChoices(store)
    remembered.keep("opacity", 80, usual=50)
    remembered.keep("opacity", 70, usual=50)
    remembered.keep("style", "fill", usual="fill")
    assert not store.path.exists()
    remembered.save()
    assert SettingsStore(store.path).settings.panel_values == {"labelling/opacity": 70}
    before = store.path.stat().st_mtime_ns
    remembered.save()
    assert store.path.stat().st_mtime_ns == before
    remembered.keep("opacity", 50, usual=50)
    qtbot.waitUntil(lambda: SettingsStore(store.path).settings.panel_values == {}, timeout=5000)
