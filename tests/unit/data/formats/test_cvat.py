"""CVAT's XML: shapes, order, and files that mean harm."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from core.data.formats import cvat
from core.images.io import write_image
from core.system.errors import InputError

HEIGHT, WIDTH = 30, 40


def save(folder, shapes, *, name="部件 1.png", head="", attributes=""):
    folder.mkdir(exist_ok=True)
    write_image(folder / "部件 1.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    labels = "".join(
        f"<label><name>{label}</name><color>{color}</color></label>"
        for label, color in (("dent", "#ff0080"), ("__ignore__", "#ffffff"), ("划痕", "nonsense"))
    )
    path = folder / "annotations.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>{head}<annotations><version>1.1</version>'
        f"<meta><task><labels>{labels}</labels></task></meta>"
        f'<image id="0" name="{name}" width="{WIDTH}" height="{HEIGHT}" {attributes}>{shapes}'
        "</image></annotations>",
        encoding="utf-8",
    )
    return path


def mask_of(folder, shapes):
    save(folder, shapes)
    (item,) = cvat.read(folder).items
    return item.mask()


def test_masks_are_row_by_row_in_their_box(tmp_path):
    shape = '<mask label="dent" rle="1, 2, 2, 1" left="5" top="6" width="3" height="2"/>'
    mask = mask_of(tmp_path / "任务 1", shape)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[6:8, 5:8] = [[0, 1, 1], [0, 0, 1]]
    np.testing.assert_array_equal(mask, expected)


def test_polygons_and_boxes_are_filled_as_pycocotools_does(tmp_path):
    shapes = (
        '<polygon label="dent" points="2.5,3.0;20.1,4.7;11.0,22.6"/>'
        '<box label="划痕" xtl="25.5" ytl="2.0" xbr="35.0" ybr="12.5"/>'
    )
    mask = mask_of(tmp_path, shapes)
    for value, points in (
        (1, [2.5, 3.0, 20.1, 4.7, 11.0, 22.6]),
        (2, [25.5, 2.0, 35.0, 2.0, 35.0, 12.5, 25.5, 12.5]),
    ):
        expected = coco_mask.decode(coco_mask.frPyObjects([points], HEIGHT, WIDTH))[..., 0]
        np.testing.assert_array_equal(mask == value, expected > 0)


def test_ellipses_and_rotated_boxes_cover_what_they_should(tmp_path):
    ys, xs = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    mask = mask_of(tmp_path, '<ellipse label="dent" cx="20" cy="15" rx="12" ry="6"/>')
    distance = ((xs - 20) / 12) ** 2 + ((ys - 15) / 6) ** 2
    assert (mask[distance < 0.85] == 1).all()
    assert (mask[distance > 1.15] == 0).all()
    box = '<box label="dent" xtl="10" ytl="13" xbr="30" ybr="17" rotation="90"/>'
    rows, columns = np.nonzero(mask_of(tmp_path, box))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 24, 18, 21)


def test_z_order_counts_before_the_order_of_the_file(tmp_path):
    def box(label, left, z):
        return f'<box label="{label}" xtl="{left}" ytl="2" xbr="{left + 9}" ybr="9" z_order="{z}"/>'

    mask = mask_of(tmp_path, box("dent", 2, 1) + box("划痕", 4, 0) + box("__ignore__", 12, 0))
    assert (mask[3, 2:11] == 1).all()
    assert mask[3, 11] == 2
    assert (mask[3, 13:21] == 255).all()


def test_labels_colors_subset_and_what_has_no_area(tmp_path):
    shapes = (
        '<polyline label="dent" points="1,1;2,2"/><points label="dent" points="1,1"/>'
        '<tag label="dent"/><polyline label="dent" points="1,1;2,2"/>'
        '<mask label="dent" rle="9" left="39" top="0" width="3" height="3"/>'
        '<mask label="dent" rle="1, 2" left="3" top="0" width="3" height="3"/>'
        '<polygon label="dent" points="1,1;nan,2;1e9,3"/>'
    )
    save(tmp_path, shapes, attributes='subset="Validation"')
    result = cvat.read(tmp_path)
    assert result.labels == ["background", "dent", "划痕"]
    assert result.colors[1] == (255, 0, 128)
    assert result.items[0].subset == "val"
    assert result.items[0].mask is None
    texts = [str(problem).split(" in ")[0] for problem in result.report.messages]
    assert texts == [
        "2 shapes of the type polyline",
        "1 shape of the type points",
        "1 shape of the type tag",
        "2 shapes of the type mask",
        "1 shape of the type polygon",
        f"1 image has no annotation and stay unlabelled (the first is {tmp_path / '部件 1.png'}).",
    ]


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, OUTSIDE])
def test_entities_are_refused(tmp_path, head):
    path = save(tmp_path, "", head=head, name="&b;")
    with pytest.raises(InputError, match="no valid XML"):
        cvat.read(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-60], "cut short"),
        (lambda text: "<annotations>" * 500, "no XML file of CVAT's"),
        (lambda text: text.replace("annotations>", "other>"), "no XML file of CVAT's"),
        (lambda text: text.replace("部件 1.png", "../../gone 1.png"), "outside its folder"),
        (lambda text: text.replace("部件 1.png", "C:\\x\\gone.png"), "outside its folder"),
        (lambda text: text.replace("部件 1.png", "gone.png"), "does not exist"),
        (lambda text: text.replace(f'width="{WIDTH}"', 'width="7"'), "was drawn on 7×30"),
    ],
)
def test_harmful_files_are_one_sentence(tmp_path, change, words):
    path = save(tmp_path / "任务 1", "")
    path.write_text(change(path.read_text("utf-8")), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        cvat.read(path.parent)
