"""The report of an evaluation's run folder, of any kind of model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.prediction.exported_model import read_any_info
from core.prediction.inspection import read_evaluation
from core.report.collect import collect_report
from core.report.html import Fact, write_report

REPORT_FILE = "report.html"


def write_evaluation_report(
    evaluation_dir: Path,
    *,
    path: Path | None = None,
    title: str | None = None,
    facts: Sequence[Fact] = (),
) -> Path:
    """Write the report of an evaluation, with the curves of the training where they are at hand.

    Args:
        evaluation_dir: run folder of an evaluation that is done; with saved masks the report
            shows the worst images.
        path: where to; by default ``report.html`` in ``evaluation_dir``.
        title: of the page; by default the network.
        facts: more of them, after the model's own.

    Returns:
        The file written.

    Raises:
        InputError: the evaluation or its model cannot be read.
    """
    evaluation = read_evaluation(evaluation_dir)
    model_dir = Path(evaluation.metrics["model_dir"])
    data = collect_report(
        evaluation, read_any_info(model_dir), model_dir=model_dir, title=title, facts=facts
    )
    target = path or evaluation_dir / REPORT_FILE
    write_report(target, data)
    return target
