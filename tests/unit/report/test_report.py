"""The report: self-contained, escaped, right about what it shows."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from core.images.io import read_mask, write_image, write_mask
from core.models.model_verdict import Level, Verdict
from core.prediction.choosing import Choice
from core.prediction.figures import Figures
from core.prediction.inspection import score_image
from core.prediction.metrics import ConfusionMatrix, metrics_from_matrix
from core.report import Fact, ReportData, print_report, write_report
from core.report.example_pictures import ERROR_COLORS, make_example, paint_label_map
from core.report.html import render
from core.report.svg_charts import Curve, draw_chart
from core.system.messages import message

LABELS = ("background", "<b>划痕</b>", "pit & co", "never")
COLORS = ((50, 50, 50), (230, 159, 0), (200, 60, 90), (86, 180, 233))


class _Tags(HTMLParser):
    """Counts tags and collects what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value for name, value in attrs if name in ("src", "href") and value]


def _score(folder, name, label, predicted):
    rng = np.random.default_rng(0)
    image = rng.integers(90, 110, (*label.shape, 3)).astype(np.uint8)
    paths = [folder / f"{name}{suffix}" for suffix in (".png", "_mask.png", "_predicted.png")]
    write_image(paths[0], image)
    write_mask(paths[1], label)
    write_mask(paths[2], predicted)
    confusion = ConfusionMatrix(4)
    confusion.update(predicted, label)
    matrix = confusion.matrix
    score = score_image(matrix, image=paths[0], label=paths[1], prediction=paths[2])
    return score, matrix


@pytest.fixture
def data(tmp_path):
    label = np.zeros((48, 64), np.uint8)
    label[:24, :32] = 1
    label[40:, 50:] = 255
    good, bad = label.copy(), np.zeros_like(label)
    good[label == 255] = 0
    bad[30:40, :20] = 2
    scores, matrices = zip(
        _score(tmp_path, "好 good", label, good), _score(tmp_path, "bad", label, bad), strict=True
    )
    matrix = sum(matrices)
    return ReportData(
        title="Report <script>alert(1)</script>",
        labels=LABELS,
        colors=COLORS,
        facts=[Fact("mIoU", "50.0 %", True), Fact("Data", "/数据/a & b")],
        metrics=metrics_from_matrix(matrix),
        matrix=matrix,
        scores=scores,
        series={
            "train/loss": ([1, 2, 3, 4], [2.0, None, 1.0, 0.5]),
            "val/miou": ([2, 4], [0.3, 0.5]),
            "val/iou/0": ([2, 4], [0.9, 0.95]),
        },
    )


def _page(data, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, data)
    text = path.read_text(encoding="utf-8")
    parser = _Tags()
    parser.feed(text)
    return text, parser


def test_page_needs_nothing_else(data, tmp_path):
    text, parser = _page(data, tmp_path)
    assert parser.loaded, "no images at all"
    assert all(source.startswith("data:image/jpeg;base64,") for source in parser.loaded)
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text


def test_foreign_text_is_escaped(data, tmp_path):
    text, parser = _page(data, tmp_path)
    assert "script" not in parser.tags
    assert "&lt;b&gt;划痕&lt;/b&gt;" in text
    assert "pit &amp; co" in text


def test_worst_image_comes_first_with_four_pictures_each(data, tmp_path):
    text, parser = _page(data, tmp_path)
    assert parser.tags.count("img") == 8
    assert text.index("bad.png") < text.index("好 good.png")
    for source in parser.loaded:
        picture = cv2.imdecode(
            np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8), cv2.IMREAD_COLOR
        )
        assert picture.shape == (48, 64, 3)


def test_table_has_the_metrics_and_marks_absent_classes(data, tmp_path):
    text, _ = _page(data, tmp_path)
    table = text[text.index("Pixels,") : text.index("Confusion")]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)[1:]
    assert [("absent" in row) for row in rows] == [False, False, False, True]
    iou = data.metrics["category_iou"]
    assert f"<td>{iou[1] * 100:.1f}" in rows[1]
    assert "1\u202f536" in rows[1], "pixels of the class in two masks of 24 x 32"


def test_confusion_matrix_shows_shares_of_the_truth(data, tmp_path):
    text, _ = _page(data, tmp_path)
    heat = text[text.index('class="heat"') :]
    rows = re.findall(r"<tr>(.*?)</tr>", heat, re.DOTALL)[1:5]
    cells = [re.findall(r">([\d.–]+)</td>", row) for row in rows]
    assert cells[1] == ["50.0", "50.0", "0.0", "0.0"]
    assert cells[3] == ["–"] * 4


def test_files_that_are_gone_are_left_out(data, tmp_path):
    (tmp_path / "bad.png").unlink()
    _, parser = _page(data, tmp_path)
    assert parser.tags.count("img") == 4


