"""Variants of one's own image in the settings of a training."""

from __future__ import annotations

import numpy as np
import pytest
from panel_parts import shown
from recorded_runs import HEIGHT, WIDTH

from app.panels.train.augmentation_strip import AugmentationStrip
from app.panels.train.augmented_pictures import COUNT, Change, draw_variants, find_example
from core.transforms.recipes import Augmentation

NOTHING = Augmentation(
    horizontal_flip=0, vertical_flip=0, min_scale=1, aspect_ratio=0, distort=0, blur=0
)
SIZE = (WIDTH, HEIGHT)


def draw(example, augmentation):
    return draw_variants(example, Change(SIZE, None, augmentation), side=WIDTH, check=lambda: None)


@pytest.fixture
def strip(qtbot, project):
    made = AugmentationStrip()
    with shown(made, (760, 240)):
        made.show_change(Change(SIZE, None, NOTHING))
        made.set_project(project)
        qtbot.waitUntil(lambda: not made.busy, timeout=20_000)
        yield made


def test_without_augmentation_all_are_the_image_itself(project):
    example = find_example(project, 0, lambda: None)
    pictures = draw(example, NOTHING)
    assert len(pictures) == COUNT
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)
    kept = pictures[0] == example.image
    assert 0.5 < kept.mean() < 1  # the outlines are drawn over it
    edge = np.argwhere(~kept.all(axis=2))
    assert np.isin(example.mask[edge[:, 0], edge[:, 1]], list(example.colors)).mean() > 0.3


def test_flips_change_some_and_leave_others_as_they_were(project):
    example = find_example(project, 0, lambda: None)
    before, after = (
        draw(example, NOTHING),
        draw(example, NOTHING.model_copy(update={"horizontal_flip": 0.5})),
    )
    same = [np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    turned = [np.array_equal(example.image[:, ::-1][40:, 40:], other[40:, 40:]) for other in after]
    assert any(same) and not all(same) and not any(turned)  # turned, with their outlines
    mirrored = draw(
        type(example)(example.image[:, ::-1], example.mask[:, ::-1], example.colors, 0), NOTHING
    )
    assert all(
        np.mean(one != mirrored[0]) < 0.02
        for one, kept in zip(after, same, strict=True)
        if not kept
    )


def test_another_image_and_other_settings_are_drawn(strip, qtbot):
    settled = lambda: qtbot.waitUntil(lambda: not strip.busy, timeout=20_000)  # noqa: E731
    shown_at_first = strip.pictures[0].pixmap().toImage()
    assert not shown_at_first.isNull()
    strip.other_button.click()
    settled()
    other = strip.pictures[0].pixmap().toImage()
    assert other != shown_at_first
    strip.show_change(Change(SIZE, None, NOTHING.model_copy(update={"distort": 1.0})))
    settled()
    assert strip.pictures[0].pixmap().toImage() != other
    for _ in range(3):  # four training images: it begins anew
        strip.other_button.click()
        settled()
    strip.show_change(Change(SIZE, None, NOTHING))
    settled()
    assert strip.pictures[0].pixmap().toImage() == shown_at_first


def test_nothing_is_drawn_while_it_is_not_seen(strip, qtbot, monkeypatch):
    drawn = []
    monkeypatch.setattr(strip._tasks, "start", lambda *_a, **_k: drawn.append(1))
    strip.hide()
    strip.show_change(Change(SIZE, None, NOTHING.model_copy(update={"blur": 1.0})))
    assert not strip.busy and not drawn
    strip.show()
    qtbot.waitUntil(lambda: bool(drawn), timeout=5000)


def test_without_a_defect_it_says_so(strip, project, qtbot):
    for image_id in project.image_ids():
        project.clear_label_map(image_id)
    strip.forget_example()
    qtbot.waitUntil(lambda: not strip.busy, timeout=20_000)
    assert strip.note.text() == "No training image shows a defect yet."
    assert not strip.other_button.isEnabled()
