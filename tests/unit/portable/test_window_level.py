"""Window and level: from any depth to 8 bits."""

from __future__ import annotations

import numpy as np
import pytest

from core.portable.window_level import WindowLevel, default_window, to_display


def test_sixteen_bits_are_spread_over_the_window():
    image = np.array([[0, 1000, 1500, 2000, 65535]], np.uint16)
    shown = to_display(image, WindowLevel(1000, 2000))
    assert shown.dtype == np.uint8
    assert shown.tolist() == [[0, 0, 128, 255, 255]]


def test_eight_bits_are_shown_as_they_are():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(to_display(image), image)


def test_float_and_sixteen_bits_are_shown_alike():
    values = np.random.default_rng(0).integers(0, 65536, (300, 40), dtype=np.uint16)
    window = WindowLevel(1234, 54321)
    assert np.array_equal(to_display(values, window), to_display(values.astype(np.float32), window))


def test_no_number_is_black_and_plays_no_part_in_the_window():
    image = np.array([[np.nan, -np.inf, np.inf, 1.0, 3.0]], np.float32)
    window = default_window(image)
    assert (window.low, window.high) == pytest.approx((1.002, 2.998))
    assert to_display(image, window).tolist() == [[0, 0, 255, 0, 255]]
    assert not to_display(np.full((3, 3), np.nan, np.float32)).any()


def test_outliers_and_flat_images_do_not_spoil_the_window():
    image = np.full((200, 200), 5000, np.uint16)
    image[:, :100] = 4000
    image[0, 0] = 65535
    assert default_window(image) == WindowLevel(4000, 5000)
    flat = default_window(np.full((5, 5), 7, np.uint16))
    assert flat.low < 7 < flat.high


def test_even_surfaces_in_sixteen_bits_are_not_made_a_pattern():
    image = np.random.default_rng(0).integers(3000, 3020, (50, 50), dtype=np.uint16)
    shown = to_display(image)
    assert np.ptp(shown.astype(int)) == np.ptp(image.astype(int))
    assert 100 < shown.mean() < 156
    plain = np.random.default_rng(0).integers(3, 250, (50, 50), dtype=np.uint16)
    assert np.array_equal(to_display(plain), plain)  # 8 bits in a 16-bit file


def test_colours_share_one_window():
    image = np.zeros((4, 4, 3), np.uint16)
    image[..., 0], image[..., 1] = 4095, 2048
    image[0, 0] = 0
    assert to_display(image)[2, 2].tolist() == [255, 128, 0]


def test_a_window_of_no_width_is_a_threshold():
    image = np.array([[4, 5, 6]], np.uint16)
    assert to_display(image, WindowLevel(5, 5)).tolist() == [[0, 255, 255]]


def test_display_writes_into_the_given_array_and_refuses_other_shapes():
    out = np.empty((2, 2), np.uint8)
    assert to_display(np.zeros((2, 2), np.uint16), WindowLevel(0, 1), out=out) is out
    with pytest.raises(ValueError, match="shape"):
        to_display(np.zeros((1, 2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="int32"):
        to_display(np.zeros((2, 2), np.int32), WindowLevel(0, 1))
