"""Wrong objects, against a count with scikit-image, and by hand where two classes are confused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label as connected
from skimage.measure import regionprops

from core.prediction.object_errors import (
    MOST_PLACES,
    ErrorFilter,
    ErrorKind,
    ErrorType,
    ImageErrors,
    find_errors,
    total_errors,
)
from core.prediction.object_matching import ObjectCounts, ObjectRule

LABELS = ("background", "scratch", "dent")
RULE = ObjectRule()


def errors_of(label_map, mask, *, rule=RULE):
    counts = ObjectCounts(LABELS, background=0, rule=rule)
    matches = counts.update(label_map, mask)
    return find_errors(matches, rule=rule), {i: one.areas.counts for i, one in matches.items()}


def blank(height=60, width=80):
    return np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)


def test_each_kind_by_hand():
    label_map, mask = blank(200, 200)
    mask[10:14, 10:20] = 1  # missed
    mask[100:140, 100:140] = 2  # a medium one taken for the other class, a little moved
    label_map[102:142, 101:141] = 1
    label_map[50:52, 60:63] = 2  # out of nothing
    mask[180:184, 5:9] = label_map[180:184, 5:9] = 1  # found
    errors, counts = errors_of(label_map, mask)
    assert dict(errors.counts) == {
        ErrorType(1, None, "small"): 1,
        ErrorType(2, 1, "medium"): 1,
        ErrorType(None, 2, "small"): 1,
    }
    assert counts == {1: (2, 1, 1), 2: (1, 0, 1)}  # the tables count a confusion on both sides
    confused, missed, alarm = errors.places
    assert (confused.type.kind, confused.area) == (ErrorKind.CONFUSED, 1600)
    assert confused.box == (100, 100, 141, 142)
    assert (missed.type.kind, missed.area, missed.box) == (ErrorKind.MISSED, 40, (10, 10, 20, 14))
    assert (alarm.type.kind, alarm.box) == (ErrorKind.FALSE_ALARM, (60, 50, 63, 52))
    assert ImageErrors.from_dict(json.loads(json.dumps(errors.to_dict()))) == errors


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), iou=st.sampled_from([0.2, 0.5]))
def test_every_missed_object_and_false_alarm_is_told_once(seed, iou):
    """Missed and confused make up what the tables call missed; so do false alarms and confused."""
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.choice(3, (8, 9), p=[0.7, 0.15, 0.15]), np.ones((3, 3), int))
    label_map = np.where(rng.random(mask.shape) < 0.1, rng.integers(0, 3, mask.shape), mask)
    label_map = np.where(np.kron(rng.random((8, 9)) < 0.3, np.ones((3, 3), bool)), 2, label_map)
    label_map, mask = label_map.astype(np.uint8), mask.astype(np.uint8)
    errors, counts = errors_of(label_map, mask, rule=ObjectRule(iou=iou))
    for index in (1, 2):
        objects, found, alarms = counts.get(index, (0, 0, 0))
        told = [(t, n) for t, n in errors.counts.items()]
        assert sum(n for t, n in told if t.label == index) == objects - found
        assert sum(n for t, n in told if t.predicted == index) == alarms
        labelled = {
            tuple(int(v) for v in (r.bbox[1], r.bbox[0], r.bbox[3], r.bbox[2]))
            for r in regionprops(connected(mask == index, connectivity=2))
        }
        missed = [p for p in errors.places if p.type.label == index and p.type.predicted is None]
        assert {p.box for p in missed} <= labelled
        for place in missed:
            x0, y0, x1, y1 = place.box
            assert (mask[y0:y1, x0:x1] == index).sum() >= place.area


def test_confused_are_those_that_overlap_enough_and_one_to_one():
    label_map, mask = blank()
    mask[10:20, 10:20] = 1
    label_map[10:20, 10:11] = 2  # a tenth of it: no confusion, one missed and one false alarm
    errors, _ = errors_of(label_map, mask)
    assert {t.kind for t in errors.counts} == {ErrorKind.MISSED, ErrorKind.FALSE_ALARM}
    label_map[10:20, 10:14] = 2
    label_map[10:20, 16:20] = 2  # both would do, one is it
    errors, _ = errors_of(label_map, mask)
    assert dict(errors.counts) == {ErrorType(1, 2, "small"): 1, ErrorType(None, 2, "small"): 1}


def test_of_noise_all_are_counted_and_the_largest_have_places():
    label_map, mask = blank(120, 120)
    label_map[::2, ::2] = 1
    label_map[0:9, 0:9] = 1
    errors, _ = errors_of(label_map, mask)
    assert len(errors.places) == MOST_PLACES
    count = errors.count(ErrorFilter(kind=ErrorKind.FALSE_ALARM))
    assert count == int(connected(label_map == 1, connectivity=2).max()) > MOST_PLACES
    assert errors.places[0].area == 81


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (ErrorFilter(), 10),
        (ErrorFilter(kind=ErrorKind.MISSED), 1),
        (ErrorFilter(kind=ErrorKind.CONFUSED), 4),
        (ErrorFilter(kind=ErrorKind.FALSE_ALARM), 5),
        (ErrorFilter(size="large"), 4),
        (ErrorFilter(kind=ErrorKind.FALSE_ALARM, size="large"), 0),
        (ErrorFilter(label=2, predicted=1), 4),
        (ErrorFilter(label=1, predicted=2), 0),
        (ErrorFilter(label=1, predicted=1), 5),
        (ErrorFilter(kind=ErrorKind.FALSE_ALARM, label=2, predicted=2), 5),
    ],
)
def test_filters(wanted, count):
    counts = {
        ErrorType(1, None, "small"): 1,
        ErrorType(2, 1, "large"): 4,
        ErrorType(None, 2, "medium"): 5,
    }
    assert ImageErrors(counts).count(wanted) == count
    assert total_errors([ImageErrors(counts), ImageErrors()], wanted) == count


def test_places_move_with_the_part_of_the_image():
    label_map, mask = blank()
    mask[10:14, 20:26] = 1
    errors, _ = errors_of(label_map, mask)
    part, _ = errors_of(label_map[5:, 12:], mask[5:, 12:])
    assert part.moved(12, 5) == errors
    assert replace(errors.places[0], box=(0, 0, 1, 1)) != errors.places[0]


@pytest.mark.parametrize(
    "content", [{}, {"counts": [[1, None, "huge", 1]], "places": []}, {"counts": 1, "places": []}]
)
def test_what_is_no_record_of_errors_is_refused(content):
    with pytest.raises((KeyError, TypeError, ValueError)):
        ImageErrors.from_dict(content)
