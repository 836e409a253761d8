"""One image of an evaluation, large, and a second model's beside it where two are compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.look.icons import set_icon
from app.look.term_finding import with_terms
from app.look.theme import GRID
from app.look.translation import tr, translated
from app.panels.inspect.divided_image import DividedImage
from app.panels.inspect.error_pictures import Drawn, ErrorView, Look, render
from app.services.background import BackgroundTasks, Progress
from app.widgets.blending import ERROR_COLORS, ImageArray
from app.widgets.elided_label import ElidedLabel
from app.widgets.layout import label, row
from core.images.palette import Color
from core.prediction.inspection import Evaluation, ImageScore, PixelError
from core.prediction.object_errors import Box, ErrorFilter
from core.system.errors import InputError

_Pictures = tuple[ImageArray, ImageArray | None]


class ErrorViewer(QWidget):
    """Zoom with the wheel, move by dragging; 1 to 4 switch the view, 0 fits."""

    image_shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._score: ImageScore | None = None
        self._evaluation: Evaluation | None = None
        self._other: dict[Path, ImageScore] = {}
        self._names: tuple[str, str] | None = None
        self._colors: tuple[Color, ...] = ()
        self._framed = ErrorFilter()
        self._shown: Path | None = None
        self.picture: ImageArray | None = None
        self.second: ImageArray | None = None
        self.image = DividedImage()
        self.views = QButtonGroup(self)
        self._focus: int | None = None
        self.note = label("", "danger", wrap=True)
        self.note.hide()
        self._left, self._right = (
            ElidedLabel("", "heading", mode=Qt.TextElideMode.ElideRight) for _ in range(2)
        )
        self._right.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._titles = QWidget()
        both = row(self._left, self._right)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        self._titles.setLayout(both)
        self._titles.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(self._make_tools())
        layout.addWidget(self.note)
        layout.addWidget(self._titles)
        layout.addWidget(self.image, 1)
        layout.addWidget(_legend())

    def set_evaluation(self, evaluation: Evaluation | None, colors: tuple[Color, ...]) -> None:
        """Take over another evaluation and its classes' colours; shows nothing."""
        self._evaluation, self._colors = evaluation, colors
        self._focus = None
        self.show_image(None)

    def renew_evaluation(self, evaluation: Evaluation) -> None:
        """Take over the same evaluation by other thresholds."""
        self._evaluation = evaluation

    def compare(self, other: Evaluation | None, names: tuple[str, str] | None = None) -> None:
        """Show another model's images behind a divider; None: one model alone.

        Args:
            other: its evaluation on the same images, with the same classes.
            names: of the model at the left and of the one at the right.
        """
        self._other = {} if other is None else {one.image: one for one in other.images}
        self._names = None if other is None else names
        self._refresh()

    def show_image(self, score: ImageScore | None) -> None:
        """Show an image in the chosen view; None: nothing."""
        self._score = score
        self._tasks.cancel("view")
        if score is None:
            self.picture = self.second = self._shown = None
            self.image.clear()
            self.note.hide()
            self._titles.hide()
            return
        self._refresh()

    @property
    def view(self) -> ErrorView:
        """The view chosen."""
        return list(ErrorView)[self.views.checkedId()]

    @property
    def focus(self) -> int | None:
        """The class whose errors alone are shown, or None."""
        return self._focus

    def set_focus(self, index: int | None) -> None:
        """Show the errors of one class, or of all."""
        if index != self._focus:
            self._focus = index
            self._refresh()

    def frame(self, wanted: ErrorFilter) -> None:
        """Frame the objects that a filter takes; none unless it is about objects."""
        if wanted != self._framed:
            self._framed = wanted
            self._refresh()

    @property
    def busy(self) -> bool:
        """Whether a picture is being made."""
        return self._tasks.busy

    @Slot()
    def fit(self) -> None:
        """Show the whole image."""
        if self.picture is not None:
            self.image.fit()

    def renew_colors(self) -> None:
        """Take the theme's ground."""
        self.image.renew_colors()

    def shut_down(self) -> None:
        """Wait for the thread, and let pyqtgraph go of its scene."""
        self._tasks.shut_down()
        self.image.shut_down()

    @Slot()
    def _refresh(self) -> None:
        score, shown = self._score, self._evaluation
        if score is None or shown is None:
            return
        look = Look(self.view, self._focus, self._colors)
        first = self._drawn(score, shown)
        other = self._other.get(score.image)
        # The thresholds that are tried are those of the first model.
        second = None if other is None else self._drawn(other, replace(shown, thresholds=None))

        def draw(progress: Progress) -> _Pictures:
            left = render(first, look, progress=progress)
            return left, None if second is None else render(second, look, progress=progress)

        self._tasks.start(
            draw,
            on_done=lambda pictures: self._on_rendered(score, pictures),
            on_failed=self._on_failed,
            key="view",
        )

    def _drawn(self, score: ImageScore, evaluation: Evaluation) -> Drawn:
        boxes: tuple[Box, ...] = ()
        if self._framed.about_objects and score.errors is not None:
            places = score.errors.places
            boxes = tuple(one.box for one in places if self._framed.takes(one.type))
        return Drawn(score, evaluation.labels, evaluation.thresholds, boxes)

    def _on_rendered(self, score: ImageScore, pictures: _Pictures) -> None:
        self.picture, self.second = pictures
        if self.second is not None and self.second.shape != self.picture.shape:
            self.second = None  # the image was changed between the two
        self.image.show_pictures(self.picture, self.second)
        self._tell_names()
        if self._shown != score.image:  # switching the view keeps zoom and place
            self._shown = score.image
            self.fit()
        self.image_shown.emit()

    def _tell_names(self) -> None:
        """Say which model is on which side, or why there is only one."""
        self._titles.setVisible(self._names is not None and self.second is not None)
        if self._names is None or self.second is not None:
            self.note.hide()
        else:
            self.note.setText(tr("{model} was not measured on this image.", model=self._names[1]))
            self.note.show()
        if self._names is not None:
            self._left.setText(self._names[0])
            self._right.setText(self._names[1])

    def _on_failed(self, error: Exception) -> None:
        self.image.clear()
        self._titles.hide()
        self.picture = self.second = self._shown = None
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
            made.setToolTip(with_terms(tip, text))
            made.setShortcut(str(index + 1))
            self.views.addButton(made, index)
            tools.addWidget(made)
        self.views.idClicked.connect(self._refresh)
        tools.addStretch(1)
        fit = QToolButton()
        set_icon(fit, "fit")
        fit.setToolTip(tr("Show the whole image (0)"))
        fit.setAccessibleName(tr("Show the whole image"))
        fit.setShortcut("0")
        fit.clicked.connect(self.fit)
        tools.addWidget(fit)
        return tools


def _legend() -> QLabel:
    """Return what the colours of an error map mean; more than one line where it is narrow."""
    parts = (
        f'<span style="color:{QColor(*color).name()}">■</span>&nbsp;'
        f"{_error_name(error).replace(' ', '&nbsp;')}"
        for error, color in ERROR_COLORS.items()
    )
    made = label("", "muted", wrap=True)
    made.setTextFormat(Qt.TextFormat.RichText)  # of our own words alone
    made.setText(" &nbsp; ".join(parts))
    return made


def _error_name(error: PixelError) -> str:
    """Return what a colour of an error map means, in the current language."""
    return {
        PixelError.CORRECT: tr("correct"),
        PixelError.MISSED: tr("missed"),
        PixelError.FALSE: tr("false alarm"),
        PixelError.CONFUSED: tr("wrong class"),
        PixelError.IGNORED: tr("ignored"),
    }[error]
