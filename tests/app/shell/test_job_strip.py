"""The strip at the bottom: what it says of jobs that have no epochs."""

from __future__ import annotations

from core.runs.events import Progress


def test_a_job_without_epochs_is_starting_only_until_its_first_step(application) -> None:
    strip = application.window.job_strip
    strip.show_job("7", "0007-FastSCNN", "running")
    strip.add_event("7", Progress(0, 197, None, stage="predict"))
    assert strip.text.text() == "starting…"
    strip.add_event("7", Progress(130, 197, 3.0, stage="predict"))
    assert strip.text.text() == "" and strip.facts.text().startswith("66 %")
