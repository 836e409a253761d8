"""Exports are timed by a job, whose result says in words what to run."""

from __future__ import annotations

import json

import pytest
from line_models import write_line_model
from tiny_dataset import Recorder

from core.jobs.tasks import benchmark
from core.runs.kinds import BenchmarkSpec
from core.runs.run_folder import RunFolder

pytestmark = pytest.mark.thorough


def test_two_exports_side_by_side(tmp_path) -> None:
    exports = [tmp_path / "a", tmp_path / "b"]
    for export in exports:
        write_line_model(export)
    reporter = Recorder()
    spec = BenchmarkSpec(exports=exports, seconds=0.05)
    result = benchmark.run(spec, RunFolder(tmp_path / "run"), reporter)
    json.dumps(result, allow_nan=False)
    assert {one["export"] for one in result["recommended"]} == {str(one) for one in exports}
    assert result["advice"]
    for sentence in result["advice"]:
        assert sentence["template"].format(**sentence["params"]) == sentence["problem"]
    best = result["recommended"][0]
    measured = {(one["export"], one["runtime"]): one for one in result["measured"]}
    timings = measured[best["export"], best["runtime"]]["timings"]
    assert any(
        (one["stage"], one["threads"], one["batch"]) == ("file_to_mask", best["threads"], 1)
        for one in timings
    )
    assert reporter.progresses[-1]["step"] == reporter.progresses[-1]["steps"]
