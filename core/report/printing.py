"""A report as pages of a printer: HTML that a simple text engine can lay out, and its charts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2

from core.report.example_pictures import Example
from core.report.html import ReportData, render
from core.report.svg_charts import Chart
from core.report.wording import Translate

_TEMPLATE: Final = "print.html.j2"
_CHART: Final = "chart.svg.j2"
#: In pixels of the text engine, 96 an inch: a page of A4 without its margins, what stands above the
#: first example, a picture's width, and what an example needs besides its pictures.
_PAGE: Final = 940
_HEADING: Final = 120
_PICTURE: Final = 146
_CAPTIONS: Final = 44
#: What the web page's own colours are on paper.
_PAPER: Final[Mapping[str, str]] = {"--accent": "#1f5fd6", "--quiet": "#59626e"}


@dataclass(frozen=True, slots=True)
class PrintedReport:
    """What a program with a text engine prints.

    Attributes:
        html: tables, paragraphs and pictures only, without scripts and style sheets.
        charts: SVG by the names that ``html`` gives to its pictures.
    """

    html: str
    charts: Mapping[str, str]


def print_report(data: ReportData, *, translate: Translate = str) -> PrintedReport:
    """Lay a report out for paper."""
    charts: dict[str, str] = {}

    def chart_name(chart: Chart) -> str:
        name = f"chart{len(charts)}"
        charts[name] = _svg(chart)
        return name

    pages = _Pages()
    html = render(
        data,
        translate=translate,
        template=_TEMPLATE,
        chart_name=chart_name,
        starts_page=pages.starts_page,
        picture_width=_PICTURE,
    )
    return PrintedReport(html, charts)


class _Pages:
    """Says which example begins a page, so that none is parted from its name."""

    def __init__(self) -> None:
        self._left = float(_PAGE - _HEADING)

    def starts_page(self, example: Example) -> bool:
        """Whether an example finds no room below those before it."""
        height = _PICTURE * example.aspect + _CAPTIONS
        starts = height > self._left
        self._left = (_PAGE if starts else self._left) - height
        return starts


def _svg(chart: Chart) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True
    )
    text = environment.get_template(_CHART).render(chart=chart)
    return re.sub(r"var\((--\w+)\)", lambda found: _PAPER[found[1]], text)
