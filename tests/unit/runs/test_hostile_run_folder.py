"""A run folder from elsewhere: damaged or hostile files are skipped or refused in a sentence."""

from __future__ import annotations

import os

import pytest

from core.runs.events import Metric, from_json, to_json
from core.runs.kinds import ExportSpec
from core.runs.run_folder import RunFolder
from core.system.errors import InputError


@pytest.fixture
def run(tmp_path):
    spec = ExportSpec(model_dir=tmp_path / "模 型", out_dir=tmp_path / "out")
    return RunFolder.create(tmp_path / "运 行", spec)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '{"event": "Metric", "tag": [], "step": 1, "value": 2}',
        '{"event": "Metric", "tag": "a", "step": "b", "value": 2}',
        '{"event": "Metric", "tag": "a", "step": 3, "value": {}}',
        '{"event": "Metric", "tag": "a", "step": 3, "value": 1' + "0" * 400 + "}",
        '["Metric", "tag", "step", "value"]',
        "null",
    ],
)
def test_hostile_lines_of_the_event_log_are_skipped(run, line):
    good = [to_json(Metric(tag="loss", step=step, value=0.5)) for step in (1, 2)]
    run.events_path.write_text("\n".join([good[0], line, good[1]]) + "\n", encoding="utf-8")
    steps, values = RunFolder(run.path).metrics()["loss"]
    assert (list(steps), list(values)) == ([1, 2], [0.5, 0.5])


def test_an_event_nested_too_deeply_is_a_value_error():
    with pytest.raises(ValueError, match="recursion"):
        from_json("[" * 100_000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_description_that_is_a_pipe_is_not_waited_for(run):
    run.spec_path.unlink()
    os.mkfifo(run.spec_path)
    with pytest.raises(InputError, match="cannot be read"):
        _ = RunFolder(run.path).spec
