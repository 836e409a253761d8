"""Latency against mIoU: which variants no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.look.theme import tokens
from app.look.translation import tr
from app.panels.compress.label_placement import PointLabel, place_labels
from app.widgets.number_text import latency_text
from app.widgets.plain_plot import PlainPlot
from app.widgets.variant_names import variant_name
from core.project.variants import ModelVariant, pareto_front

_DOT, _CHOSEN = 12, 16
_NEAR = 24.0  # pixels
_MARGIN = 0.25  # share of the range left free around the points
_LEAST_RANGE = 0.02  # of mIoU


class ParetoPlot(QWidget):
    """Up and to the left is better; a click on a point chooses the variant."""

    chosen = Signal(object)
    """(ModelVariant)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Latency against mIoU"))
        self._points: list[tuple[ModelVariant, float, float]] = []
        self._current: Path | None = None
        self._labels: list[pg.TextItem] = []
        self.plot = PlainPlot()
        self.plot.setMouseEnabled(x=False, y=False)
        item = self.plot.getPlotItem()
        item.showGrid(x=True, y=True, alpha=0.12)
        item.setLabel("bottom", tr("latency, ms"))
        item.setLabel("left", tr("mIoU"))
        self._front = pg.PlotCurveItem(antialias=True)
        self._dots = pg.ScatterPlotItem(
            pxMode=True, hoverable=True, tip=lambda x, y, data: f"{data}\n{_numbers(x, y)}"
        )
        self._dots.setZValue(2)
        for part in (self._front, self._dots):
            item.addItem(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self.plot.scene().sigMouseClicked.connect(self._on_mouse_clicked)
        item.getViewBox().sigResized.connect(lambda _box: self._draw_labels())
        self.renew_colors()

    def set_variants(self, variants: Sequence[ModelVariant]) -> None:
        """Show those that were measured."""
        self._points = [
            (variant, measured.latency_ms, measured.miou)
            for variant in variants
            if (measured := variant.measured) is not None
            and measured.latency_ms is not None
            and measured.miou is not None
        ]
        self._show_range()
        self._draw()

    def select(self, folder: Path | None) -> None:
        """Let the variant with this model folder stand out."""
        self._current = folder
        self._draw()

    def variant_at(self, position: QPointF) -> ModelVariant | None:
        """Return the variant whose point is near a place of the plot's scene."""
        nearest, distance = None, _NEAR
        for variant, _, _ in self._points:
            away = (self.place_of(variant) - position).manhattanLength()
            if away < distance:
                nearest, distance = variant, away
        return nearest

    def place_of(self, variant: ModelVariant) -> QPointF:
        """Return where a variant is drawn, in the plot's scene."""
        box = self.plot.getPlotItem().getViewBox()
        for known, latency, miou in self._points:
            if known.folder == variant.folder:
                return QPointF(box.mapViewToScene(QPointF(latency, miou)))
        raise KeyError(variant.folder)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.plot.renew_colors()
        self._draw()

    def shut_down(self) -> None:
        """Let pyqtgraph go of its scene; call before the widget is deleted."""
        self.plot.close()

    def _front_indices(self) -> list[int]:
        return pareto_front([(latency, miou) for _, latency, miou in self._points])

    @property
    def _slowest(self) -> float:
        return max((latency for _, latency, _ in self._points), default=0.0)

    def _show_range(self) -> None:
        for axis in ("left", "bottom"):
            self.plot.getAxis(axis).setStyle(showValues=bool(self._points))
        if not self._points:
            return
        mious = [miou for _, _, miou in self._points]
        spread = max(max(mious) - min(mious), _LEAST_RANGE)
        self.plot.setXRange(0, self._slowest * (1 + _MARGIN), padding=0)
        self.plot.setYRange(min(mious) - _MARGIN * spread, max(mious) + _MARGIN * spread, padding=0)

    def _draw(self) -> None:
        theme = tokens()
        front = self._front_indices()
        self._front.setData(
            [self._points[i][1] for i in front], [self._points[i][2] for i in front]
        )
        self._front.setPen(pg.mkPen(theme.accent, width=1.5, style=Qt.PenStyle.DashLine))
        chosen = [variant.folder == self._current for variant, _, _ in self._points]
        self._dots.setData(
            x=[latency for _, latency, _ in self._points],
            y=[miou for _, _, miou in self._points],
            data=[variant_name(variant) for variant, _, _ in self._points],
            size=[_CHOSEN if one else _DOT for one in chosen],
            brush=[
                pg.mkBrush(theme.accent if i in front else theme.muted)
                for i in range(len(self._points))
            ],
            pen=[
                pg.mkPen(theme.text if one else theme.surface, width=2 if one else 1)
                for one in chosen
            ],
        )
        self._draw_labels()

    def _draw_labels(self) -> None:
        """Name the chosen variant and the front; the others have their name in their tooltip."""
        theme = tokens()
        for item in self._labels:
            self.plot.removeItem(item)
        self._labels = []
        front = self._front_indices()
        chosen = [i for i, point in enumerate(self._points) if point[0].folder == self._current]
        named = chosen + [i for i in front if i not in chosen]
        items = []
        for i in named:
            variant, latency, miou = self._points[i]
            text = variant_name(variant)
            if i in chosen:
                text = f"{text}\n{_numbers(latency, miou)}"
            items.append(pg.TextItem(text, color=theme.text if i in chosen else theme.muted))
        labels = [
            PointLabel(
                self.place_of(self._points[i][0]),
                item.boundingRect().size(),
                (_CHOSEN if i in chosen else _DOT) / 2,
                needed=i in chosen,
            )
            for i, item in zip(named, items, strict=True)
        ]
        places = place_labels(labels, points=self._dot_boxes(), bounds=self._bounds())
        for i, item, label, place in zip(named, items, labels, places, strict=True):
            if place is None:
                continue
            offset = place.topLeft() - label.point
            item.setAnchor((-offset.x() / place.width(), -offset.y() / place.height()))
            item.setPos(*self._points[i][1:])
            self.plot.addItem(item, ignoreBounds=True)
            self._labels.append(item)

    def _dot_boxes(self) -> list[QRectF]:
        half = QPointF(_DOT / 2, _DOT / 2)
        places = [self.place_of(variant) for variant, _, _ in self._points]
        return [QRectF(place - half, place + half) for place in places]

    def _bounds(self) -> QRectF:
        return QRectF(self.plot.getPlotItem().getViewBox().sceneBoundingRect())

    def _on_mouse_clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        variant = self.variant_at(event.scenePos())
        if variant is not None:
            self.chosen.emit(variant)


def _numbers(latency: float, miou: float) -> str:
    return f"{latency_text(latency)} · {miou:.3f}"
