"""Beside the rules: which part of the images is inspected, as a list of regions."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.look.icons import pixmap
from app.look.theme import GRID
from app.look.translation import tr
from app.regions.drawing_tool import region_color
from app.regions.region_state import RegionState
from app.widgets.layout import button, label, row
from app.widgets.switching import switch
from core.annotation.inspected_regions import InspectedRegion, RegionKind

_MOST_ROWS = 6
_MARK = 16


class AreaChoices(QWidget):
    """The chosen row is the chosen region; Del removes it, Return shows it in the image."""

    draw_requested = Signal()

    def __init__(self, state: RegionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.summary = label("", "muted", wrap=True)
        self.rows = RegionRows()
        self.draw_button = button(
            tr("Draw regions"),
            icon="tool-rectangle",
            tooltip=tr("Say on an image where to look, and what to ignore"),
        )
        self.clear_button = button(
            tr("Remove all"), "link", tooltip=tr("Inspect the whole image again; undo brings back")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.summary)
        layout.addWidget(self.rows)
        layout.addLayout(row(self.draw_button, self.clear_button, 1))
        self.draw_button.clicked.connect(self.draw_requested)
        self.clear_button.clicked.connect(state.clear)
        self.rows.currentRowChanged.connect(self._on_row)
        self.rows.itemActivated.connect(self.draw_requested)
        self.rows.removed.connect(state.remove)
        state.renewed.connect(self.renew)
        self.renew()

    def set_startable(self, allowed: bool, why: str = "") -> None:
        """Whether anything may be changed; ``why`` not."""
        self._state.set_editable(allowed)
        switch(self.draw_button, self.clear_button, on=allowed, why=why)

    @Slot()
    def renew(self) -> None:
        """List the regions as they are, in the current theme."""
        regions = self._state.regions
        self.summary.setText(_summary([one.kind for one in regions]))
        with QSignalBlocker(self.rows):
            self.rows.show_regions(regions)
            chosen = self._state.selected
            self.rows.setCurrentRow(-1 if chosen is None else chosen)
        self.clear_button.setVisible(bool(regions))

    @Slot(int)
    def _on_row(self, place: int) -> None:
        if place >= 0 and place != self._state.selected:
            self._state.select(place)


class RegionRows(QListWidget):
    """As high as its rows, up to a few."""

    removed = Signal()
    """The chosen region is to go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Regions"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setIconSize(QSize(_MARK, _MARK))

    def show_regions(self, regions: tuple[InspectedRegion, ...]) -> None:
        """Show a row for each."""
        self.clear()
        for region in regions:
            item = QListWidgetItem(_text(region))
            item.setIcon(self._icon(region.kind))
            item.setToolTip(_text(region))
            self.addItem(item)
        height = max(self.sizeHintForRow(0), GRID * 3) if regions else 0
        self.setFixedHeight(height * min(len(regions), _MOST_ROWS) + 2 * self.frameWidth() + 2)
        self.setVisible(bool(regions))

    def _icon(self, kind: RegionKind) -> QIcon:
        name = "eye" if kind is RegionKind.INSPECT else "eye-off"
        made = QIcon()
        picture = pixmap(
            name, _MARK, color=region_color(kind).name(), ratio=self.devicePixelRatio()
        )
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # of the same colour
            made.addPixmap(picture, mode)
        return made

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Del removes the chosen region."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)


def _summary(kinds: list[RegionKind]) -> str:
    if not kinds:
        return tr("The whole image is inspected.")
    if RegionKind.INSPECT in kinds:
        return tr("Only what lies in a region is inspected.")
    return tr("Everything but the ignored regions is inspected.")


def _text(region: InspectedRegion) -> str:
    x0, y0, x1, y1 = region.outline.box
    kind = tr("Look only here") if region.kind is RegionKind.INSPECT else tr("Ignore here")
    return tr("{kind}: {width} × {height}", kind=kind, width=x1 - x0, height=y1 - y0)
