"""Click models: both interfaces, what arrives at the network, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from click_models import ritm, sam_decoder, sam_encoder
from onnx import TensorProto

from core.annotation.click_model import Click, ClickModelFiles, open_click_model
from core.system.errors import InputError


def red_right_half(width: int = 64, height: int = 32) -> np.ndarray:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :, 2] = 250
    return image


@pytest.mark.parametrize("kind", ["planar", "float", "uint8"])
def test_a_sam_pair_segments_in_image_pixels(tmp_path, kind):
    folder = tmp_path / "模型 1"
    side = 32 if kind == "planar" else None
    element = TensorProto.UINT8 if kind == "uint8" else TensorProto.FLOAT
    encoder = sam_encoder(folder / "e.onnx", side=side, kind=element)
    model = open_click_model(ClickModelFiles(encoder, sam_decoder(folder / "d.onnx")))
    encoded = model.encode(red_right_half())
    found = model.segment(encoded, [Click(48, 16)])
    assert found.pixels.shape == (32, 64)
    if kind == "planar":  # the lower half of the square is padding; the tiny decoder keeps it
        assert found.pixels[:8, 40:].all() and not found.pixels[:, :24].any()
    else:
        assert found.pixels[:, 40:].all() and not found.pixels[:, :24].any()
    assert found.memory.shape == (1, 1, 8, 8)
    # The tiny decoder gives back mask_input + the labels' sum + has_mask_input.
    assert found.memory[0, 0, 0, 0] == 1 - 1
    again = model.segment(encoded, [Click(48, 16), Click(2, 2, positive=False)], found)
    assert again.memory[0, 0, 0, 0] == 0 + (1 + 0 - 1) + 1


def test_clicks_reach_sam_scaled_and_padded(tmp_path, monkeypatch):
    model = open_click_model(
        ClickModelFiles(sam_encoder(tmp_path / "e.onnx"), sam_decoder(tmp_path / "d.onnx"))
    )
    encoded = model.encode(red_right_half())
    fed = {}
    decoder = model._decoder

    class Spy:
        def run(self, names, values):
            fed.update(values)
            return decoder.run(names, values)

    model._decoder = Spy()
    model.segment(encoded, [Click(48, 16), Click(10, 4, positive=False)])
    assert fed["point_coords"].tolist() == [[[24, 8], [5, 2], [0, 0]]]
    assert fed["point_labels"].tolist() == [[1, 0, -1]]
    assert fed["orig_im_size"].tolist() == [32, 64]
    assert fed["has_mask_input"].tolist() == [0]


@pytest.mark.parametrize("columns", [2, 3])
def test_ritm_segments_what_is_clicked(tmp_path, columns):
    model = open_click_model(ClickModelFiles(ritm(tmp_path / "网络.onnx", columns=columns)))
    encoded = model.encode(red_right_half(100, 70))  # computed at 96×64
    found = model.segment(encoded, [Click(80, 60), Click(5, 5, positive=False)])
    assert found.pixels.shape == (70, 100)
    assert found.pixels[:, 55:].all() and not found.pixels[:, :45].any()


def test_ritm_is_given_what_was_found_before(tmp_path):
    model = open_click_model(ClickModelFiles(ritm(tmp_path / "m.onnx", planes=4)))
    encoded = model.encode(red_right_half())
    left = model.segment(encoded, [Click(5, 5)])
    assert left.pixels[:, :30].all() and not left.pixels[:, 34:].any()
    both = model.segment(encoded, [Click(60, 5), Click(5, 5)], left)
    assert both.pixels[:, 34:].all() and both.pixels[:, :30].all()


def test_points_are_laid_out_as_ritm_expects(tmp_path):
    model = open_click_model(ClickModelFiles(ritm(tmp_path / "m.onnx", places=2)))
    clicks = [Click(4, 8), Click(6, 2, positive=False), Click(10, 12)]
    assert model._points(clicks, (0.5, 0.25)).tolist() == [
        [[2, 2, 0], [3, 5, 2], [0.5, 3, 1], [-1, -1, -1]]
    ]
    with pytest.raises(InputError, match="2 clicks of one kind"):
        model._points([*clicks, Click(1, 1)], (1, 1))


def test_what_does_not_fit_is_said_in_one_sentence(tmp_path):
    encoder, decoder = sam_encoder(tmp_path / "e.onnx"), sam_decoder(tmp_path / "d.onnx")
    broken = tmp_path / "坏.onnx"
    broken.write_bytes(b"not a model")
    for model, other, text in (
        (tmp_path / "none.onnx", decoder, "does not exist"),
        (broken, decoder, "is no ONNX model"),
        (decoder, encoder, "must have one input"),
        (encoder, sam_decoder(tmp_path / "x.onnx", without="mask_input"), "lacks the inputs mask"),
        (encoder, sam_decoder(tmp_path / "y.onnx", extra="feats"), "not known here: feats"),
        (encoder, None, "lacks the inputs image, points"),
        (ritm(tmp_path / "5.onnx", planes=5), None, r"not \(1, 5, h, w\)"),
        (ritm(tmp_path / "4.onnx", columns=4), None, r"not \(1, 2n, 4\)"),
    ):
        with pytest.raises(InputError, match=text) as caught:
            open_click_model(ClickModelFiles(model, other))
        assert str(caught.value).count(". ") == 0


def test_files_are_remembered_as_plain_values(tmp_path):
    for files in (
        ClickModelFiles(tmp_path / "一.onnx"),
        ClickModelFiles(tmp_path / "e.onnx", tmp_path / "d.onnx"),
    ):
        assert ClickModelFiles.from_dict(files.to_dict()) == files
    assert ClickModelFiles.from_dict(["x"]) is None
    assert ClickModelFiles.from_dict({"model": 3}) is None
