"""The regions that list and canvas share: what is drawn, which one is chosen, what comes next."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from core.annotation.inspected_regions import (
    InspectedRegion,
    RegionDrawing,
    RegionKind,
    Regions,
    area_of_regions,
    regions_of,
)
from core.annotation.shapes import Outline
from core.portable.cleaning import InspectedArea


class RegionState(QObject):
    """Nothing is changed while it is not ``editable``.

    Attributes:
        kind: of the next region; that of the chosen one where it was picked.
        selected: index of the chosen region, None for none.
        editable: whether changes are allowed.
    """

    changed = Signal()
    """The user changed the regions; to be kept."""
    renewed = Signal()
    """Regions, choice or kind are others than before; to be drawn."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawing = RegionDrawing()
        self.kind = RegionKind.INSPECT
        self.selected: int | None = None
        self.editable = True
        self._is_picked = False

    @property
    def regions(self) -> Regions:
        """The regions as they were drawn."""
        return self._drawing.regions

    @property
    def area(self) -> InspectedArea:
        """Which part of an image they leave."""
        return area_of_regions(self.regions)

    @property
    def chosen(self) -> InspectedRegion | None:
        """The chosen region."""
        return None if self.selected is None else self.regions[self.selected]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.editable and self._drawing.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self.editable and self._drawing.can_redo

    def forget(self) -> None:
        """Another project was opened: its steps are not those of this one."""
        self._drawing.start_over(())
        self.select(None)

    def load(self, area: InspectedArea) -> None:
        """Show what the project has, unless it is this already: then it can be undone as before."""
        if area_of_regions(regions_of(area)) == self.area:
            return
        self._drawing.start_over(regions_of(area))
        self.select(None)

    def set_editable(self, editable: bool) -> None:
        """Allow changes or not."""
        if editable != self.editable:
            self.editable = editable
            self.renewed.emit()

    def region_at(self, x: float, y: float) -> int | None:
        """Return the index of the topmost region at a point in image pixels, or None."""
        return self._drawing.region_at(x, y)

    def select(self, index: int | None) -> None:
        """Choose a region; a kind that is set next becomes its own."""
        self.selected = index
        self._is_picked = index is not None
        if index is not None:
            self.kind = self.regions[index].kind
        self.renewed.emit()

    def set_kind(self, kind: RegionKind) -> None:
        """Draw this kind from now on, and let a region that was picked be of it."""
        self.kind = kind
        region, index = self.chosen, self.selected
        if self.editable and self._is_picked and region is not None and index is not None:
            self._drawing.replace(index, InspectedRegion(kind, region.outline))
            self._tell()
        else:
            self.renewed.emit()

    def add(self, outline: Outline) -> None:
        """Add a region of the kind in hand and choose it."""
        if self.editable:
            self.selected = self._drawing.add(InspectedRegion(self.kind, outline))
            self._is_picked = False  # the next kind is for the next region
            self._tell()

    def reshape(self, outline: Outline) -> None:
        """Give the chosen region another form."""
        region, index = self.chosen, self.selected
        if self.editable and region is not None and index is not None:
            self._drawing.replace(index, InspectedRegion(region.kind, outline))
            self._tell()

    @Slot()
    def remove(self) -> None:
        """Remove the chosen region."""
        if self.editable and self.selected is not None:
            self._drawing.remove(self.selected)
            self.selected = None
            self._tell()

    @Slot()
    def clear(self) -> None:
        """Inspect the whole image."""
        if self.editable and self.regions:
            self._drawing.clear()
            self.selected = None
            self._tell()

    @Slot()
    def undo(self) -> None:
        """Take the last step back."""
        if self.editable and self._drawing.undo():
            self._keep_choice()

    @Slot()
    def redo(self) -> None:
        """Do it again."""
        if self.editable and self._drawing.redo():
            self._keep_choice()

    def _keep_choice(self) -> None:
        if self.selected is not None and self.selected >= len(self.regions):
            self.selected = None
        self._tell()

    def _tell(self) -> None:
        self.renewed.emit()
        self.changed.emit()
