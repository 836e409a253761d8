"""One job is prepared at a time, until it has started or could not be."""

from __future__ import annotations

import pytest
from panel_parts import noting_context

from app.services.job_starter import JobStarter


@pytest.fixture
def context(qapp, tmp_path, monkeypatch):
    with noting_context(tmp_path, None, monkeypatch) as made:
        yield made


def test_what_was_asked_for_is_known_until_it_starts(context) -> None:
    starter = JobStarter(context, context)
    told = []
    starter.changed.connect(lambda: told.append(starter.preparing))
    starter._start({"kind": "export"})
    starter._start({"kind": "verify"})
    assert [one["kind"] for one in context.started] == ["export", "verify"]
    context.run_started.emit("1")
    assert starter.preparing
    context.run_started.emit("2")
    context.run_started.emit("3")  # somebody else's
    assert told == [True, True, True, False, False]


def test_a_failure_and_another_project_forget_it(context) -> None:
    starter = JobStarter(context, context)
    starter._start({})
    context.error_occurred.emit(ValueError("no"))
    assert not starter.preparing
    starter._start({})
    starter.forget()
    assert not starter.preparing