def test_error_picture_uses_the_colours_of_its_legend(data):
    example = make_example(data.scores[1], colors=COLORS, background=0)
    raw = np.frombuffer(base64.b64decode(example.errors.split(",")[1]), np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    by_name = {verdict.name: np.array(color) for verdict, color in ERROR_COLORS.items()}

    def nearest(pixel):
        return min(by_name, key=lambda name: abs(by_name[name] - pixel).sum())

    assert nearest(picture[10, 10]) == "MISSED"
    assert nearest(picture[34, 8]) == "FALSE"
    grey = picture[30, 50]
    assert np.ptp(grey) < 20, "a right pixel has no colour"


def test_background_stays_clear_in_overlays():
    image = np.full((8, 8, 3), 100, np.uint8)
    label_map = np.zeros((8, 8), np.uint8)
    label_map[4:] = 1
    painted = paint_label_map(image, label_map, COLORS, background=0)
    np.testing.assert_array_equal(painted[:4], image[:4])
    np.testing.assert_allclose(painted[5, 5], [40, 135, 178], atol=1)


class TestCurves:
    def test_gap_breaks_the_line(self):
        chart = draw_chart(
            "t", [Curve("a", [1, 2, 3, 4], [1.0, None, 2.0, 3.0], "red")], x_label=""
        )
        assert chart.lines[0].path.count("M") == 2
        assert chart.lines[0].path.count("L") == 1

    def test_nan_is_a_gap_and_all_nan_is_no_chart(self):
        assert draw_chart("t", [Curve("a", [1, 2], [float("nan")] * 2, "red")], x_label="") is None

    def test_higher_values_stand_higher_and_inside(self):
        curve = Curve("a", [0, 10], [0.25, 0.75], "red")
        chart = draw_chart("t", [curve], x_label="", y_range=(0, 1))
        (x0, y0), (x1, y1) = (
            tuple(map(float, point.split())) for point in re.split("[ML]", chart.lines[0].path)[1:]
        )
        assert (x0, x1) == (chart.left, chart.right)
        height = chart.bottom - chart.top
        assert y0 == pytest.approx(chart.bottom - 0.25 * height, abs=0.1)
        assert y1 == pytest.approx(chart.bottom - 0.75 * height, abs=0.1)

    @pytest.mark.parametrize("values", [[1e-6, 2e-6], [3.0], [-5.0, 1e5], [0.0, 0.0]])
    def test_ticks_are_few_and_span_the_values(self, values):
        chart = draw_chart("t", [Curve("a", range(len(values)), values, "red")], x_label="step")
        ticks = [float(tick.text) for tick in chart.y_ticks]
        assert 3 <= len(ticks) <= 8
        assert ticks[0] <= min(values) <= max(values) <= ticks[-1]
        assert all(float(tick.text).is_integer() for tick in chart.x_ticks)

    def test_long_curves_are_thinned_but_end_where_they_end(self):
        count = 5000
        chart = draw_chart(
            "t", [Curve("a", range(count), [1.0] * (count - 1) + [9.0], "red")], x_label=""
        )
        assert chart.lines[0].path.count("L") < 700
        assert chart.lines[0].last == "9"


def test_the_verdict_and_what_was_found_stand_first(data, tmp_path):
    figures = Figures(LABELS)
    for score in data.scores:
        label, predicted = read_mask(score.label), read_mask(score.prediction)
        odds = np.where(predicted, 200, 100).astype(np.uint8)
        figures.update(Choice(predicted, np.maximum(predicted, 1), odds), label)
    clean = np.zeros((48, 64), np.uint8)
    figures.update(Choice(clean, clean + 1, clean), clean)
    found = figures.to_dict()
    sentences = (message("Partly usable: “{name}”.", name="<b>"), message("One more."))
    verdict = Verdict(Level.PARTLY, sentences)
    text, _ = _page(replace(data, verdict=verdict, **found), tmp_path)
    assert "Partly usable: “&lt;b&gt;”." in text
    order = ["One more.", "Objects, ", "Whole ", "Pixels, ", "How it learnt"]
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    rows = re.findall(r"<tr>(.*?)</tr>", text[places[1] : places[2]], re.DOTALL)[1:]
    assert len(rows) == len(LABELS) - 1
    assert "2 of 2 defective images are marked" in text
    assert "Defective images detected" in text
    assert text.count("<svg") == 5


def test_for_paper_charts_are_pictures_with_colours_of_their_own(data):
    told = []

    def translate(sentence):
        told.append(sentence.template)
        return f"«{sentence}»"

    page = print_report(data, translate=translate)
    assert set(page.charts) == {"chart0", "chart1", "chart2"}
    parser = _Tags()
    parser.feed(page.html)
    pictures = [one for one in parser.loaded if not one.startswith("data:image/jpeg;base64,")]
    assert pictures == sorted(page.charts)
    assert len(parser.loaded) - len(pictures) == 8
    for svg in page.charts.values():
        assert "var(" not in svg
        assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "&lt;b&gt;划痕&lt;/b&gt;" in page.html
    assert "«Pixels, «test images»»" in page.html
    assert "script" not in parser.tags
    assert "style" not in parser.tags
    assert "Worst images first, {subset}" in told


def test_every_text_of_a_page_can_be_translated(data):
    """Whatever was not handed to the translation is a name or a number."""
    page = render(data, translate=lambda sentence: "¤")
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    words = set(re.findall(r">\s*([^<>]*[A-Za-z][^<>]*?)\s*<", body))
    names = {"background", "pit &amp; co", "never", "&lt;b&gt;划痕&lt;/b&gt;", "mIoU", "Data"}
    kept = {"bad.png", "好 good.png", "/数据/a &amp; b"}
    titles = {word for word in words if "Report &lt;script" in word}
    charts = {word for word in words if word.split(" ")[0] in names}
    assert words - names - kept - titles - charts == set()


def test_an_evaluation_of_an_earlier_version_has_neither(data, tmp_path):
    text, _ = _page(data, tmp_path)
    assert "Objects, " not in text
    assert 'class="card verdict' not in text
