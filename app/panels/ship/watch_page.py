"""A folder that is watched: counts of each day, the newest images, those that wait for labels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID, set_role, tokens
from app.look.translation import tr, trn
from app.panels.ship.image_review import ImageReview
from app.panels.ship.outcomes import JudgedImage, Outcome, outcome_color, outcome_name
from app.widgets.elided_label import ElidedLabel
from app.widgets.empty_state import EmptyState
from app.widgets.layout import button, label, row
from app.widgets.switching import switch
from core.watch import DayCounts

_ROW = GRID * 4
_MOST_DAYS = 5
_OUTCOMES: tuple[tuple[str, Outcome], ...] = (
    ("accept", Outcome.ACCEPT),
    ("warn", Outcome.WARN),
    ("inconclusive", Outcome.INCONCLUSIVE),
    ("reject", Outcome.REJECT),
    ("broken", Outcome.FAILED),
)


class DayTable(QTableWidget):
    """A row a day, the newest first: images by outcome, then objects by class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName(tr("Images and objects of each day"))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(GRID * 8)

    def show_days(self, days: Sequence[DayCounts]) -> None:
        """Show what was judged each day."""
        days = days[:_MOST_DAYS]
        classes = sorted({name for day in days for name in day.objects})
        outcomes = [pair for pair in _OUTCOMES if any(day.outcomes.get(pair[0]) for day in days)]
        titles = [tr("Day"), tr("Images"), *(outcome_name(one) for _, one in outcomes), *classes]
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(titles)
        self.setRowCount(len(days))
        theme = tokens()
        for place, day in enumerate(days):
            cells: list[tuple[str, str | None]] = [(day.day, None), (f"{day.total:,}", None)]
            cells += [
                (f"{day.outcomes.get(key, 0):,}", outcome_color(one, theme))
                for key, one in outcomes
            ]
            cells += [(f"{day.objects.get(name, 0):,}", None) for name in classes]
            for column, (text, color) in enumerate(cells):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                if color is not None and text != "0":
                    item.setForeground(QColor(color))
                self.setItem(place, column, item)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        if titles:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(len(titles)):
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            if (title := self.horizontalHeaderItem(column)) is not None:
                title.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        height = header.sizeHint().height() + _ROW * max(len(days), 1) + GRID
        self.setFixedHeight(height)


class WatchPage(QWidget):
    """Shows what the log says; ``WatchFollower`` reads it."""

    folder_requested = Signal()
    stop_requested = Signal()
    deliver_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = EmptyState(
            "eye",
            tr("Judge what arrives in a folder"),
            _invitation(),
            action=tr("Choose the folder"),
        )
        self.folder = ElidedLabel("", "heading")
        self.state = label("", "muted")
        self.problem = label("", "warning", wrap=True)
        self.start_button = button(
            tr("Choose the folder…"), icon="folder", tooltip=tr("Watch another folder")
        )
        self.stop_button = button(tr("Stop"), icon="stop", tooltip=tr("Stop watching the folder"))
        self.days = DayTable()
        self.review = ImageReview(
            lambda one: one.outcome,
            outcome_name,
            Outcome,
            rare=(Outcome.WARN, Outcome.FAILED),
        )
        self.queue = label("", wrap=True)
        self.deliver_button = button(
            tr("Add them to the project"),
            icon="label",
            tooltip=tr("They become images to label, with the reason as their comment"),
        )
        filled = QWidget()
        column = QVBoxLayout(filled)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID)
        head = row(self.folder, self.state, self.start_button, self.stop_button)
        head.setStretch(0, 1)
        column.addLayout(head)
        column.addWidget(self.problem)
        column.addWidget(self.days)
        self._waiting = QWidget()
        waiting = row(self.queue, self.deliver_button)
        waiting.setStretch(0, 1)
        self._waiting.setLayout(waiting)
        column.addWidget(self._waiting)
        column.addWidget(self.review, 1)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(filled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.empty.action_requested.connect(self.folder_requested)
        self.start_button.clicked.connect(self.folder_requested)
        self.stop_button.clicked.connect(self.stop_requested)
        self.deliver_button.clicked.connect(self.deliver_requested)
        self.show_problem("")

    def show_folder(self, folder: str, state: str, *, runs: bool) -> None:
        """Say what is watched; an empty ``folder`` invites to choose one.

        Args:
            folder: its path.
            state: what is going on, in words.
            runs: whether it can be stopped.
        """
        self._pages.setCurrentIndex(1 if folder else 0)
        self.folder.setText(folder)
        self.state.setText(state)
        set_role(self.state, "success" if runs else "muted")
        self.stop_button.setVisible(runs)
        self.start_button.setVisible(not runs)

    def show_problem(self, text: str) -> None:
        """Say what is wrong; empty: nothing."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def show_results(
        self, days: Sequence[DayCounts], images: Sequence[JudgedImage], waiting: int
    ) -> None:
        """Show what was judged.

        Args:
            days: counts of each day, the newest first.
            images: the newest ones.
            waiting: how many wait for labels.
        """
        self.days.show_days(days)
        self.days.setVisible(bool(days))
        self.review.show_images(images)
        self._waiting.setVisible(waiting > 0)
        self.queue.setText(
            trn(
                "{count} image is inconclusive or unlike the others and should be labelled.",
                "{count} images are inconclusive or unlike the others and should be labelled.",
                waiting,
            )
        )

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether a folder may be watched, and images be added to the project; ``why`` not."""
        buttons = (self.empty.button, self.start_button, self.deliver_button)
        switch(*buttons, on=startable, why=why)

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.empty.renew_colors()
        self.review.renew_colors()

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.review.shut_down()


def _invitation() -> str:
    return tr(
        "Each image that arrives is judged once, by the exported model and the rules. Doubtful "
        "ones wait here to be labelled."
    )
