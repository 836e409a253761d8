"""Lines of ``events.jsonl``: those of earlier versions, and what becomes of odd values."""

from __future__ import annotations

import pytest

from core.runs.events import (
    Cancelled,
    Checkpoint,
    Done,
    Event,
    Failed,
    Heartbeat,
    MaskPreview,
    Metric,
    Paused,
    Progress,
    Started,
    Warned,
    from_json,
    to_json,
)

LINES: list[tuple[str, Event]] = [
    (
        '{"event": "Started", "time": 1000.0, "kind": "train", "pid": 4711, "device": "cpu"}',
        Started("train", 4711, "cpu", time=1000.0),
    ),
    (
        '{"event": "Progress", "time": 1001.5, "step": 3, "steps": 9, "eta_s": null, "stage":'
        ' "evaluate", "epoch": 1, "epochs": 2, "images_per_second": 4.5}',
        Progress(3, 9, None, "evaluate", 1, 2, 4.5, time=1001.5),
    ),
    (
        '{"event": "Metric", "time": 1002.0, "tag": "train/loss", "step": 5, "value": 0.25}',
        Metric("train/loss", 5, 0.25, time=1002.0),
    ),
    (
        '{"event": "Metric", "time": 1002.25, "tag": "val/iou/1", "step": 6, "value": null}',
        Metric("val/iou/1", 6, None, time=1002.25),
    ),
    (
        '{"event": "MaskPreview", "time": 1003.0, "image": "/图 1.png", "path":'
        ' "previews/00_00000006.png", "index": 0, "step": 6}',
        MaskPreview("/图 1.png", "previews/00_00000006.png", 0, 6, time=1003.0),
    ),
    (
        '{"event": "Checkpoint", "time": 1004.0, "path": "epoch_1", "score": 0.5, "epoch": 1,'
        ' "best": true}',
        Checkpoint("epoch_1", 0.5, 1, best=True, time=1004.0),
    ),
    (
        '{"event": "Heartbeat", "time": 1005.0, "rss": 123, "available": null}',
        Heartbeat(123, None, time=1005.0),
    ),
    ('{"event": "Paused", "time": 1006.0, "paused": true}', Paused(True, time=1006.0)),
    (
        '{"event": "Warned", "time": 1007.0, "message": "a 中", "template": "{x} 中", "params":'
        ' {"x": "a"}}',
        Warned("a 中", "{x} 中", {"x": "a"}, time=1007.0),
    ),
    (
        '{"event": "Done", "time": 1008.0, "result": {"miou": null, "labels": ["a", "中"], "n":'
        " 3}}",
        Done({"miou": None, "labels": ["a", "中"], "n": 3}, time=1008.0),
    ),
    (
        '{"event": "Cancelled", "time": 1009.0, "reason": "parent_died"}',
        Cancelled("parent_died", time=1009.0),
    ),
    (
        '{"event": "Failed", "time": 1010.0, "kind": "oom", "message": "m", "advice": "a",'
        ' "template": "t", "params": {"p": 1}, "advice_template": "at", "advice_params": {"q":'
        " 0.5}}",
        Failed("oom", "m", "a", "t", {"p": 1}, "at", {"q": 0.5}, time=1010.0),
    ),
]


@pytest.mark.parametrize(("line", "event"), LINES, ids=lambda value: type(value).__name__)
def test_lines_of_earlier_versions_are_read_and_written_to_the_letter(line, event):
    assert from_json(line) == event
    assert from_json(line.encode()) == event
    assert to_json(event) == line


def test_numbers_that_json_lacks_become_null():
    odd = {"a": float("nan"), "b": [float("inf"), 1], "c": {"d": -float("inf")}, "e": (1, 2)}
    assert from_json(to_json(Done(odd))).result == {
        "a": None,
        "b": [None, 1],
        "c": {"d": None},
        "e": [1, 2],
    }
    assert from_json(to_json(Metric("a", 1, float("nan")))).value is None


def test_what_a_later_version_added_is_dropped():
    line = '{"event": "Paused", "time": 1.0, "paused": true, "why": "heat"}'
    assert from_json(line) == Paused(True, time=1.0)
    assert from_json('{"event": "Progress", "step": 1, "steps": 2, "eta_s": 1, "stage": "new"}')


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "3",
        '{"event": "Sang"}',
        '{"event": ["Done"]}',
        '{"event": "Done"}',
        '{"event": "Metric", "tag": "a", "step": "many", "value": 1}',
        '{"time": 1.0}',
        b"\xff",
    ],
)
def test_anything_else_is_a_value_error(line):
    with pytest.raises(ValueError):
        from_json(line)
