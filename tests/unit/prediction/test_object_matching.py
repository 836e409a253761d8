"""Objects against scikit-image's areas and a matching that tries every way."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage.measure import label as connected

from core.prediction.object_matching import ObjectCounts, ObjectRule, match_objects
from core.system.errors import InputError

LABELS = ("background", "scratch", "dent")


def parts(area):
    numbers = connected(area, connectivity=2)
    return [numbers == number for number in range(1, numbers.max() + 1)]


def tried_every_way(label_map, mask, class_id, *, iou, min_area=1):
    """Return (objects, found, false alarms, sum of overlaps) by the words of the definition."""
    counted = mask != 255
    true = [one for one in parts(mask == class_id) if one.sum() >= min_area]
    tiny = [one for one in parts(mask == class_id) if one.sum() < min_area]
    claimed = [one for one in parts(label_map == class_id) if one.sum() >= min_area]

    def overlap(a, b):
        either = ((a | b) & counted).sum()
        return (a & b).sum() / either if either else 0.0

    table = [[overlap(t, c) for c in claimed] for t in true]

    def best(row, free):
        if row == len(true):
            return 0, 0.0, frozenset()
        found = [best(row + 1, free)]
        for column in free:
            if table[row][column] >= iou:
                pairs, worth, used = best(row + 1, free - {column})
                found.append((pairs + 1, worth + table[row][column], used | {column}))
        return max(found, key=lambda one: one[:2])

    pairs, worth, used = best(0, frozenset(range(len(claimed))))
    alarms = 0
    for index, one in enumerate(claimed):
        mostly_ignored = (one & counted).sum() * 2 < one.sum()
        on_tiny = any(overlap(t, one) >= iou for t in tiny)
        alarms += index not in used and not mostly_ignored and not on_tiny
    return len(true), pairs, alarms, worth


def told(matches):
    return {index: one.areas.counts for index, one in matches.items()}


def scene(seed, *, density=0.35, ignored=0.1, size=(14, 17)):
    rng = np.random.default_rng(seed)
    mask = np.where(rng.random(size) < density, rng.integers(1, 3, size), 0)
    moved = np.roll(mask, rng.integers(0, 2, 2), axis=(0, 1))
    noise = np.where(rng.random(size) < 0.08, rng.integers(0, 3, size), moved)
    mask = np.where(rng.random(size) < ignored, 255, mask)
    return noise.astype(np.uint8), mask.astype(np.uint8)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    density=st.sampled_from([0.05, 0.15, 0.25]),
    iou=st.sampled_from([0.1, 0.2, 0.5]),
    min_area=st.sampled_from([1, 3]),
)
def test_agrees_with_a_count_that_tries_every_way(seed, density, iou, min_area):
    label_map, mask = scene(seed, density=density)
    rule = ObjectRule(iou=iou, min_area=min_area)
    for class_id in (1, 2):
        objects, pairs, alarms, _ = tried_every_way(
            label_map, mask, class_id, iou=iou, min_area=min_area
        )
        found = match_objects(label_map, mask, class_id, rule=rule)
        assert found.areas.counts[:2] == (objects, pairs)
        # Ways with equally many pairs that overlap equally well may leave other areas over.
        assert len(found.areas.alarms) == pytest.approx(alarms, abs=0 if pairs == 0 else 1)


def test_a_whole_scene_by_hand():
    mask, label_map = (np.zeros((40, 60), np.uint8) for _ in range(2))
    mask[2:6, 2:6] = 1  # found: 12 of 16 + 3
    label_map[3:6, 2:7] = 1
    mask[20, 2:22] = 1  # a crack that breaks into three: one piece is it, two are none
    label_map[20, 2:8] = label_map[20, 10:15] = label_map[20, 17:22] = 1
    mask[30:34, 30:34] = 2  # taken for the other class
    label_map[30:34, 30:34] = 1
    label_map[0:3, 50:53] = 2  # out of nothing
    mask[35:38, 50:58] = 255
    label_map[34:38, 50:58] = 2  # three quarters of it are ignored
    counts = ObjectCounts(LABELS, background=0)
    assert told(counts.update(label_map, mask)) == {1: (2, 2, 3), 2: (1, 0, 1)}
    figures = counts.figures()
    json.dumps(figures, allow_nan=False)
    scratch, dent = figures["classes"]
    assert (scratch["class"], scratch["name"], scratch["missed"]) == (1, "scratch", 0)
    assert (scratch["precision"], scratch["recall"]) == (2 / 5, 1.0)
    assert dent["f1"] == 0.0
    assert figures["all"]["objects"] == 3
    assert figures["all"]["false_alarms"] == 4
    assert figures["all"]["by_size"]["small"]["objects"] == 3


def test_two_that_share_one_claim_are_both_found_if_there_is_another_claim():
    """The best overlap first would leave the left one without any."""
    mask = np.zeros((4, 30), np.uint8)
    mask[1, 0:8] = 1
    mask[1, 10:18] = 1
    label_map = np.zeros_like(mask)
    label_map[1, 4:16] = 1  # overlaps the left one by 4 of 16, the right one by 6 of 14
    label_map[2, 17:20] = 0
    label_map[0, 17:19] = 1
    mask[0, 17:19] = 1  # joins the right one: its corner touches
    rule = ObjectRule(iou=0.15)
    found = match_objects(label_map, mask, 1, rule=rule)
    assert found.areas.found.tolist() == [True, True]
    assert len(found.areas.alarms) == 0


def test_areas_that_touch_at_a_corner_are_one():
    mask = np.zeros((6, 6), np.uint8)
    mask[0:2, 0:2] = mask[2:4, 2:4] = 1
    assert match_objects(mask, mask, 1, rule=ObjectRule()).areas.objects.tolist() == [8]


def test_sizes_are_those_of_coco_and_alarms_have_their_own():
    counts = ObjectCounts(LABELS, background=0)
    for side, other in product((31, 32, 95, 96), (0, 40)):
        mask = np.zeros((200, 200), np.uint8)
        mask[:side, :side] = 1
        label_map = mask.copy()
        label_map[150 : 150 + other, 150 : 150 + other] = 1
        counts.update(label_map, mask)
    by_size = counts.figures()["classes"][0]["by_size"]
    assert {name: one["objects"] for name, one in by_size.items()} == {
        "small": 2,
        "medium": 4,
        "large": 2,
    }
    assert {name: one["false_alarms"] for name, one in by_size.items()} == {
        "small": 0,
        "medium": 4,
        "large": 0,
    }
    sizes = counts.figures()["sizes"]
    assert sizes == {"small": [0, 1023], "medium": [1024, 9215], "large": [9216, None]}


def test_what_is_too_small_counts_neither_as_missed_nor_as_false():
    mask = np.zeros((20, 20), np.uint8)
    mask[0, 0:3] = 1
    mask[10:14, 10:14] = 1
    label_map = np.zeros_like(mask)
    label_map[0, 0:8] = 1  # of the small one, which is none, though it is large itself
    label_map[18, 18:20] = 1
    counts = ObjectCounts(LABELS, background=0, rule=ObjectRule(min_area=4))
    assert told(counts.update(label_map, mask)) == {1: (1, 0, 0)}


def test_without_a_background_every_class_has_objects():
    counts = ObjectCounts(("sky", "road"), background=None)
    mask = np.zeros((4, 4), np.uint8)
    mask[2:] = 1
    assert told(counts.update(mask, mask)) == {0: (1, 1, 0), 1: (1, 1, 0)}


@pytest.mark.parametrize("wrong", [{"iou": 0}, {"iou": 1.5}, {"min_area": 0}])
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(InputError, match="give"):
        ObjectRule(**wrong)


def test_many_objects_in_a_large_image_take_no_square_of_them():
    side = 3000
    mask = np.zeros((side, side), np.uint8)
    mask[::6, ::6] = 1
    found = match_objects(mask, mask, 1, rule=ObjectRule())
    assert len(found.areas.objects) == (side // 6) ** 2
    assert found.areas.found.all()


def blobs(seed, side=260):
    """A labelled and a predicted scene of discs of every size, some of them only in one."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    mask, label_map = (np.zeros((side, side), np.uint8) for _ in range(2))
    for _ in range(14):
        y, x = rng.integers(0, side, 2)
        radius = rng.choice([4, 8, 14, 22, 40, 60])
        moved_y, moved_x, factor = y + rng.integers(-5, 6), x + rng.integers(-5, 6), rng.random()
        if factor < 0.8:
            mask[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = 1
        if factor > 0.2:
            size = (radius * rng.uniform(0.8, 1.2)) ** 2
            label_map[(rows - moved_y) ** 2 + (columns - moved_x) ** 2 < size] = 1
    return label_map, mask


def coco_counts(scenes):
    """{size: (objects, found, false alarms)} by pycocotools, from IoU 0.5 on."""
    images, labelled, claimed = [], [], []
    for image_id, (label_map, mask) in enumerate(scenes, start=1):
        images.append({"id": image_id, "height": mask.shape[0], "width": mask.shape[1]})
        for area, target in ((mask, labelled), (label_map, claimed)):
            for part in parts(area == 1):
                one = {
                    "id": len(target) + 1,
                    "image_id": image_id,
                    "category_id": 1,
                    "segmentation": rle.encode(np.asfortranarray(part.astype(np.uint8))),
                    "area": float(part.sum()),
                    "iscrowd": 0,
                    "score": 1.0,
                }
                target.append(one)
    truth = COCO()
    truth.dataset = {"images": images, "annotations": labelled, "categories": [{"id": 1}]}
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(claimed), "segm")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.params.maxDets = [1000]
    evaluation.evaluate()
    counts = {name: [0, 0, 0] for name in ("all", "small", "medium", "large")}
    names = dict(zip(map(tuple, evaluation.params.areaRng), counts, strict=True))
    for one in evaluation.evalImgs:
        if one is None:
            continue
        count = counts[names[tuple(one["aRng"])]]
        counted = one["gtIgnore"] == 0
        count[0] += int(counted.sum())
        count[1] += int((one["gtMatches"][0][counted] > 0).sum())
        free = (one["dtMatches"][0] == 0) & ~one["dtIgnore"][0].astype(bool)
        count[2] += int(free.sum())
    return counts


