"""What is asked of a gain by how many images it is measured on."""

from __future__ import annotations

import pytest

from core.prediction.chance import ENOUGH_IMAGES, chance, gain_to_ask_for


def test_few_images_cannot_tell_and_many_must() -> None:
    assert chance(4) == pytest.approx(chance(1) / 2)
    assert gain_to_ask_for(ENOUGH_IMAGES, gain=0.005) == 0.005
    assert gain_to_ask_for(ENOUGH_IMAGES - 1, gain=0.005) == -chance(ENOUGH_IMAGES - 1)
