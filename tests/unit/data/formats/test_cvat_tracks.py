"""CVAT for video: key frames, shapes between them, what is outside, and which image a frame is."""

from __future__ import annotations

import numpy as np
import pytest
from format_samples import save_image

from core.data.formats import cvat
from core.data.formats.detection import detect_format
from core.system.errors import InputError

SIZE = (20, 40)  # height, width


def box(frame, x, y, *, outside=0, side=6, keyframe=1, **more):
    rest = "".join(f' {key}="{value}"' for key, value in more.items())
    corners = f'xtl="{x}" ytl="{y}" xbr="{x + side}" ybr="{y + side}"'
    return f'<box frame="{frame}" keyframe="{keyframe}" outside="{outside}" {corners}{rest}/>'


def polygon(frame, *points, outside=0):
    text = ";".join(f"{x},{y}" for x, y in points)
    return f'<polygon frame="{frame}" keyframe="1" outside="{outside}" points="{text}"/>'


def write(folder, *tracks, length=5, images=None, name="annotations.xml", label="a"):
    folder.mkdir(parents=True, exist_ok=True)
    listed = "".join(f'<track id="{n}" label="{label}">{t}</track>' for n, t in enumerate(tracks))
    labels = "<labels><label><name>a</name></label></labels>"
    meta = f"<meta><task><size>{length}</size>{labels}</task></meta>"
    (folder / name).write_text(f"<annotations><version>1.1</version>{meta}{listed}</annotations>")
    for image in images or [f"frame_{n:06}.png" for n in range(length)]:
        save_image(folder / "images" / image, SIZE)


def masks(folder):
    result = cvat.read(folder)
    labelled = [item for item in result.items if item.mask is not None]
    return result, {item.image_path.stem: item.mask() for item in labelled}


def filled(x, y, side=6):
    mask = np.zeros(SIZE, np.uint8)
    mask[y : y + side, x : x + side] = 1
    return mask


def test_boxes_move_between_key_frames_until_they_are_outside(tmp_path):
    write(tmp_path, box(0, 2, 2) + box(2, 12, 6) + box(4, 0, 0, outside=1))
    assert detect_format(tmp_path) == "cvat"
    result, found = masks(tmp_path)
    places = [(2, 2), (7, 4), (12, 6), (12, 6)]
    for number, place in enumerate(places):
        np.testing.assert_array_equal(found[f"frame_{number:06}"], filled(*place))
    assert not found["frame_000004"].any()
    said = [str(text) for text in result.report.messages]
    assert len(said) == 1
    assert "2 shapes between them" in said[0]


def test_what_cvat_writes_between_key_frames_is_taken_as_it_is(tmp_path):
    shapes = box(0, 2, 2) + box(1, 20, 10, keyframe=0) + box(2, 12, 6) + box(3, 0, 0, outside=1)
    write(tmp_path, shapes, length=4)
    result, found = masks(tmp_path)
    np.testing.assert_array_equal(found["frame_000001"], filled(20, 10))
    assert result.report.messages == []


def test_polygons_move_with_as_many_corners_and_else_leave_the_frame_unknown(tmp_path):
    first = polygon(0, (2, 2), (8, 2), (8, 8), (2, 8))
    second = polygon(2, (12, 6), (18, 6), (18, 12), (12, 12))
    third = polygon(4, (12, 6), (18, 6), (18, 12))
    write(tmp_path, first + second + third)
    result, found = masks(tmp_path)
    np.testing.assert_array_equal(found["frame_000001"], filled(7, 4))
    assert sorted(found) == [f"frame_{n:06}" for n in (0, 1, 2, 4)]
    assert any("1 frame of" in str(text) for text in result.report.messages)


def test_turned_boxes_move_only_with_one_angle(tmp_path):
    write(tmp_path, box(0, 2, 2, rotation=0) + box(2, 12, 6, rotation=45), length=3)
    _, found = masks(tmp_path)
    assert sorted(found) == ["frame_000000", "frame_000002"]


def test_the_last_shape_stays_to_the_end_and_tracks_lie_on_each_other(tmp_path):
    write(tmp_path, box(1, 2, 2), box(0, 4, 4) + box(1, 0, 0, outside=1), length=3)
    _, found = masks(tmp_path)
    np.testing.assert_array_equal(found["frame_000000"], filled(4, 4))
    np.testing.assert_array_equal(found["frame_000002"], filled(2, 2))


def test_images_by_their_order_where_names_have_no_frame(tmp_path):
    write(tmp_path, box(0, 2, 2) + box(1, 12, 6), length=2, images=["甲.png", "乙.png"])
    result, found = masks(tmp_path)
    assert sorted(int(np.argmax(mask.any(axis=0))) for mask in found.values()) == [2, 12]
    assert any("in the order of their names" in str(text) for text in result.report.messages)


@pytest.mark.parametrize(
    ("images", "problem"), [(["x.png"], "which frame each is"), (None, "save the frames")]
)
def test_frames_without_images_are_one_sentence(tmp_path, images, problem):
    write(tmp_path, box(0, 2, 2), length=2, images=images or ["a.png"])
    if images is None:
        (tmp_path / "images" / "a.png").unlink()
    with pytest.raises(InputError, match=problem):
        cvat.read(tmp_path)


def test_missing_frames_are_counted_and_monstrous_numbers_are_no_list(tmp_path):
    images = ["frame_000000.png", "frame_000001.png"]
    shapes = box(0, 2, 2) + box(1, 2, 2) + box(2, 2, 2) + box(10**15, 1, 1) + '<box frame="x"/>'
    write(tmp_path, shapes, length=3, images=images)
    result, found = masks(tmp_path)
    assert len(found) == 2
    assert any("1 frame of" in str(text) for text in result.report.messages)