def test_agrees_with_pycocotools_in_all_and_by_size():
    scenes = [blobs(seed) for seed in range(25)]
    counts = ObjectCounts(("background", "disc"), background=0, rule=ObjectRule(iou=0.5))
    for label_map, mask in scenes:
        counts.update(label_map, mask)
    figures = counts.figures()["classes"][0]
    found = {
        name: [one["objects"], one["found"], one["false_alarms"]]
        for name, one in {"all": figures, **figures["by_size"]}.items()
    }
    assert found == coco_counts(scenes)
    assert all(min(one) > 0 for one in found.values())


def test_specks_are_false_alarms_below_half_of_the_smallest_object() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[2:10, 2:12] = 1  # 80 pixels
    mask[20:30, 2:12] = 1
    label_map = np.zeros_like(mask)
    label_map[2:10, 2:10] = 1  # 64 pixels: the smallest that was found
    label_map[20:30, 2:12] = 1
    label_map[2:6, 30:38] = 1  # 32: as large as half of it
    label_map[12, 30:50] = 1
    label_map[14, 30] = 1
    label_map[2:4, 50:52] = 2
    counts = ObjectCounts(LABELS, background=0)
    counts.update(label_map, mask)
    counts.update(np.zeros_like(mask), np.zeros_like(mask))
    scratch, dent = counts.figures()["classes"]
    assert scratch["false_alarms"] == 3
    assert scratch["specks"] == {"area": 21, "false_alarms": 2}  # the line of 20 pixels, and one pixel
    assert dent["specks"] is None  # nothing tells how large a dent is
    other = ObjectCounts(LABELS, background=0)
    other.update(mask, mask)
    assert other.figures()["classes"][0]["specks"] is None  # there are none
