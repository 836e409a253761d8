"""The images to label as a row of thumbnails, and which of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID, tokens
from app.look.translation import tr, trn
from app.widgets.class_colors import color_table, hatched_swatch, swatch
from app.widgets.focus_policy import TabFocusInputs
from app.widgets.image_model import ROW_ROLE, ImageListModel
from app.widgets.image_status_text import state_name
from app.widgets.layout import button, label
from app.widgets.qt_images import draw_missing, draw_overlay
from app.widgets.thumbnails import ThumbnailLoader
from core.annotation.draft import UncertaintyOrder
from core.images.io import IGNORE_INDEX
from core.images.palette import Color
from core.project import ImageQuery, ImageRow, LabelClass, Project, State
from core.project.rows import STATES

_WIDTH, _HEIGHT = GRID * 11, GRID * 8
_GAP = GRID // 2
_DOT = GRID


class ImageStrip(QWidget):
    """A filter above, thumbnails below; the image that is labelled is marked.

    Attributes:
        ids: the images that the filter leaves, in order.
    """

    image_chosen = Signal(int)
    filter_changed = Signal()
    queue_left = Signal()
    """All images are to be shown again, not only those that were asked for."""

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images = ImageListModel(self)
        self.delegate = _Delegate(loader, self)
        self.list = _List()
        self.list.setModel(self.images)
        self.list.setItemDelegate(self.delegate)
        self.list.clicked.connect(self._on_clicked)
        self.list.activated.connect(self._on_clicked)
        loader.updated.connect(self._on_thumbnails_updated)
        self.state = self._box(tr("State"))
        self.state.addItem(tr("Any state"), None)
        for state in STATES:
            self.state.addItem(state_name(state), state)
        self.class_box = self._box(tr("Class"))
        self.class_box.addItem(tr("All classes"), None)
        self.order = self._box(tr("Order"))
        for text, order in (
            (tr("By name"), None),
            (tr("Most uncertain first (entropy)"), "entropy"),
            (tr("Most uncertain first (margin)"), "margin"),
        ):
            self.order.addItem(text, order)
        self.order.setToolTip(tr("Order of the images; uncertainty is known of those with drafts"))
        self.count = label("", "muted")
        self.queue_button = button("", icon="close", tooltip=tr("Show all images again"))
        self.queue_button.clicked.connect(self.queue_left)
        self.queue_button.hide()
        self.ids: Sequence[int] = ()
        bar = QHBoxLayout()
        bar.setContentsMargins(GRID, GRID // 2, GRID, 0)
        for widget in (self.state, self.class_box, self.order):
            bar.addWidget(widget)
        bar.addWidget(self.queue_button)
        bar.addStretch(1)
        bar.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addLayout(bar)
        layout.addWidget(self.list)
        TabFocusInputs(self)

    @property
    def uncertainty_order(self) -> UncertaintyOrder | None:
        """What the images are sorted by, None for their names."""
        return cast("UncertaintyOrder | None", self.order.currentData())

    @property
    def query(self) -> ImageQuery:
        """What is filtered by state and class."""
        return ImageQuery(
            state=cast("State | None", self.state.currentData()),
            class_id=cast("int | None", self.class_box.currentData()),
        )

    def set_images(self, project: Project | None, ids: Sequence[int], total: int) -> None:
        """Show the images with these ids; ``total`` are in the project."""
        self.ids = ids
        self.images.set_images(project, ids)
        text = tr("{count} {count:image|images}", count=f"{len(ids):,}")
        if len(ids) != total:
            text = tr(
                "{shown} of {total} {total:image|images}", shown=f"{len(ids):,}", total=f"{total:,}"
            )
        self.count.setText(text)

    def show_queue(self, count: int | None) -> None:
        """Say that only images that were chosen elsewhere are shown; None: all of them."""
        self.queue_button.setVisible(count is not None)
        if count is not None:
            text = trn("{count} chosen image", "{count} chosen images", count)
            self.queue_button.setText(text)

    def set_labels(self, labels: Sequence[LabelClass]) -> None:
        """Offer these classes, keeping the choice where it is still there."""
        chosen = self.class_box.currentData()
        with QSignalBlocker(self.class_box):
            self.class_box.clear()
            self.class_box.addItem(tr("All classes"), None)
            for item in labels:
                self.class_box.addItem(swatch(QColor(*item.color)), item.name, item.id)
            if labels:
                self.class_box.addItem(hatched_swatch(), tr("Don't care"), IGNORE_INDEX)
            self.class_box.setCurrentIndex(max(0, self.class_box.findData(chosen)))

    def set_colors(self, colors: Sequence[Color]) -> None:
        """Colours of the classes by id."""
        self.delegate.table = color_table(colors)
        self.list.viewport().update()

    def set_current(self, image_id: int | None) -> None:
        """Mark the image that is labelled."""
        place = None if image_id is None else self.images.place(image_id)
        if place is None:
            self.list.setCurrentIndex(QModelIndex())
        else:
            index = self.images.index(place)
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index, QListView.ScrollHint.PositionAtCenter)

    def kept_filter(self) -> tuple[str | None, int | None, str | None]:
        """Return the chosen state, class and order."""
        state, class_id, order = (
            box.currentData() for box in (self.state, self.class_box, self.order)
        )
        return state, class_id, order

    def show_kept_filter(self, kept: tuple[str | None, int | None, str | None]) -> None:
        """Choose state, class and order again."""
        for box, data in zip((self.state, self.class_box, self.order), kept, strict=True):
            box.setCurrentIndex(max(0, box.findData(data)))

    def reset(self) -> None:
        """Show everything, without telling."""
        for box in (self.state, self.class_box):
            with QSignalBlocker(box):
                box.setCurrentIndex(0)

    def _box(self, name: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.setToolTip(tr("Filter: {name}", name=name))
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        box.currentIndexChanged.connect(self._on_changed)
        return box

    @Slot()
    def _on_changed(self) -> None:
        self.filter_changed.emit()

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        row = self.images.row(index.row())
        if row is not None:
            self.image_chosen.emit(row.id)

    @Slot()
    def _on_thumbnails_updated(self) -> None:
        self.list.viewport().update()


class _List(QListView):
    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "grid")
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFixedHeight(_HEIGHT + GRID * 2 + 4)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Images to label"))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """The wheel moves along the row."""
        delta = event.angleDelta()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - (delta.y() or delta.x()))
        event.accept()


class _Delegate(QStyledItemDelegate):
    """A thumbnail with its mask and a dot for its state."""

    def __init__(self, loader: ThumbnailLoader, parent: QWidget) -> None:
        super().__init__(parent)
        self._loader = loader
        self.table = color_table([])

    def sizeHint(  # noqa: N802
        self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(_WIDTH + 2 * _GAP, _HEIGHT)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row = index.data(ROW_ROLE)
        if not isinstance(row, ImageRow):
            return
        t = tokens()
        area: QRect = option.rect.adjusted(_GAP, 0, -_GAP, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(area, QColor(t.hover))
        found = self._loader.get(row, round(_WIDTH * painter.device().devicePixelRatio()))
        if found is not None and found.image is None:
            draw_missing(painter, area, QColor(t.danger))
        elif found is not None and found.image is not None:
            size = found.image.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(area.center())
            painter.drawImage(target, found.image)
            if found.mask is not None:
                draw_overlay(painter, target, found.mask, self.table, 0.6)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(t.accent), 3))
            painter.drawRect(area.adjusted(1, 1, -2, -2))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(QColor(t.muted), 1))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dot = QRect(area.left() + 5, area.top() + 5, _DOT, _DOT)
        painter.setPen(QPen(QColor(t.surface), 1.5))
        painter.setBrush(QColor(state_color(row.state)))
        painter.drawEllipse(dot)
        painter.restore()


def state_color(state: State) -> str:
    """Return the colour of a state's dot."""
    t = tokens()
    return {
        "unlabelled": t.muted,
        "draft": t.warning,
        "labelled": t.accent,
        "reviewed": t.success,
    }[state]
