"""An evaluation's results: worst images and their errors above, classes and confusions below."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.panels.inspect.error_list import ErrorList
from app.panels.inspect.error_viewer import ErrorViewer
from app.panels.inspect.figure_tables import FigureTables
from app.panels.inspect.kind_filter import KindFilter
from app.widgets.layout import button, label, row
from app.widgets.verdict_box import VerdictBox
from core.images.palette import Color
from core.models.model_verdict import Verdict
from core.prediction.inspection import (
    Evaluation,
    ImageScore,
    background_class,
    filter_images,
)
from core.prediction.object_errors import ErrorFilter, ErrorKind, ImageErrors, total_errors

_LIST_WIDTH, _LEAST_LIST = GRID * 36, GRID * 34
_TABLES, _ONE_TABLE = GRID * 41, GRID * 21
_LINES = 3
_LOW = GRID * 84  # below, the verdict is its first sentence, and there is one table


class EvaluationView(QWidget):
    """A click on a class or on a cell of the matrix lists the images that show it."""

    score_chosen = Signal(object)
    """(ImageScore)."""
    opened = Signal(object)
    """(ImageScore): look at it in the data set."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._evaluation: Evaluation | None = None
        self._colors: tuple[Color, ...] = ()
        self._cell: tuple[int, int] | None = None
        self._is_low: bool | None = None
        self.verdict = VerdictBox(lines=_LINES)
        self.figures = FigureTables()
        self.images = ErrorList()
        self.viewer = ErrorViewer()
        self.filter = KindFilter()
        self.list_title = label(tr("Worst images first"), "heading", wrap=True)
        self.clear_button = button(tr("Show all"), "link", tooltip=tr("List all images again"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.verdict)
        self._halves = self._make_results()
        layout.addWidget(self._halves, 1)
        self.images.score_chosen.connect(self._on_score_chosen)
        self.images.opened.connect(self.opened)
        self.figures.matrix.cell_clicked.connect(self._on_cell_clicked)
        self.figures.pixels.class_chosen.connect(self._on_class_chosen)
        self.filter.class_changed.connect(self._on_class_box_changed)
        self.filter.kind_changed.connect(self._on_kind_changed)
        self.clear_button.clicked.connect(self._on_filter_cleared)

    @property
    def busy(self) -> bool:
        """Whether pictures are being made."""
        return self.images.images.busy or self.viewer.busy

    @property
    def wanted(self) -> ErrorFilter:
        """Which errors are looked for."""
        kind, size = self.filter.kind, self.filter.object_size
        shown, cell = self._evaluation, self._cell
        if shown is None or cell is None:
            return ErrorFilter(kind=kind, size=size)
        label_, predicted = cell
        background = background_class(shown.labels)
        if (kind is None and size is None) or label_ == predicted:
            return ErrorFilter(kind=kind, label=label_, predicted=predicted, size=size)
        # Of objects, a class that is taken for the background is missed.
        if predicted == background:
            return ErrorFilter(kind=ErrorKind.MISSED, label=label_, size=size)
        if label_ == background:
            return ErrorFilter(kind=ErrorKind.FALSE_ALARM, predicted=predicted, size=size)
        return ErrorFilter(kind=ErrorKind.CONFUSED, label=label_, predicted=predicted, size=size)

    def show_evaluation(self, evaluation: Evaluation | None, colors: tuple[Color, ...]) -> None:
        """Show results with the classes' colours; None: nothing."""
        self._evaluation, self._colors, self._cell = evaluation, colors, None
        self._tell_verdict()
        self.images.images.set_evaluation(evaluation, forget=True)
        self.viewer.set_evaluation(evaluation, colors)
        if evaluation is None:
            return
        self.figures.show_evaluation(evaluation, colors)
        compared = any(one.errors is not None for one in evaluation.images)
        self.filter.set_classes(evaluation.labels, colors, possible=compared)
        self._apply_filter()
        self.images.choose(0)

    def show_tried(self, evaluation: Evaluation) -> None:
        """Show the same images by other thresholds: what is chosen and filtered stays."""
        current = self.images.current
        chosen = [score.image for score in self.images.chosen]
        self._evaluation = evaluation
        self._tell_verdict()
        self.figures.show_evaluation(evaluation, self._colors)
        self.images.images.set_evaluation(evaluation, forget=False)
        self.viewer.renew_evaluation(evaluation)
        self._apply_filter()
        self.images.choose_again(chosen, None if current is None else current.image)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.viewer.renew_colors()
        self.verdict.renew_colors()
        self.filter.renew_colors()
        if self._evaluation is not None:
            self.figures.show_evaluation(self._evaluation, self._colors)
            self.figures.matrix.set_chosen(self._cell)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave the room to the images where there is little."""
        super().resizeEvent(event)
        low = self.height() < _LOW
        if low != self._is_low:
            self._is_low = low
            self.verdict.set_lines(0 if low else _LINES)
            lower = _ONE_TABLE if low else _TABLES
            self._halves.setSizes([max(self.height() - lower, lower), lower])

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.images.images.shut_down()
        self.viewer.shut_down()

    def _tell_verdict(self) -> None:
        shown = self._evaluation
        self.verdict.show_verdict(
            None if shown is None else Verdict.from_dict(shown.metrics.get("verdict"))
        )

    @Slot(object)
    def _on_score_chosen(self, score: ImageScore) -> None:
        self.viewer.show_image(score)
        self.score_chosen.emit(score)

    @Slot(int, int)
    def _on_cell_clicked(self, truth: int, predicted: int) -> None:
        cell = (truth, predicted)
        self.filter.reset_kind()
        self._filter_by(None if cell == self._cell else cell)

    @Slot(int)
    def _on_class_chosen(self, index: int) -> None:
        self._filter_by((index, index))

    @Slot()
    def _on_class_box_changed(self) -> None:
        index = self.filter.class_id
        self._filter_by(None if index is None else (index, index))

    @Slot()
    def _on_kind_changed(self) -> None:
        cell = self._cell
        if self.filter.kind is not None and cell is not None and cell[0] != cell[1]:
            cell = None  # the matrix says of what kind its cells are
        self._filter_by(cell)

    @Slot()
    def _on_filter_cleared(self) -> None:
        self.filter.reset()
        self._filter_by(None)

    def _filter_by(self, cell: tuple[int, int] | None) -> None:
        """List the images of one confusion or class, of the kind and size chosen."""
        if self._evaluation is None:
            return
        self._cell = cell
        current = self.images.current
        self._apply_filter()
        if self.wanted.is_open and current is not None:
            self.images.choose_again((), current.image)
        else:
            self.images.choose(0)

    def _apply_filter(self) -> None:
        if self._evaluation is None:
            return
        wanted = self.wanted
        found = filter_images(self._evaluation.images, wanted)
        self.figures.matrix.set_chosen(self._cell)
        self.filter.show_class(None if self._cell is None else self._class_of(self._cell))
        self.clear_button.setVisible(not wanted.is_open)
        self.list_title.setText(self._title(wanted, found))
        self.images.images.show_scores(found)
        self.viewer.set_focus(None if self._cell is None else self._class_of(self._cell))
        self.viewer.frame(wanted)
        if not found:
            self.viewer.show_image(None)

    def _class_of(self, cell: tuple[int, int]) -> int:
        """Return the class that a cell is about: what is claimed out of nothing is a class, too."""
        background = None if self._evaluation is None else background_class(self._evaluation.labels)
        return cell[1] if cell[0] == background else cell[0]

    def _title(self, wanted: ErrorFilter, found: list[ImageScore]) -> str:
        assert self._evaluation is not None
        labels = self._evaluation.labels
        if wanted.is_open:
            return tr("Worst images first")
        if wanted.about_objects:
            count = total_errors((one.errors or ImageErrors() for one in found), wanted)
            return _object_title(wanted.kind, count, len(found))
        assert wanted.label is not None
        assert wanted.predicted is not None
        if wanted.label == wanted.predicted:
            return trn(
                "{count} image with errors of “{label}”",
                "{count} images with errors of “{label}”",
                len(found),
                label=labels[wanted.label],
            )
        return trn(
            "{count} image where “{label}” is taken for “{other}”",
            "{count} images where “{label}” is taken for “{other}”",
            len(found),
            label=labels[wanted.label],
            other=labels[wanted.predicted],
        )

    def _make_results(self) -> QSplitter:
        side = QWidget()
        side.setMinimumWidth(_LEAST_LIST)
        listed = QVBoxLayout(side)
        listed.setContentsMargins(0, 0, 0, 0)
        listed.setSpacing(GRID // 2)
        listed.addLayout(row(self.list_title, self.clear_button))
        listed.addWidget(self.filter)
        listed.addWidget(self.images, 1)
        upper = _splitter(Qt.Orientation.Horizontal, side, self.viewer, sizes=(_LIST_WIDTH, 600))
        upper.setStretchFactor(1, 1)
        made = _splitter(Qt.Orientation.Vertical, upper, self.figures)
        made.setStretchFactor(0, 1)
        return made


def _object_title(kind: ErrorKind | None, count: int, images: int) -> str:
    """Say how many objects are wrong, and in how many images."""
    objects = {
        None: trn("{count} wrong object", "{count} wrong objects", count),
        ErrorKind.MISSED: trn("{count} object missed", "{count} objects missed", count),
        ErrorKind.FALSE_ALARM: trn("{count} false alarm", "{count} false alarms", count),
        ErrorKind.CONFUSED: trn("{count} object confused", "{count} objects confused", count),
    }[kind]
    return trn("{objects} in {count} image", "{objects} in {count} images", images, objects=objects)


def _splitter(
    direction: Qt.Orientation, *widgets: QWidget, sizes: tuple[int, int] | None = None
) -> QSplitter:
    made = QSplitter(direction)
    made.setChildrenCollapsible(False)
    made.setHandleWidth(GRID)
    made.setProperty("role", "gap")
    for widget in widgets:
        made.addWidget(widget)
    if sizes is not None:
        made.setSizes(list(sizes))
    return made
