"""Put a report together and write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from core.models.model_verdict import Verdict
from core.prediction.inspection import ImageScore, background_class, worst_first
from core.report.example_pictures import ERROR_COLORS, Color, Example, make_example
from core.report.svg_charts import Chart, Curve, draw_chart
from core.report.wording import ERRORS, SIZES, SUBSETS, Translate, Wording
from core.system.files import write_text_atomic
from core.system.messages import Message, message

Series = Mapping[str, tuple[Sequence[float], Sequence[float | None]]]


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value in the report's head; ``lead`` ones are shown large."""

    name: Message | str
    value: Message | str
    lead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """What a report is made from.

    Attributes:
        title: of the page.
        labels: class names by id.
        colors: RGB by class id.
        facts: head of the page, in order.
        series: curves by tag (see ``core.runs.events.Metric``): steps and values.
        metrics: ``core.prediction.metrics.ConfusionMatrix.metrics()`` of the evaluation.
        matrix: int64 pixel counts, rows truth, columns prediction.
        scores: every evaluated image.
        subset: which subset was evaluated.
        examples: how many of the worst images are shown.
        verdict: what the model is good for; None where it was not said.
        objects: figures of objects (``core.prediction.object_matching``), or None.
        images: figures of whole images (``core.prediction.image_scores``), or None.
        thresholds: that were tried since the measurement, None where the label maps that were kept
            hold.
    """

    title: str
    labels: Sequence[str]
    colors: Sequence[Color]
    facts: Sequence[Fact]
    metrics: Mapping[str, Any]
    matrix: npt.NDArray[np.int64]
    series: Series = field(default_factory=dict)
    scores: Sequence[ImageScore] = ()
    subset: str = "test"
    examples: int = 8
    verdict: Verdict | None = None
    objects: Mapping[str, Any] | None = None
    images: Mapping[str, Any] | None = None
    thresholds: tuple[float | None, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClassRow:
    name: str
    color: str
    absent: bool
    iou: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    pixels: int
    share: float


@dataclass(frozen=True, slots=True)
class _Cell:
    share: float | None
    pixels: int


def write_report(path: Path, data: ReportData, *, translate: Translate = str) -> None:
    """Write ``data`` as one self-contained HTML file (replaced whole, never half written)."""
    write_text_atomic(path, render(data, translate=translate))


def render(
    data: ReportData, *, translate: Translate = str, template: str = "report.html.j2", **more: Any
) -> str:
    """Return the page's text.

    Args:
        data: what it shows.
        translate: makes the text of a sentence.
        template: a file beside this one.
        **more: what that template needs besides.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["count"] = count
    wording = Wording(translate)
    return environment.get_template(template).render(
        data=data,
        say=wording.say,
        tell=wording.tell,
        created=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        subset=wording.tell(SUBSETS.get(data.subset, data.subset)),
        sizes={name: wording.tell(text) for name, text in SIZES.items()},
        lead=[fact for fact in data.facts if fact.lead],
        facts=[fact for fact in data.facts if not fact.lead],
        charts=_charts(data, wording),
        image_charts=_image_charts(data, wording),
        rows=_class_rows(data),
        cells=_cells(data.matrix),
        examples=_examples(data, background_class(data.labels)),
        colors=[css(color) for color in data.colors],
        error_colors=[(wording.tell(ERRORS[e]), css(color)) for e, color in ERROR_COLORS.items()],
        **more,
    )


def count(number: int) -> str:
    """Return a number with thin spaces between its thousands."""
    return f"{number:,}".replace(",", "\u202f")


def _examples(data: ReportData, background: int | None) -> list[Example]:
    examples: list[Example] = []
    for score in worst_first(data.scores):
        if len(examples) == data.examples or score.miou is None:
            break
        example = make_example(
            score,
            colors=data.colors,
            background=background,
            labels=data.labels,
            thresholds=data.thresholds,
        )
        if example is not None:
            examples.append(example)
    return examples


def _charts(data: ReportData, wording: Wording) -> list[Chart]:
    def curve(tag: str, name: str, color: str) -> Curve:
        steps, values = data.series.get(tag, ((), ()))
        return Curve(name, steps, values, color)

    tell = wording.tell
    step = tell(message("step"))
    background = background_class(data.labels)  # its dark grey is lost on a dark page
    per_class = [
        curve(
            f"val/iou/{index}",
            name,
            "var(--quiet)" if index == background else css(data.colors[index]),
        )
        for index, name in enumerate(data.labels)
    ]
    charts = (
        draw_chart(
            tell(message("Loss")),
            [curve("train/loss", tell(message("training")), "var(--accent)")],
            x_label=step,
        ),
        draw_chart(
            tell(message("mIoU on the validation images")),
            [curve("val/miou", "mIoU", "var(--accent)")],
            x_label=step,
            y_range=(0, 1),
        ),
        draw_chart(tell(message("IoU of each class")), per_class, x_label=step, y_range=(0, 1)),
        draw_chart(
            tell(message("Learning rate")),
            [curve("train/lr", tell(message("learning rate")), "var(--accent)")],
            x_label=step,
        ),
    )
    return [chart for chart in charts if chart is not None]


def _image_charts(data: ReportData, wording: Wording) -> list[Chart]:
    """ROC and precision-recall curve of whole images, where there are good and defective ones."""
    images = data.images
    if images is None or not images["roc"]:
        return []

    tell = wording.tell

    def curve(name: str, points: Sequence[Sequence[float]]) -> list[Curve]:
        x, y = [point[0] for point in points], [point[1] for point in points]
        return [Curve(name, x, y, "var(--accent)")]

    charts = (
        draw_chart(
            tell(message("Defective images detected")),
            curve(
                tell(message("AUC {auc}, at the right", auc=f"{images['auc']:.3f}")), images["roc"]
            ),
            x_label=tell(message("share of good images taken for defective")),
            y_range=(0, 1),
            whole_steps=False,
        ),
        draw_chart(
            tell(message("Precision of whole images")),
            curve(
                tell(
                    message(
                        "average {precision}, at the right",
                        precision=f"{images['average_precision']:.3f}",
                    )
                ),
                images["precision_recall"],
            ),
            x_label=tell(message("share of defective images detected")),
            y_range=(0, 1),
            whole_steps=False,
        ),
    )
    return [chart for chart in charts if chart is not None]


def _class_rows(data: ReportData) -> list[_ClassRow]:
    absent = set(data.metrics.get("absent_classes", ()))
    pixels = data.matrix.sum(axis=1)
    total = max(int(pixels.sum()), 1)

    def value(key: str, index: int) -> float | None:
        values = data.metrics[key]
        return None if index in absent else values[index]

    return [
        _ClassRow(
            name=name,
            color=css(data.colors[index]),
            absent=index in absent,
            iou=value("category_iou", index),
            precision=value("category_acc", index),
            recall=value("category_recall", index),
            f1=value("category_F1-score", index),
            pixels=int(pixels[index]),
            share=int(pixels[index]) / total,
        )
        for index, name in enumerate(data.labels)
    ]


def _cells(matrix: npt.NDArray[np.int64]) -> list[list[_Cell]]:
    """Cells of the heat map; the share is of the row, None where the class has no pixel."""
    rows = []
    for row in matrix:
        total = int(row.sum())
        rows.append([_Cell(int(n) / total if total else None, int(n)) for n in row])
    return rows


def css(color: Color) -> str:
    """Return a colour as CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def percent(value: float | None, digits: int = 1) -> str:
    """Return a share in percent."""
    return "–" if value is None else f"{value * 100:.{digits}f}"
