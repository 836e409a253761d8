"""An evaluation's results: worst images and their errors above, classes and confusions below."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, trn
from app.panels.inspect.class_scores import ClassScores
from app.panels.inspect.confusion_table import ConfusionTable
from app.panels.inspect.error_list import ErrorList
from app.panels.inspect.error_viewer import ErrorViewer
from app.panels.inspect.object_scores import ObjectScores
from app.widgets.layout import button, label, row
from app.widgets.verdict_box import VerdictBox
from core.images.palette import Color
from core.models.model_verdict import Verdict
from core.prediction.inspection import Evaluation, ImageScore, background_class, with_confusion

_LIST_WIDTH = GRID * 38
_UPPER, _LOWER = 340, 390


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
        self.verdict = VerdictBox(lines=3)
        self.objects = ObjectScores()
        self.table = ClassScores()
        self.matrix = ConfusionTable()
        self.images = ErrorList()
        self.viewer = ErrorViewer()
        self.list_title = label(tr("Worst images first"), "heading", wrap=True)
        self.clear_button = button(tr("Show all"), "link", tooltip=tr("List all images again"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.verdict)
        layout.addWidget(self._make_results(), 1)
        self.images.score_chosen.connect(self._on_score_chosen)
        self.images.opened.connect(self.opened)
        self.matrix.cell_clicked.connect(self._on_cell_clicked)
        self.table.class_chosen.connect(self._on_class_chosen)
        self.clear_button.clicked.connect(self._on_filter_cleared)

    @property
    def busy(self) -> bool:
        """Whether pictures are being made."""
        return self.images.images.busy or self.viewer.busy

    def show_evaluation(self, evaluation: Evaluation | None, colors: tuple[Color, ...]) -> None:
        """Show results with the classes' colours; None: nothing."""
        self._evaluation, self._colors = evaluation, colors
        self.verdict.show_verdict(
            None if evaluation is None else Verdict.from_dict(evaluation.metrics.get("verdict"))
        )
        if evaluation is None:
            self.images.images.set_scores((), background=None)
            self.viewer.show_image(None)
            return
        self._fill_table()
        self.matrix.set_matrix(evaluation.matrix, evaluation.labels)
        self.viewer.set_classes(evaluation.labels, colors)
        background = background_class(evaluation.labels)
        self.images.images.set_scores(evaluation.images, background=background)
        self._show_filter(None)
        self.images.choose(0)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.viewer.renew_colors()
        self.verdict.renew_colors()
        self.matrix.update()
        self._fill_table()

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.images.images.shut_down()
        self.viewer.shut_down()

    def _fill_table(self) -> None:
        shown = self._evaluation
        if shown is not None:
            self.objects.show_figures(shown.metrics, self._colors)
            self.table.show_metrics(shown.metrics, shown.matrix, shown.labels, self._colors)

    @Slot(object)
    def _on_score_chosen(self, score: ImageScore) -> None:
        self.viewer.show_image(score)
        self.score_chosen.emit(score)

    @Slot(int, int)
    def _on_cell_clicked(self, truth: int, predicted: int) -> None:
        cell = (truth, predicted)
        self._show_filter(None if cell == self.matrix.chosen else cell)

    @Slot(int)
    def _on_class_chosen(self, index: int) -> None:
        self._show_filter((index, index))

    @Slot()
    def _on_filter_cleared(self) -> None:
        self._show_filter(None)

    def _show_filter(self, cell: tuple[int, int] | None) -> None:
        """List the images of one confusion, or all."""
        if self._evaluation is None:
            return
        labels, images = self._evaluation.labels, self._evaluation.images
        self.matrix.set_chosen(cell)
        self.clear_button.setVisible(cell is not None)
        if cell is None:
            self.images.images.filter_scores(images)
            self.list_title.setText(tr("Worst images first"))
            self.viewer.set_focus(None)
            return
        found = with_confusion(images, *cell)
        self.images.images.filter_scores(found)
        truth, predicted = labels[cell[0]], labels[cell[1]]
        if cell[0] == cell[1]:
            title = trn(
                "{count} image with errors of “{label}”",
                "{count} images with errors of “{label}”",
                len(found),
                label=truth,
            )
        else:
            title = trn(
                "{count} image where “{label}” is taken for “{other}”",
                "{count} images where “{label}” is taken for “{other}”",
                len(found),
                label=truth,
                other=predicted,
            )
        self.list_title.setText(title)
        self.viewer.set_focus(cell[0])
        self.images.choose(0)

    def _make_results(self) -> QWidget:
        side = QWidget()
        listed = QVBoxLayout(side)
        listed.setContentsMargins(0, 0, 0, 0)
        listed.addLayout(row(self.list_title, self.clear_button))
        listed.addWidget(self.images, 1)
        upper = _splitter(Qt.Orientation.Horizontal, side, self.viewer, sizes=(_LIST_WIDTH, 600))
        upper.setStretchFactor(1, 1)
        tables = QWidget()
        stacked = QVBoxLayout(tables)
        stacked.setContentsMargins(0, 0, 0, 0)
        stacked.setSpacing(GRID)
        stacked.addWidget(self.objects)
        stacked.addWidget(self.table, 1)
        lower = _splitter(
            Qt.Orientation.Horizontal, tables, self._make_matrix_card(), sizes=(560, 400)
        )
        lower.setStretchFactor(0, 3)
        lower.setStretchFactor(1, 2)
        return _splitter(Qt.Orientation.Vertical, upper, lower, sizes=(_UPPER, _LOWER))

    def _make_matrix_card(self) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(GRID, GRID, GRID, GRID)
        inside.addWidget(label(tr("Rows: truth, columns: prediction, in % of the row"), "muted"))
        inside.addWidget(self.matrix, 1)
        return card


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
