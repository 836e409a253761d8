"""Judged images: filters, the grid, and one of them large."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import GRID
from app.look.translation import tr
from app.panels.ship.judged_view import JudgedView
from app.panels.ship.outcome_grid import OutcomeGrid
from app.panels.ship.outcomes import JudgedImage
from app.widgets.flow_layout import FlowLayout
from core.images.palette import Color


class Filters(QWidget):
    """A row of buttons with counts, of which one is chosen; the first shows everything."""

    changed = Signal()

    def __init__(
        self,
        rare: Sequence[StrEnum] = (),
        tip: Callable[[Any], str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._tip = tip or (lambda _key: tr("Show only these images"))
        self._rare = set(rare)  # only offered where there are some
        self._group = QButtonGroup(self)
        self._keys: list[StrEnum | None] = []
        self._row = FlowLayout(self, spacing=GRID // 2)
        self._group.idClicked.connect(self.changed)

    def show_counts(
        self, counts: Mapping[StrEnum, int], name: Callable[[Any], str], total: int
    ) -> None:
        """Offer each group with how many it has; the chosen one stays chosen."""
        keys: list[StrEnum | None] = [None, *counts]
        if keys != self._keys:
            self._make(keys)
        chosen = self.chosen
        texts = [f"{tr('all')} {total:,}", *(f"{name(key)} {n:,}" for key, n in counts.items())]
        for button, text in zip(self._group.buttons(), texts, strict=True):
            button.setText(text)
        for button, key in zip(self._group.buttons(), keys, strict=True):
            there = key is None or counts[key] > 0 or key == chosen
            button.setEnabled(there)
            button.setVisible(there or key not in self._rare)

    @property
    def chosen(self) -> StrEnum | None:
        """The group chosen, None for all."""
        place = self._group.checkedId()
        return self._keys[place] if 0 <= place < len(self._keys) else None

    def choose(self, key: StrEnum | None) -> None:
        """Choose a group as a click would."""
        if key in self._keys:
            button = self._group.button(self._keys.index(key))
            button.setEnabled(True)
            button.click()

    def _make(self, keys: list[StrEnum | None]) -> None:
        chosen = self.chosen
        for old in self._group.buttons():
            self._group.removeButton(old)
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._keys = keys
        for place, key in enumerate(keys):
            made = QToolButton()
            made.setCheckable(True)
            made.setChecked(key == chosen)
            made.setProperty("role", "tile")
            made.setToolTip(self._tip(key) if key is not None else tr("Show all images"))
            self._group.addButton(made, place)
            self._row.addWidget(made)
        if self._group.checkedId() < 0:
            self._group.button(0).setChecked(True)


class ImageReview(QWidget):
    """``group_of`` says which filter an image belongs to; None: to none but all."""

    image_chosen = Signal(object)
    """(JudgedImage | None)."""
    filter_changed = Signal()

    def __init__(
        self,
        group_of: Callable[[JudgedImage], StrEnum | None],
        name: Callable[[Any], str],
        groups: type[StrEnum],
        *,
        rare: Sequence[StrEnum] = (),
        tip: Callable[[Any], str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._group_of, self._name, self._groups = group_of, name, groups
        self._images: list[JudgedImage] = []
        self.filters = Filters(rare, tip)
        self.grid = OutcomeGrid()
        self.large = JudgedView()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.grid)
        self._pages.addWidget(self.large)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.filters)
        layout.addWidget(self._pages, 1)
        self.filters.changed.connect(self._on_filter_changed)
        self.grid.image_chosen.connect(self._on_chosen)
        self.grid.opened.connect(self._on_opened)
        self.large.back_requested.connect(self.show_grid)
        self.large.step_requested.connect(self._on_step)

    def set_classes(self, colors: tuple[Color, ...], *, background: int | None) -> None:
        """Draw label maps in these colours from now on."""
        self.grid.images.set_classes(colors, background=background)
        self.large.set_classes(colors, background=background)

    def show_images(self, images: Sequence[JudgedImage]) -> None:
        """Show these; filter, choice and zoom stay where they can."""
        self._images = list(images)
        counts = dict.fromkeys(self._groups, 0)
        for one in self._images:
            group = self._group_of(one)
            if group is not None:
                counts[group] += 1
        self.filters.show_counts(counts, self._name, len(self._images))
        self._show_filtered()
        current = self.grid.current
        self.image_chosen.emit(current)
        if self._pages.currentIndex() == 1:
            if current is None:
                self.show_grid()
            else:
                self.large.show_image(current)

    @property
    def images(self) -> list[JudgedImage]:
        """All images, filtered or not."""
        return self._images

    @property
    def current(self) -> JudgedImage | None:
        """The image chosen."""
        return self.grid.current

    @property
    def busy(self) -> bool:
        """Whether pictures are being made."""
        return self.grid.images.busy or self.large.busy

    @Slot()
    def show_grid(self) -> None:
        """Show all images again."""
        self._pages.setCurrentIndex(0)
        self.grid.setFocus()

    def renew_colors(self) -> None:
        """Draw in the current theme."""
        self.large.renew_colors()
        self.grid.viewport().update()

    def shut_down(self) -> None:
        """Wait for what draws in the background."""
        self.grid.images.shut_down()
        self.large.shut_down()

    def _show_filtered(self) -> None:
        wanted = self.filters.chosen
        shown = [one for one in self._images if wanted is None or self._group_of(one) == wanted]
        self.grid.images.set_images(shown)

    @Slot()
    def _on_filter_changed(self) -> None:
        self.show_grid()
        self._show_filtered()
        self.image_chosen.emit(self.grid.current)
        self.filter_changed.emit()

    @Slot(object)
    def _on_chosen(self, one: JudgedImage) -> None:
        self.image_chosen.emit(one)
        if self._pages.currentIndex() == 1:
            self.large.show_image(one)

    @Slot(object)
    def _on_opened(self, one: JudgedImage) -> None:
        self.large.show_image(one)
        self._pages.setCurrentIndex(1)
        self.large.setFocus()

    @Slot(int)
    def _on_step(self, step: int) -> None:
        self.grid.choose(self.grid.currentIndex().row() + step)
