"""Pascal VOC's folders: masks with palettes and in colours, lists, names."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from format_samples import MASK, mask_of, save_image, save_mask
from PIL import Image

from core.data.formats import voc
from core.data.formats.color_tables import voc_palette
from core.data.formats.detection import detect_format
from core.system.errors import InputError


@pytest.fixture
def voc_folder(tmp_path):
    folder = tmp_path / "数据 集"
    for name in ("a", "b"):
        save_image(folder / "JPEGImages" / f"{name}.jpg")
        save_mask(folder / "SegmentationClass" / f"{name}.png", palette=[(0, 0, 0), (9, 8, 7)])
    (folder / "Annotations").mkdir()  # VOC's boxes: this is still no PaddleX folder
    return folder


def test_voc_without_names_has_the_twenty_classes(voc_folder):
    assert detect_format(voc_folder) == "voc"
    result = voc.read(voc_folder)
    assert result.labels[:3] == ["background", "aeroplane", "bicycle"]
    assert len(result.labels) == 21
    assert result.colors[1] == (9, 8, 7)
    assert "taken to be background … tvmonitor" in str(result.report.messages[0])
    np.testing.assert_array_equal(mask_of(result), MASK)
    save_mask(voc_folder / "SegmentationClass" / "b.png", MASK.clip(0, 2) * 15)
    assert voc.read(voc_folder).labels[-1] == "30"


def test_voc_lists_give_subsets_and_what_is_missing_is_told(voc_folder):
    lists = voc_folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\na\ngone\n../../x\n")
    save_image(voc_folder / "JPEGImages" / "c.jpg")
    (lists / "test.txt").write_text("c\n")
    save_mask(voc_folder / "SegmentationClass" / "alone.png")
    (voc_folder / "labels.txt").write_text("background\nx\ny\n")
    result = voc.read(voc_folder)
    assert [(i.image_path.stem, i.subset, i.mask is None) for i in result.items] == [
        ("a", "train", False),
        ("b", "val", False),
        ("c", "test", True),
    ]
    texts = " | ".join(str(problem) for problem in result.report.messages)
    for words in ("image ../../x of", "image gone of", "alone.png", "c.jpg", "stays unlabelled"):
        assert words in texts
    assert len(result.report.messages) == 4


def test_voc_masks_in_colours(voc_folder):
    (voc_folder / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\n零件:10,20,30::\ny:200,0,0::\n"
    )
    colors = np.array([[0, 0, 0], [10, 20, 30], [200, 0, 0]], np.uint8)
    rgb = colors[np.where(MASK == 255, 0, MASK)]
    rgb[MASK == 255] = (224, 224, 192)
    for name in ("a", "b"):
        Image.fromarray(rgb).save(voc_folder / "SegmentationClass" / f"{name}.png")
    result = voc.read(voc_folder)
    assert result.labels == ["background", "零件", "y"]
    np.testing.assert_array_equal(mask_of(result), MASK)
    _, deep = cv2.imencode(".png", rgb[..., ::-1].astype(np.uint16) * 257)
    (voc_folder / "SegmentationClass" / "a.png").write_bytes(deep.tobytes())
    np.testing.assert_array_equal(mask_of(voc.read(voc_folder)), MASK)
    rgb[0, 0] = (1, 1, 1)
    Image.fromarray(rgb).save(voc_folder / "SegmentationClass" / "a.png")
    with pytest.raises(InputError, match=r"colour 1, 1, 1"):
        mask_of(voc.read(voc_folder))
    (voc_folder / "labelmap.txt").write_text("background 0 0 0\n")
    with pytest.raises(InputError, match="no name with a colour"):
        voc.read(voc_folder)


def test_the_colours_of_voc():
    palette = voc_palette(21)
    assert palette[:4] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert palette[15] == (192, 128, 128)
    assert palette[20] == (0, 64, 128)
