"""What a script that trains sees."""

from __future__ import annotations

import io
from pathlib import Path

from core.training.console_reporter import ConsoleReporter


def test_lines_tell_place_speed_and_time_left() -> None:
    stream = io.StringIO()
    reporter = ConsoleReporter(stream, every_s=0.0)
    reporter.metric("train/loss", 3, 0.51234)
    reporter.metric("train/lr", 3, 0.01)
    reporter.progress(3, 10, epoch=1, epochs=2, eta_s=3725.2, images_per_second=12.34)
    assert stream.getvalue() == (
        "train 3/10, epoch 1/2, loss 0.5123, lr 0.01, 12.3 images/s, 1:02:05 left\n"
    )


def test_lines_are_not_more_than_one_can_read() -> None:
    stream = io.StringIO()
    reporter = ConsoleReporter(stream, every_s=1000.0)
    for step in range(11):
        reporter.progress(step, 10)
    assert stream.getvalue().splitlines() == ["train 0/10", "train 10/10"]


def test_each_stage_has_lines_of_its_own() -> None:
    stream = io.StringIO()
    reporter = ConsoleReporter(stream, every_s=1000.0)
    reporter.progress(1, 10)
    reporter.progress(5, 100, stage="prepare", eta_s=42)
    assert stream.getvalue().splitlines() == ["train 1/10", "download 5/100, 0:42 left"]


def test_scores_and_models_are_always_told() -> None:
    stream = io.StringIO()
    reporter = ConsoleReporter(stream, every_s=1000.0)
    for step in (4, 8):
        reporter.metric("val/miou", step, 0.5 + step / 100)
    reporter.metric("val/miou", 9, None)
    reporter.checkpoint(Path("模型/best_model"), 0.58, epoch=2, best=True)
    assert stream.getvalue().splitlines() == [
        "evaluated at step 4: mIoU 0.5400",
        "evaluated at step 8: mIoU 0.5800",
        f"saved {Path('模型/best_model')} (the best so far)",
    ]
