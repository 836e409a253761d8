"""Would more labels help? Starts the learning curve and shows what it found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QLabel, QSpinBox, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.services.background import BackgroundTasks, Progress
from app.services.context import AppContext
from app.widgets.class_colors import readable, swatch
from app.widgets.layout import button, clear_layout, label, let_shrink, row
from app.widgets.plain_plot import PlainPlot
from app.widgets.switching import switch, why_not_written
from core.advice.learning_curve import LearningCurve, class_sentence
from core.images.palette import Color
from core.project import Project
from core.runs.events import Event, Failed
from core.runs.events import Progress as JobProgress
from core.runs.run_folder import RunFolder

_KIND = "learning_curve"
_ALIVE = ("queued", "running", "paused")
_HEIGHT = GRID * 20
_SWATCH = 12
_ROOM = 0.2  # doublings at either end, for the outer labels


@dataclass(frozen=True, slots=True)
class _Found:
    """The newest learning curve of a project; ``curve`` once it is done."""

    run_id: int
    state: str
    curve: LearningCurve | None


class LearningCurveBox(QWidget):
    """A button and the time it takes; then a small plot, and a sentence for each class."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._project: Project | None = None
        self._tasks = BackgroundTasks(self)
        self._curve: LearningCurve | None = None
        self._run: str | None = None
        self._asked = False
        self.note = label("", "muted", wrap=True)
        self.minutes = QSpinBox()
        self.minutes.setRange(3, 24 * 60)
        self.minutes.setValue(30)
        self.minutes.setSuffix(tr(" min"))
        self.minutes.setAccessibleName(tr("Time"))
        self.start_button = button(
            tr("Find out"),
            tooltip=tr(
                "Train on a third, two thirds and all of the labels, and see what labels bring"
            ),
        )
        self.plot = PlainPlot()
        self.plot.setFixedHeight(_HEIGHT)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.showGrid(x=False, y=True, alpha=0.15)
        self.plot.setYRange(0.0, 1.0)
        self.plot.getAxis("left").setWidth(GRID * 4)
        self.plot.setAccessibleName(tr("IoU by the share of the labels"))
        self._sentences = QVBoxLayout()
        self._sentences.setSpacing(GRID // 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Would more labels help?"), "heading"))
        layout.addWidget(self.plot)
        layout.addLayout(self._sentences)
        layout.addWidget(self.note)
        layout.addLayout(row(self.minutes, self.start_button))
        let_shrink(self)
        self.plot.setMinimumWidth(GRID * 8)
        self.start_button.clicked.connect(self._on_start)
        context.run_started.connect(self._on_run_started)
        context.run_state_changed.connect(self._on_run_state_changed)
        context.error_occurred.connect(self._on_error)
        self._show(None)

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._tasks.busy

    @property
    def texts(self) -> list[str]:
        """What is said, the whole first."""
        if self._curve is None:
            return []
        return [translated(sentence) for sentence in self._curve.sentences]

    def set_project(self, project: Project | None) -> None:
        """Show the newest learning curve of a project."""
        self._tasks.cancel_all()
        self._project = project
        self._run, self._asked = None, False
        self._show(None)
        self._read()

    def job_event(self, run_id: str, event: Event) -> None:
        """Follow the job."""
        if run_id != self._run:
            return
        if isinstance(event, JobProgress):
            share = 100 * event.step / max(1, event.steps)
            if event.stage == "parts":
                self._tell(tr("Training on parts of the labels … {percent:.0f} %", percent=share))
        elif isinstance(event, Failed):
            self._context.error_occurred.emit(event)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.plot.renew_colors()
        self._draw()

    def shut_down(self) -> None:
        """Wait for what is read."""
        self._project = None
        self._tasks.shut_down()

    def _read(self) -> None:
        project = self._project
        if project is not None:
            self._tasks.start(
                lambda progress: _newest(project, progress),
                on_done=self._on_found,
                on_failed=self._context.error_occurred.emit,
                key="curve",
            )

    def _on_found(self, found: _Found | None) -> None:
        running = found is not None and found.state in _ALIVE
        self._run = str(found.run_id) if found is not None and running else None
        self._show(None if found is None else found.curve)
        if running:
            self._tell(tr("Training on parts of the labels …"))
        self._allow(not running and not self._asked)

    def _show(self, curve: LearningCurve | None) -> None:
        self._curve = curve
        self.plot.setVisible(curve is not None)
        self.start_button.setText(tr("Find out") if curve is None else tr("Find out again"))
        self._tell(
            tr(
                "Trains on a third, two thirds and all of the labels, and says for each class what "
                "twice as many would bring."
            )
            if curve is None
            else ""
        )
        self._allow(self._project is not None)
        self._draw()

    def _draw(self) -> None:
        self.plot.clear()
        clear_layout(self._sentences)
        curve = self._curve
        if curve is None:
            return
        images = [point.images for point in curve.points]
        places = [math.log2(number / images[-1]) for number in images]
        ticks = [
            (place, _share(number, images[-1]))
            for place, number in zip(places, images, strict=True)
        ]
        self.plot.getAxis("bottom").setTicks([[*ticks, (1.0, "2×")]])
        self.plot.setXRange(places[0] - _ROOM, 1 + _ROOM)
        colors = self._colors()
        if curve.summary is not None:
            self._sentences.addWidget(label(translated(curve.summary), wrap=True))
        for one in curve.classes:
            place = curve.labels.index(one.name)
            color = readable(colors.get(one.name, (128, 128, 128)))
            scores = [point.iou[place] for point in curve.points]
            known = [(x, y) for x, y in zip(places, scores, strict=True) if y is not None]
            if known:
                across, up = zip(*known, strict=True)
                self.plot.plot(
                    across,
                    up,
                    pen=pg.mkPen(color, width=2),
                    symbol="o",
                    symbolSize=6,
                    symbolBrush=color,
                    symbolPen=None,
                )
            if one.law is not None:
                self.plot.plot(
                    [0.0, 1.0],
                    [one.law.level, one.law.at(2)],
                    pen=pg.mkPen(color, width=2, style=Qt.PenStyle.DashLine),
                )
            mark = QLabel()
            mark.setPixmap(swatch(color).pixmap(_SWATCH, _SWATCH))
            mark.setAlignment(Qt.AlignmentFlag.AlignTop)
            line = row(mark)
            line.addWidget(label(translated(class_sentence(one)), wrap=True), 1)
            self._sentences.addLayout(line)
        self.plot.setAccessibleDescription(" ".join(self.texts))

    def _colors(self) -> dict[str, Color]:
        if self._project is None:
            return {}
        return {one.name: one.color for one in self._project.labels()}

    def _tell(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _allow(self, allowed: bool) -> None:
        why = why_not_written(self._project)
        possible = allowed and self._project is not None and not why
        switch(self.start_button, self.minutes, on=possible, why=why)

    @Slot()
    def _on_start(self) -> None:
        self._asked = True
        self._allow(False)
        self._context.start_run({"kind": _KIND, "minutes": self.minutes.value()})

    @Slot(str)
    def _on_run_started(self, run_id: str) -> None:
        if self._asked or self._is_own(run_id):
            self._asked = False
            self._read()

    @Slot(str, str)
    def _on_run_state_changed(self, run_id: str, state: str) -> None:
        if run_id == self._run and state not in _ALIVE:
            self._read()

    @Slot(object)
    def _on_error(self, _error: object) -> None:
        if self._asked:
            self._asked = False
            self._read()

    def _is_own(self, run_id: str) -> bool:
        return any(str(run.id) == run_id for run in self._context.runs(_KIND))


def _share(images: int, of: int) -> str:
    return tr("all") if images == of else f"{images / of:.0%}"


def _newest(project: Project, progress: Progress) -> _Found | None:
    """Return the newest run at work or done; for the thread pool."""
    for run in project.runs(_KIND):
        progress.check()
        if run.state in _ALIVE:
            return _Found(run.id, run.state, None)
        curve = LearningCurve.from_dict(RunFolder(run.folder).result)
        if run.state == "done" and curve is not None:
            return _Found(run.id, run.state, curve)
    return None
