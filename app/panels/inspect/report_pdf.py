"""The report of an evaluation as a PDF: pages of A4 with their numbers."""

from __future__ import annotations

from pathlib import Path

import shiboken6
from PySide6.QtCore import QBuffer, QByteArray, QMarginsF, QUrl
from PySide6.QtGui import (
    QFont,
    QGuiApplication,
    QImage,
    QPageSize,
    QPainter,
    QPdfWriter,
    QTextDocument,
)
from PySide6.QtSvg import QSvgRenderer

from app.look.translation import translated
from core.report import ReportData, print_report
from core.system.files import write_bytes_atomic

_DPI = 300
_POINTS = 9
_CHART_WIDTH = 1040  # pixels: twice what is drawn, for a sharp print


def write_pdf(path: Path, data: ReportData) -> None:
    """Write a report in the window's language, replaced whole; any thread may call it.

    Raises:
        OSError: the file cannot be written.
    """
    page = print_report(data, translate=translated)
    document = QTextDocument()
    document.setDefaultFont(QFont(QGuiApplication.font().families(), _POINTS))
    for name, svg in page.charts.items():
        document.addResource(
            QTextDocument.ResourceType.ImageResource.value, QUrl(name), _drawn(svg)
        )
    document.setHtml(page.html)
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(data.title)
    writer.setResolution(_DPI)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF())  # the text engine leaves two centimetres by itself
    document.print_(writer)
    buffer.close()
    shiboken6.delete(document)  # here, and not in whatever thread collects garbage
    write_bytes_atomic(path, bytes(content.data()))


def _drawn(svg: str) -> QImage:
    renderer = QSvgRenderer(QByteArray(svg.encode("utf-8")))
    size = renderer.defaultSize()
    image = QImage(
        _CHART_WIDTH, round(_CHART_WIDTH * size.height() / size.width()), QImage.Format.Format_RGB32
    )
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    return image
