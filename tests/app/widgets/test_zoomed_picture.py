"""A picture that is zoomed: what is shown, and that another view of it stays in place."""

from __future__ import annotations

import numpy as np
import pytest

from app.widgets.zoomed_picture import ZoomedPicture


@pytest.fixture
def view(qtbot):
    made = ZoomedPicture("Judged image")
    made.resize(200, 160)
    made.show()
    yield made
    made.close()
    made.deleteLater()


def test_another_view_of_the_same_image_stays_in_place(view) -> None:
    picture = np.full((40, 60, 3), (1, 2, 3), np.uint8)
    view.show_picture(picture)
    whole = view._box.viewRect()
    assert whole.contains(0, 0) and whole.contains(60, 40)
    view._box.setRange(xRange=(10, 20), yRange=(10, 20), padding=0)
    near = view._box.viewRect()
    view.show_picture(picture + 1, stay=True)
    assert view._box.viewRect() == near
    assert view._item.image[0, 0].tolist() == [4, 3, 2]  # as red, green, blue
    view.show_picture(picture)
    assert view._box.viewRect() == whole
    view.show_picture(None)
    assert view.picture is None and view._item.image is None
    assert view.accessibleName() == "Judged image"
