"""The same few validation images again and again, with their masks as the network learns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.look.theme import GRID, RADIUS, tokens
from app.look.translation import tr
from app.services.background import BackgroundTasks, Progress
from app.services.run_reader import PreviewFiles
from app.widgets.blending import ImageArray, overlay_errors, overlay_mask, shrink
from app.widgets.qt_images import to_pixmap
from core.images.io import read_image, read_mask
from core.images.palette import Color
from core.prediction.inspection import background_class, error_map

_MAX_SIDE = 480
_LEAST = QSize(96, 72)


class StripView(StrEnum):
    """What the upper row shows."""

    PREDICTION = "prediction"
    DIFFERENCE = "difference"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class _Pictures:
    views: dict[StripView, ImageArray]
    truth: ImageArray | None


class Picture(QWidget):
    """A pixmap scaled to the widget, with rounded corners; a grey field while there is none.

    Args:
        waiting: what the grey field says.
        parent: of the widget.
    """

    def __init__(self, waiting: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waiting = waiting
        self._pixmap: QPixmap | None = None
        self.setMinimumSize(_LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_pixmap(self, pixmap: QPixmap | None) -> None:
        """Show another picture."""
        self._pixmap = pixmap
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the picture centred, as large as it fits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        target = QRectF(self.rect())
        if self._pixmap is not None:
            size = self._pixmap.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRectF(0, 0, size.width(), size.height())
            target.moveCenter(QRectF(self.rect()).center())
        path = QPainterPath()
        path.addRoundedRect(target, RADIUS, RADIUS)
        painter.setClipPath(path)
        if self._pixmap is None:
            painter.fillPath(path, QColor(tokens().hover))
            painter.setPen(QColor(tokens().muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(GRID, 0, -GRID, 0), flags, self._waiting)
        else:
            painter.drawPixmap(target, self._pixmap, QRectF(self._pixmap.rect()))


class MaskStrip(QWidget):
    """Previews side by side: the network's view above, the ground truth below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._files: dict[int, PreviewFiles] = {}
        self._pictures: dict[int, _Pictures] = {}
        self._colors: list[Color] = []
        self._background: int | None = None
        self._view = StripView.PREDICTION
        self._truth_shown = True
        self.predictions: list[Picture] = []
        self.truths: list[Picture] = []
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GRID)
        self.setAccessibleName(tr("Validation images as the network sees them"))

    def reset(self, count: int, labels: list[str], colors: list[Color]) -> None:
        """Empty the strip for a run with ``count`` previews of these classes."""
        self._tasks.cancel_all()
        self._files.clear()
        self._pictures.clear()
        self._colors = colors
        self._background = background_class(labels)
        for picture in (*self.predictions, *self.truths):
            self._layout.removeWidget(picture)
            picture.deleteLater()
        self.predictions, self.truths = [], []
        for index in range(count):
            self._add_tile(index)

    def show_preview(self, index: int, files: PreviewFiles) -> None:
        """Load and show a newer prediction of image ``index``; an older one is dropped."""
        if self._files.get(index) == files:
            return
        while index >= len(self.predictions):
            self._add_tile(len(self.predictions))
        self._files[index] = files
        colors, background = list(self._colors), self._background
        self._tasks.start(
            lambda progress: _load(files, colors, background, progress),
            on_done=lambda pictures: self._on_loaded(index, pictures),
            on_failed=lambda error: self._on_failed(index, error),
            key=f"preview {index}",
        )

    @property
    def busy(self) -> bool:
        """Whether pictures are being loaded."""
        return self._tasks.busy

    def set_view(self, view: StripView) -> None:
        """Choose what the upper row shows."""
        self._view = view
        for index in self._pictures:
            self._show(index)

    def set_truth_shown(self, shown: bool) -> None:
        """Show or hide the row with the ground truth."""
        self._truth_shown = shown
        for picture in self.truths:
            picture.setVisible(shown)

    def shut_down(self) -> None:
        """Wait for the threads to end."""
        self._tasks.shut_down()

    def _add_tile(self, index: int) -> None:
        upper = Picture(tr("After the first measurement the prediction appears here."))
        lower = Picture()
        upper.setAccessibleName(tr("Image {number}, prediction", number=index + 1))
        lower.setAccessibleName(tr("Image {number}, ground truth", number=index + 1))
        lower.setVisible(self._truth_shown)
        self.predictions.append(upper)
        self.truths.append(lower)
        self._layout.addWidget(upper, 0, index)
        self._layout.addWidget(lower, 1, index)

    def _on_loaded(self, index: int, pictures: _Pictures) -> None:
        self._pictures[index] = pictures
        self._show(index)

    def _on_failed(self, index: int, error: Exception) -> None:
        self.predictions[index].setToolTip(str(error))

    def _show(self, index: int) -> None:
        pictures, files = self._pictures[index], self._files[index]
        view = self._view if self._view in pictures.views else StripView.IMAGE
        self.predictions[index].set_pixmap(to_pixmap(pictures.views[view]))
        self.predictions[index].setToolTip(
            tr("{name}, step {step}", name=files.image.name, step=files.step)
        )
        if pictures.truth is not None:
            self.truths[index].set_pixmap(to_pixmap(pictures.truth))
            self.truths[index].setToolTip(tr("{name}, ground truth", name=files.image.name))


def _load(
    files: PreviewFiles, colors: list[Color], background: int | None, progress: Progress
) -> _Pictures:
    """Read and mix one preview's pictures; runs in the thread pool."""
    full = read_image(files.image)
    image = shrink(full, _MAX_SIDE)
    progress.check()
    prediction = read_mask(files.prediction)
    views = {
        StripView.IMAGE: image,
        StripView.PREDICTION: overlay_mask(image, prediction, colors, background=background),
    }
    if files.label is None:
        return _Pictures(views, None)
    progress.check()
    truth = read_mask(files.label)
    errors = error_map(prediction, truth, background=background)
    views[StripView.DIFFERENCE] = overlay_errors(image, errors)
    return _Pictures(views, overlay_mask(image, truth, colors, background=background))
