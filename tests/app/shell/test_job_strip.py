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


def test_a_job_that_was_asked_to_stop_says_so_until_it_has(application) -> None:
    strip = application.window.job_strip
    strip.show_job("7", "0007-FastSCNN", "running")
    application.context.jobs.stop_asked.emit("7")
    assert strip.text.text().startswith("stopping…") and not strip.stop_button.isEnabled()
    strip.show_job("7", "0007-FastSCNN", "running")
    assert strip.text.text().startswith("stopping…")
    strip.show_job("7", "0007-FastSCNN", "cancelled")
    assert "stopping" not in strip.text.text()
