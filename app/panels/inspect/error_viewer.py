"""One image of an evaluation, large: the image, its mask, the prediction, or where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr, translated
from app.services.background import BackgroundTasks, Progress
from app.widgets.blending import ERROR_COLORS, ImageArray, overlay_errors, overlay_mask, shrink
from app.widgets.class_colors import swatch
from app.widgets.layout import label
from app.widgets.zoomed_picture import ZoomedPicture
from core.images.io import read_image, read_mask
from core.images.palette import Color
from core.prediction.inspection import ImageScore, PixelError, background_class, error_map
from core.system.errors import InputError

_MAX_SIDE = 2048
_SWATCH = 12


class ErrorView(StrEnum):
    """What is drawn over the image."""

    ERRORS = "errors"
    PREDICTION = "prediction"
    TRUTH = "truth"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class _Request:
    score: ImageScore
    view: ErrorView
    focus: int | None
    colors: tuple[Color, ...]
    background: int | None


class ErrorViewer(QWidget):
    """Zoom with the wheel, move by dragging; 1 to 4 switch the view, 0 fits."""

    image_shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._score: ImageScore | None = None
        self._colors: tuple[Color, ...] = ()
        self._background: int | None = None
        self._zoomed = ZoomedPicture(tr("Image with its errors"))
        self._shown: ImageScore | None = None
        self.views = QButtonGroup(self)
        self.focus_box = QComboBox()
        self.focus_box.setAccessibleName(tr("Errors of which class"))
        self.focus_box.setToolTip(tr("Show the errors of one class only"))
        self.focus_box.setMinimumWidth(GRID * 16)
        self.focus_box.currentIndexChanged.connect(self._refresh)
        self.note = label("", "danger", wrap=True)
        self.note.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(self._make_tools())
        layout.addWidget(self.note)
        layout.addWidget(self._zoomed, 1)
        self._legend = QHBoxLayout()
        self._legend.setSpacing(GRID // 2)
        layout.addLayout(self._legend)
        self._make_legend()

    def set_classes(self, labels: tuple[str, ...], colors: tuple[Color, ...]) -> None:
        """Take over the classes of another evaluation; shows nothing."""
        self._colors = colors
        self._background = background_class(labels)
        self.focus_box.blockSignals(True)
        self.focus_box.clear()
        self.focus_box.addItem(tr("all classes"), None)
        for index, name in enumerate(labels):
            self.focus_box.addItem(name, index)
        self.focus_box.blockSignals(False)
        self.show_image(None)

    def show_image(self, score: ImageScore | None) -> None:
        """Show an image in the chosen view; None: nothing."""
        self._score = score
        self._tasks.cancel("view")
        if score is None:
            self._shown = None
            self._zoomed.show_picture(None)
            self.note.hide()
            return
        self._refresh()

    @property
    def view(self) -> ErrorView:
        """The view chosen."""
        return list(ErrorView)[self.views.checkedId()]

    def set_focus(self, index: int | None) -> None:
        """Show the errors of one class, or of all."""
        self.focus_box.setCurrentIndex(0 if index is None else index + 1)

    @property
    def busy(self) -> bool:
        """Whether a picture is being made."""
        return self._tasks.busy

    @property
    def picture(self) -> ImageArray | None:
        """What is shown, (H, W, 3) BGR; None for nothing."""
        return self._zoomed.picture

    def renew_colors(self) -> None:
        """Take the theme's ground."""
        self._zoomed.renew_colors()

    def shut_down(self) -> None:
        """Wait for the thread, and let pyqtgraph go of its scene."""
        self._tasks.shut_down()
        self._zoomed.close()

    @Slot()
    def _refresh(self) -> None:
        score = self._score
        errors = self.view is ErrorView.ERRORS
        self.focus_box.setEnabled(errors)
        if score is None:
            return
        request = _Request(
            score, self.view, self.focus_box.currentData(), self._colors, self._background
        )
        self._tasks.start(
            lambda progress: _render(request, progress),
            on_done=lambda picture: self._on_rendered(score, picture),
            on_failed=self._on_failed,
            key="view",
        )

    def _on_rendered(self, score: ImageScore, picture: ImageArray) -> None:
        self.note.hide()
        self._zoomed.show_picture(picture, stay=self._shown is score)
        self._shown = score
        self.image_shown.emit()

    def _on_failed(self, error: Exception) -> None:
        self._shown = None
        self._zoomed.show_picture(None)
        self.note.setText(
            translated(error.message if isinstance(error, InputError) else str(error))
        )
        self.note.show()

    def _make_tools(self) -> QHBoxLayout:
        tools = QHBoxLayout()
        tools.setSpacing(GRID // 2)
        for index, (text, tip) in enumerate(
            (
                (tr("Errors"), tr("Where prediction and mask differ (1)")),
                (tr("Prediction"), tr("What the model sees (2)")),
                (tr("Truth"), tr("The mask (3)")),
                (tr("Image"), tr("The image alone (4)")),
            )
        ):
            made = QToolButton()
            made.setText(text)
            made.setCheckable(True)
            made.setChecked(index == 0)
            made.setToolTip(tip)
            made.setShortcut(str(index + 1))
            self.views.addButton(made, index)
            tools.addWidget(made)
        self.views.idClicked.connect(self._refresh)
        tools.addSpacing(GRID)
        tools.addWidget(self.focus_box)
        tools.addStretch(1)
        fit = QToolButton()
        set_icon(fit, "fit")
        fit.setToolTip(tr("Show the whole image (0)"))
        fit.setAccessibleName(tr("Show the whole image"))
        fit.setShortcut("0")
        fit.clicked.connect(self._zoomed.fit)
        tools.addWidget(fit)
        return tools

    def _make_legend(self) -> None:
        for error, color in ERROR_COLORS.items():
            mark = QLabel()
            mark.setPixmap(swatch(QColor(*color)).pixmap(_SWATCH, _SWATCH))
            self._legend.addWidget(mark)
            self._legend.addWidget(label(_error_name(error), "muted"))
            self._legend.addSpacing(GRID)
        self._legend.addStretch(1)
        self._legend.setAlignment(Qt.AlignmentFlag.AlignLeft)


def render_errors(score: ImageScore, max_side: int, *, background: int | None) -> ImageArray:
    """Return an image (H, W, 3) BGR with its errors over it; for the thread pool."""
    request = _Request(score, ErrorView.ERRORS, None, (), background)
    return _render(request, None, max_side=max_side)


def _render(
    request: _Request, progress: Progress | None, *, max_side: int = _MAX_SIDE
) -> ImageArray:
    score = request.score
    image = shrink(read_image(score.image), max_side)
    if progress is not None:
        progress.check()
    if request.view is ErrorView.IMAGE:
        return image
    if request.view is ErrorView.TRUTH:
        truth = read_mask(score.label)
        return overlay_mask(image, truth, request.colors, background=request.background)
    if score.prediction is None:
        raise InputError("The predictions were not kept; measure the model again.")
    prediction = read_mask(score.prediction)
    if request.view is ErrorView.PREDICTION:
        return overlay_mask(image, prediction, request.colors, background=request.background)
    errors = error_map(
        prediction, read_mask(score.label), background=request.background, focus=request.focus
    )
    return overlay_errors(image, errors)


def _error_name(error: PixelError) -> str:
    """Return what a colour of an error map means, in the current language."""
    return {
        PixelError.CORRECT: tr("correct"),
        PixelError.MISSED: tr("missed"),
        PixelError.FALSE: tr("false alarm"),
        PixelError.CONFUSED: tr("wrong class"),
        PixelError.IGNORED: tr("ignored"),
    }[error]
