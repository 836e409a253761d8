"""What the canvas shows: zoom, partial drawing, styles, grey values; costs of the screen alone."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_parts import MIDDLE, Bench, disc_image
from PySide6.QtCore import QPointF, Qt

from app.canvas.renderer import MaskRenderer, MaskStyle, draw_picture, draw_region
from app.canvas.tool_options import ToolOptions
from app.canvas.viewport import MAX_SCALE, Viewport
from core.annotation.edits import Region
from core.annotation.image_pyramid import make_pyramid, read_pyramid, shown
from core.images.io import write_image
from core.images.palette import default_palette
from core.portable.window_level import WindowLevel

COLORS = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.fixture
def bench(qapp):
    made = Bench()
    yield made
    made.close()


def viewport(width: int, height: int, scale: float, *, left: float = 0, top: float = 0) -> Viewport:
    made = Viewport()
    made.set_image_size(width, height)
    made.resize(300, 200)
    made.fit()
    made.zoom_to(scale)
    made.pan((made.left - left) * scale, (made.top - top) * scale)
    return made


@pytest.mark.parametrize("style", list(MaskStyle))
@pytest.mark.parametrize("scale", [0.31, 0.77, 1.0, 2.6, 17.0])
def test_drawing_a_part_anew_is_drawing_all_anew(style: MaskStyle, scale: float) -> None:
    rng = np.random.default_rng(4)
    mask = rng.integers(0, 4, (40, 60), dtype=np.uint8).repeat(9, 0).repeat(9, 1)
    seen = viewport(mask.shape[1], mask.shape[0], scale, left=33.3, top=20.7)
    size = (seen.width, seen.height)
    renderer, fresh = MaskRenderer(), MaskRenderer()
    for each in (renderer, fresh):
        each.set_colors(COLORS, opacity=0.6, style=style, hidden={2})
    spans = seen.spans()
    assert spans is not None
    renderer.draw(mask, *spans, size)
    for _ in range(20):
        x, y = (int(value) for value in rng.integers(0, 340, 2))
        mask[y : y + 11, x : x + 23] = rng.integers(0, 4)
        renderer.update(mask, (x, y, min(x + 23, 540), min(y + 11, 360)))
    fresh.draw(mask, *spans, size)
    assert fresh.overlay.any()
    assert np.array_equal(renderer.overlay, fresh.overlay)


def test_colours_opacity_and_hidden_classes() -> None:
    mask = np.array([[0, 1], [2, 255]], np.uint8).repeat(20, 0).repeat(20, 1)
    seen = viewport(40, 40, 5.0)
    spans = seen.spans()
    assert spans is not None
    renderer = MaskRenderer()
    renderer.set_colors(COLORS, opacity=0.5, style=MaskStyle.FILL, hidden={2})
    renderer.draw(mask, *spans, (seen.width, seen.height))

    def pixel(x: float, y: float) -> int:
        column, row = seen.to_widget(x, y)
        return int(renderer.overlay[int(row), int(column)])

    assert pixel(10, 10) == 0 and pixel(10, 30) == 0
    assert pixel(30, 10) == 0x80800000
    assert {pixel(x, 30) for x in range(21, 40)} == {0xB2B2B2B2, 0x26000000}  # hatched


def test_wheel_zooms_at_the_pointer_and_middle_button_moves(bench) -> None:
    middle = QPointF(bench.view.width() / 2, bench.view.height() / 2)
    before = bench.view.to_image(middle)
    bench.wheel(3)
    after = bench.view.to_image(middle)
    assert after == pytest.approx(before, abs=0.5)
    bench.wheel(200)
    assert bench.view.viewport.scale == MAX_SCALE
    place = bench.at(40, 30)
    bench.press(40, 30, button=MIDDLE)
    bench.move(41, 30, held=MIDDLE)
    bench.release(41, 30, button=MIDDLE)
    assert (bench.at(40, 30) - place).x() == pytest.approx(MAX_SCALE, abs=2)
    bench.view.fit()
    assert bench.view.rect().contains(bench.at(0, 0))
    assert bench.view.rect().contains(bench.at(99, 79))
    assert bench.committed == []


def test_the_picture_is_where_the_coordinates_say(bench) -> None:
    for step in (None, bench.view.zoom_actual, bench.view.zoom_in):
        if step is not None:
            step()
        image = bench.view.grab().toImage()
        inside, outside = bench.at(40, 30), bench.at(40, 60)
        assert image.pixelColor(inside).green() == 210
        assert image.pixelColor(outside).green() == 40


def test_large_pictures_are_drawn_from_their_halvings() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (3000, 4000), dtype=np.uint8)
    image[:, 2000:] = 200
    picture = make_pyramid(image)
    assert [level.shape for level in picture.levels] == [(3000, 4000), (1500, 2000), (750, 1000)]
    assert picture.levels[0] is image, "no copy of a large image"
    seen = viewport(4000, 3000, 0.05)
    found = draw_picture(picture.levels, seen)
    assert found is not None
    pixels, x, _ = found
    edge = seen.to_widget(2000, 0)[0] - x
    assert abs(int(np.flatnonzero(np.abs(pixels[75].astype(int) - 200) < 5)[0]) - edge) <= 2


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_images_are_shown_through_a_window(tmp_path, qapp, dtype) -> None:
    import tifffile

    path = tmp_path / "深 image.tif"
    pixels = np.full((40, 50), 1000, dtype)
    pixels[10:20, 10:20] = 1400
    tifffile.imwrite(path, pixels)
    picture = read_pyramid(path)
    assert picture.is_grey and picture.levels[0].dtype == dtype
    assert np.array_equal(np.unique(picture.as_shown(picture.default_window())), [0, 255])
    assert int(shown(pixels, WindowLevel(900, 1100))[0, 0]) in (127, 128)
    bench = Bench(pixels)
    plain = bench.view.grab().toImage().pixelColor(bench.at(30, 30)).green()
    bench.editor.set_window(WindowLevel(0, 1100))
    assert plain == 0
    assert bench.view.grab().toImage().pixelColor(bench.at(30, 30)).green() == 232
    bench.close()


def test_eight_bits_are_shown_as_they_are(tmp_path) -> None:
    path = tmp_path / "a.png"
    write_image(path, disc_image())
    picture = read_pyramid(path)
    assert not picture.is_grey
    assert np.array_equal(picture.as_shown(picture.default_window()), disc_image())


def test_preview_has_an_outline_on_any_ground() -> None:
    seen = viewport(100, 80, 4.0)
    spans = seen.spans()
    assert spans is not None
    region = Region((10, 10, 30, 20), np.ones((10, 20), np.bool_))
    found = draw_region(region, (255, 0, 0), *spans, (seen.width, seen.height))
    assert found is not None
    pixels, x, y = found
    left, top = seen.to_widget(10, 10)
    assert pixels[int(top) - y, int(left) - x] == 0xFFFFFFFF
    assert pixels[int(top) - y - 1, int(left) - x + 5] >> 24 > 0
    assert (pixels == 0xFFFFFFFF).sum() == pytest.approx(2 * (80 + 40), rel=0.05)


def test_space_and_drag_moves_instead_of_painting(bench, qtbot) -> None:
    bench.take("brush")
    place = bench.at(50, 40)
    qtbot.keyPress(bench.view, Qt.Key.Key_Space)
    bench.press(50, 40)
    bench.move(55, 40, held=Qt.MouseButton.LeftButton)
    bench.release(55, 40)
    qtbot.keyRelease(bench.view, Qt.Key.Key_Space)
    assert not bench.mask.any() and bench.at(50, 40) != place
    assert not bench.view.keyboard.shown


def test_options_are_kept_as_what_differs() -> None:
    options = ToolOptions().with_value("brush_size", 99_999).with_value("brush_shape", "square")
    assert options.brush_size == 2000
    assert options.to_dict() == {"brush_size": 2000, "brush_shape": "square"}
    assert ToolOptions.from_dict(options.to_dict()) == options
    odd = {"brush_size": "7", "tolerance": -4, "brush_shape": "star", "other": 1}
    assert ToolOptions.from_dict(odd) == ToolOptions(tolerance=0)
    assert ToolOptions.from_dict(None) == ToolOptions()


def test_palette_has_a_colour_for_every_class() -> None:
    renderer = MaskRenderer()
    renderer.set_colors(default_palette(254), opacity=1.0, style=MaskStyle.FILL)
    assert np.count_nonzero(renderer._fill) == 254
