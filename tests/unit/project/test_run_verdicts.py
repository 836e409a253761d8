"""What was said of the models of runs: which one, and only once they are over."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from core.models.model_verdict import Level, Verdict
from core.project.rows import RunRow
from core.project.run_verdicts import RunVerdicts
from core.system.messages import message


def verdict(level):
    return Verdict(level, (message("It is so."),))


def write(file, level):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"verdict": verdict(level).to_dict()}), encoding="utf-8")
    (file.parent / ".success").touch()


@pytest.fixture
def run(tmp_path):
    return RunRow(1, "1", tmp_path / "run", "train", "UNet", "done", 0.5, 0.0, None, None)


def test_of_each_kind_of_run(run):
    verdicts = RunVerdicts()
    assert verdicts.of(run) is None
    write(run.folder / "best_model" / "eval_details.json", Level.USABLE)
    assert verdicts.of(run).level is Level.USABLE
    write(run.folder / "metrics.json", Level.PARTLY)
    assert verdicts.of(replace(run, kind="evaluate")).level is Level.PARTLY
    pruned = replace(run, kind="prune", folder=run.folder / "other")
    write(pruned.folder / "pruned" / "eval_details.json", Level.NOT_USABLE)
    assert verdicts.of(pruned).is_warning
    for state in ("queued", "running", "paused"):
        assert verdicts.of(replace(run, state=state)) is None
    assert verdicts.of_ended(replace(run, state="running")).level is Level.USABLE


def test_a_file_is_read_again_when_it_changed(run, monkeypatch):
    file = run.folder / "best_model" / "eval_details.json"
    write(file, Level.NOT_USABLE)
    verdicts = RunVerdicts()
    assert verdicts.of(run).is_warning
    monkeypatch.setattr("core.project.run_verdicts.read_verdict", lambda _folder: 1 / 0)
    assert verdicts.of(run).is_warning  # which was remembered
    monkeypatch.undo()
    write(file, Level.USABLE)
    os.utime(file, ns=(1, 1))
    assert not verdicts.of(run).is_warning


def test_all_warn_only_where_there_is_nothing_better(run):
    verdicts = RunVerdicts()
    other = replace(run, id=2, folder=run.folder / "2")
    write(run.folder / "best_model" / "eval_details.json", Level.NOT_USABLE)
    assert not verdicts.all_warn([])
    assert verdicts.all_warn([run])
    assert not verdicts.all_warn([replace(run, state="failed")])
    assert not verdicts.all_warn([run, other])  # of which nothing is known
    write(other.folder / "best_model" / "eval_details.json", Level.NOT_USABLE)
    assert verdicts.all_warn([run, other])
