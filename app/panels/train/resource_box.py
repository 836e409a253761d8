"""How much of this computer the job takes: processor, memory, GPUs."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.look.theme import GRID, tokens
from app.look.translation import tr
from app.services.background import BackgroundTasks
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import clear_layout, label, row
from core.system.resource_usage import GpuUsage, ResourceMeter, ResourceUsage

_INTERVAL_MS = 2000
_BAR_HEIGHT = 6
_GIGA = 1e9


class UsageBar(QWidget):
    """A bar of two parts: what the job takes, and what everything takes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job = self._all = 0.0
        self.setFixedHeight(_BAR_HEIGHT)

    def show_shares(self, job: float, everything: float) -> None:
        """Show shares, 0 … 1, of which the job's is a part."""
        self._all = min(1.0, max(0.0, everything, job))
        self._job = min(self._all, max(0.0, job))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as there is room."""
        return QSize(GRID * 10, _BAR_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw both parts on the ground."""
        theme = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        soft = QColor(theme.accent)
        soft.setAlphaF(0.4)
        for share, color in (
            (1.0, QColor(theme.border)),
            (self._all, soft),
            (self._job, theme.accent),
        ):
            if share > 0:
                painter.setBrush(QColor(color))
                width = max(float(_BAR_HEIGHT), self.width() * share)
                painter.drawRoundedRect(QRectF(0, 0, width, _BAR_HEIGHT), 3, 3)
        painter.end()


class ResourceBox(QFrame):
    """Looks every two seconds, in the background, while it is seen and a job is at work."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._meter = ResourceMeter()
        self._pid: int | None = None
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, GRID)
        self._rows.setSpacing(GRID)
        self._parts: list[_Row] = []
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._on_due)
        self.hide()

    @property
    def busy(self) -> bool:
        """Whether it looks just now."""
        return self._tasks.busy

    def follow(self, pid: int | None) -> None:
        """Look at a job's worker from now on; None: there is none, and nothing is shown."""
        if pid == self._pid:
            return
        self._pid = pid
        self.setVisible(pid is not None)
        if pid is None:
            self._timer.stop()
        elif self.isVisible():
            self._begin()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Look while it is seen."""
        super().showEvent(event)
        if self._pid is not None:
            self._begin()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """What nobody sees costs nothing."""
        super().hideEvent(event)
        self._timer.stop()

    def shut_down(self) -> None:
        """Stop looking and wait for the last look."""
        self._timer.stop()
        self._tasks.shut_down()

    def show_usage(self, usage: ResourceUsage) -> None:
        """Show what is in use."""
        wanted = [_processor(usage), _memory(usage), *(_gpu(one) for one in usage.gpus)]
        if len(wanted) != len(self._parts):
            clear_layout(self._rows)
            heading = label(tr("This computer"), "heading")
            heading.setToolTip(tr("Dark: this job. Light: everything that runs here."))
            self._rows.addWidget(heading)
            self._parts = [_Row() for _ in wanted]
            for part in self._parts:
                self._rows.addWidget(part)
        for part, (title, text, job, everything) in zip(self._parts, wanted, strict=True):
            part.show_values(title, text, job, everything)

    def _begin(self) -> None:
        if not self._timer.isActive():
            self._timer.start()
            self._on_due()

    @Slot()
    def _on_due(self) -> None:
        pid = self._pid
        if self._tasks.busy:
            return
        self._tasks.start(
            lambda _progress: self._meter.read(pid),
            on_done=self.show_usage,
            on_failed=lambda _error: self._timer.stop(),
        )


class _Row(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.title = ElidedLabel("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.text = label("")
        self.bar = UsageBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        head = row(self.text)
        head.insertWidget(0, self.title, 1)
        layout.addLayout(head)
        layout.addWidget(self.bar)

    def show_values(self, title: str, text: str, job: float, everything: float) -> None:
        self.title.setText(title)
        self.text.setText(text)
        self.bar.show_shares(job, everything)
        self.bar.setAccessibleName(f"{title}: {text}")


_Values = tuple[str, str, float, float]


def _processor(usage: ResourceUsage) -> _Values:
    everything, job = usage.machine_cores, usage.job_cores
    shown = tr(
        "{job} of {all} {all:core|cores}",
        job="–" if job is None or everything is None else f"{job:.1f}",
        all=usage.cores,
    )
    return (tr("Processor"), shown, (job or 0.0) / usage.cores, (everything or 0.0) / usage.cores)


def _memory(usage: ResourceUsage) -> _Values:
    total, job = max(1, usage.memory), usage.job_memory or 0
    text = tr("{job:.1f} of {all:.1f} GB", job=job / _GIGA, all=total / _GIGA)
    return (tr("Memory"), text, job / total, usage.machine_memory / total)


def _gpu(gpu: GpuUsage) -> _Values:
    total = max(1, gpu.total)
    memory = tr(
        "{job:.1f} of {all:.1f} GB",
        job=(gpu.job_memory or gpu.memory or 0) / _GIGA,
        all=total / _GIGA,
    )
    busy = "" if gpu.busy is None else tr("{percent:.0f} %", percent=100 * gpu.busy)
    text = " · ".join(part for part in (busy, memory) if part)
    return (gpu.name, text, (gpu.job_memory or 0) / total, (gpu.memory or 0) / total)
