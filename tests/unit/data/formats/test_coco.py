"""COCO against pycocotools, which defines what its polygons and run lengths mean."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from core.data.formats import coco, rle
from core.images.io import write_image
from core.system.errors import InputError

HEIGHT, WIDTH = 40, 50


def annotation(id_, category, segmentation, **more):
    return {"id": id_, "image_id": 7, "category_id": category, "segmentation": segmentation, **more}


def save(folder, annotations, *, name="instances_val2017.json", **more):
    """Write an image and a COCO file whose category ids are no indices."""
    (folder / "图 像").mkdir(parents=True, exist_ok=True)
    write_image(folder / "图 像" / "a 1.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    data = {
        "images": [{"id": 7, "file_name": "a 1.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": annotations,
        "categories": [
            {"id": 90, "name": "zebra"},
            {"id": 3, "name": "car", "color": [1, 2, 3]},
        ],
        **more,
    }
    (folder / "annotations").mkdir(exist_ok=True)
    path = folder / "annotations" / name
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path


def only_mask(result):
    (item,) = result.items
    return item.mask()


def random_mask(seed):
    return (np.random.default_rng(seed).random((HEIGHT, WIDTH)) < 0.4).astype(np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_compressed_run_lengths_are_pycocotools(tmp_path, seed):
    mask = random_mask(seed)
    encoded = coco_mask.encode(np.asfortranarray(mask))
    text = encoded["counts"].decode()
    save(tmp_path, [annotation(1, 3, {"size": [HEIGHT, WIDTH], "counts": text})])
    np.testing.assert_array_equal(only_mask(coco.read(tmp_path)), mask)
    counts = rle.counts_from_string(text, (WIDTH, HEIGHT))
    assert rle.compress(counts, (WIDTH, HEIGHT)) == text
    assert rle.coco_counts(mask, 0, 0, (WIDTH, HEIGHT)).tolist() == counts.tolist()


def test_uncompressed_run_lengths(tmp_path):
    mask = random_mask(9)
    counts = rle.counts_of(mask.T).tolist()
    save(tmp_path, [annotation(1, 3, {"size": [HEIGHT, WIDTH], "counts": counts}, iscrowd=0)])
    np.testing.assert_array_equal(only_mask(coco.read(tmp_path)), mask)


@pytest.mark.parametrize("seed", range(8))
def test_polygons_are_filled_as_pycocotools_does(tmp_path, seed):
    rng = np.random.default_rng(seed)
    low, high = (-20, 70) if seed % 2 else (2, 38)  # also beyond the image
    parts = [rng.uniform(low, high, 2 * int(rng.integers(3, 9))).tolist() for _ in range(3)]
    save(tmp_path, [annotation(1, 3, parts)])
    expected = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(parts, HEIGHT, WIDTH)))
    np.testing.assert_array_equal(only_mask(coco.read(tmp_path)), expected)


def box(x, y, size):
    return [[x, y, x + size, y, x + size, y + size, x, y + size]]


def test_order_crowds_and_category_ids(tmp_path):
    crowd = {"size": [HEIGHT, WIDTH], "counts": [0, 5 * HEIGHT, 45 * HEIGHT]}
    shapes = [
        annotation(1, 3, crowd, iscrowd=1),
        annotation(2, 90, box(2, 2, 20)),
        annotation(3, 3, box(10, 10, 20)),
    ]
    save(tmp_path, shapes)
    result = coco.read(tmp_path)
    assert result.labels == ["background", "car", "zebra"]
    assert result.colors[1] == (1, 2, 3)
    assert result.items[0].subset == "val"
    mask = only_mask(result)
    assert (mask[:, :5] == 255).all()  # the crowd comes last, whatever its place
    assert mask[8, 8] == 2
    assert mask[15, 15] == mask[28, 28] == 1  # the later shape lies on top
    assert mask[35, 45] == 0
    assert (only_mask(coco.read(tmp_path, crowd="class"))[:, :5] == 1).all()


def test_categories_called_background_and_ignore(tmp_path):
    categories = [{"id": 1, "name": "__ignore__"}, {"id": 2, "name": "Background"}]
    save(tmp_path, [annotation(1, 1, box(0, 0, 4))], categories=categories)
    result = coco.read(tmp_path)
    assert result.labels == ["Background"]
    assert sorted(np.unique(only_mask(result))) == [0, 255]


@pytest.mark.parametrize(
    "name", ["../图 像/a 1.png", "图 像/a 1.png", "图 像\\a 1.png", "elsewhere/a 1.png"]
)
def test_names_with_folders(tmp_path, name):
    images = [{"id": 7, "file_name": name, "width": WIDTH, "height": HEIGHT}]
    save(tmp_path, [annotation(1, 3, box(2, 2, 9))], images=images)
    write_image(tmp_path / "a.png", np.zeros((3, 3, 3), np.uint8))
    assert coco.read(tmp_path).items[0].image_path == tmp_path / "图 像" / "a 1.png"


def test_several_images_of_one_name_need_their_folders(tmp_path):
    path = save(tmp_path, [])
    (tmp_path / "other").mkdir()
    write_image(tmp_path / "other" / "a 1.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(InputError, match="several images are called so"):
        coco.read(tmp_path)
    path.write_text(path.read_text("utf-8").replace('"a 1.png"', '"other/a 1.png"'), "utf-8")
    assert coco.read(tmp_path).items[0].image_path.parent.name == "other"


def test_one_file_and_the_usual_folders(tmp_path):
    path = save(tmp_path, [annotation(1, 3, box(2, 2, 9))])
    assert coco.read(path).items[0].image_path == tmp_path / "图 像" / "a 1.png"
    captions = {"images": [], "annotations": [{"caption": "x"}]}
    (tmp_path / "annotations" / "captions_val2017.json").write_text(json.dumps(captions))
    assert coco.read(tmp_path).report.messages == []


def test_what_cannot_be_drawn_is_told_and_the_rest_is_kept(tmp_path):
    shapes = [
        annotation(1, 3, box(2, 2, 9)),
        annotation(2, 3, [[1, 1, 2, 2]]),
        annotation(3, 3, [[1, 1, 9, 1, 1e9, 9]]),
        annotation(4, 3, [["a", 1, 9, 1, 9, 9]]),
        annotation(5, 4, box(2, 2, 9)),
        {**annotation(6, 3, box(2, 2, 9)), "image_id": 99},
        annotation(7, 3, [], bbox=[1, 2, 3, 4]),
        annotation(8, 3, {"size": [HEIGHT, WIDTH], "counts": "0o"}),
        annotation(9, 3, {"size": [HEIGHT, WIDTH], "counts": [5, -3]}),
        annotation(10, 3, {"size": [9, 9], "counts": [81]}),
        annotation(11, 3, {"size": [HEIGHT, WIDTH], "counts": [1, 2**60]}),
        "nonsense",
    ]
    save(tmp_path, shapes)
    result = coco.read(tmp_path)
    texts = sorted(str(problem) for problem in result.report.messages)
    assert [text.split(" of ")[0] for text in texts] == [
        "1 annotation",
        "1 annotation",
        "1 annotation",
        "8 annotations",
    ]
    assert "are damaged and left out (the first has the id 2)" in texts[3]
    assert (only_mask(result) == 1).sum() == 81


def test_nan_and_endless_outlines_are_left_out(tmp_path):
    path = save(tmp_path, [annotation(1, 3, box(2, 2, 9))])
    zigzag = [[0, 0, 90000, 90000] * 30]
    text = path.read_text().replace("[[2, 2, 11,", "[[NaN, 2, 11,")
    path.write_text(text)
    assert "damaged" in str(coco.read(tmp_path).report.messages[0])
    save(tmp_path, [annotation(1, 3, zigzag)])
    assert "damaged" in str(coco.read(tmp_path).report.messages[0])


@pytest.mark.parametrize("text", ["", "o", "0o", "~~", "é", "ooooooooo0", "1" * 3])
def test_damaged_run_lengths_never_reach_the_library(text):
    with pytest.raises(ValueError, match=r"run"):
        rle.counts_from_string(text, (WIDTH, HEIGHT))


def test_images_that_are_missing_twice_or_of_another_size(tmp_path):
    images = [
        {"id": 7, "file_name": "a 1.png", "width": WIDTH, "height": HEIGHT},
        {"id": 7, "file_name": "a 1.png", "width": WIDTH, "height": HEIGHT},
        {"id": 8, "file_name": "gone.png", "width": 5, "height": 5},
        {"id": 9, "file_name": "../../../etc/passwd", "width": 5, "height": 5},
        {"id": 10, "file_name": "/etc/x.png"},
        {"id": 11, "file_name": "图 像/a 1.png", "width": 5, "height": 5},
        {"id": 12},
    ]
    shapes = [annotation(1, 3, box(2, 2, 9)), {**annotation(2, 3, box(2, 2, 9)), "image_id": 8}]
    save(tmp_path, shapes, images=images)
    result = coco.read(tmp_path)
    assert len(result.items) == 1
    texts = [str(problem) for problem in result.report.messages]
    assert [
        words in text
        for words, text in zip(
            (
                "several images with the id 7",
                "does not exist",
                "outside",
                "outside",
                "was drawn on 5×5",
                "without a name",
            ),
            texts,
            strict=True,
        )
    ] == [True] * 6


def test_a_faulty_category_costs_only_what_has_it(tmp_path):
    path = save(tmp_path, [])
    whole = path.read_text()
    for text, words in (
        (whole.replace('"id": 90', '"id": 3'), "1 category of .* has the id of another"),
        (whole.replace('"zebra"', "null"), "1 category of .* has no name or no id"),
    ):
        path.write_text(text)
        result = coco.read(path)
        assert result.items
        assert re.search(words, " ".join(map(str, result.report.messages)))


def test_files_that_are_no_coco(tmp_path):
    path = save(tmp_path, [])
    whole = path.read_text()
    for text, words in (
        (whole[: len(whole) // 2], "cut short"),
        ("[" * 100_000, "no valid JSON"),
        ("{}", "is no COCO file"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            coco.read(path)
