"""Side by side: the masks of two variants of a model on one image, differences marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import set_icon
from app.look.theme import GRID, tokens
from app.look.translation import tr, translated
from app.panels.compress.mask_pairs import MaskPair, differing_share, render_pair
from app.services.background import BackgroundTasks, Progress
from app.widgets.blending import ImageArray
from app.widgets.empty_state import EmptyState
from app.widgets.layout import label, row
from app.widgets.name_box import NameBox
from app.widgets.switching import switch
from app.widgets.variant_names import model_name, variant_name
from core.images.palette import Color
from core.prediction.inspection import Evaluation, background_class
from core.project.variants import ModelVariant
from core.system.errors import InputError

_LIST_WIDTH = GRID * 28
_BOX_LETTERS = 18
_PAIR = Qt.ItemDataRole.UserRole
_TRUTH = "truth"


class VariantCompare(QWidget):
    """Zoom and place are shared by both sides; 1 and 2 switch the view, 0 fits."""

    masks_requested = Signal(object)
    """(list[ModelVariant]): these have no masks of the validation images yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self, max_threads=2)
        self._variants: list[ModelVariant] = []
        self._evaluations: dict[Path, Evaluation] = {}
        self._colors: dict[str, Color] = {}
        self._waiting = False
        self._shown: Path | None = None
        self.pictures: tuple[ImageArray, ImageArray] | None = None
        self.first_box, self.second_box = (NameBox(letters=_BOX_LETTERS) for _ in range(2))
        for box, name in ((self.first_box, tr("Left model")), (self.second_box, tr("Right model"))):
            box.setAccessibleName(name)
            box.setMinimumWidth(GRID * 16)
            box.currentIndexChanged.connect(self._refresh)
        self.images = QListWidget()
        self.images.setProperty("role", "plain")
        self.images.setAccessibleName(tr("Validation images"))
        self.images.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.images.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.images.currentItemChanged.connect(self._render)
        self.note = label("", "muted", wrap=True)
        self.views = QButtonGroup(self)
        self._sides = [_Side(), _Side()]
        self._sides[1].box.setXLink(self._sides[0].box)
        self._sides[1].box.setYLink(self._sides[0].box)
        self.empty = EmptyState(
            "compare",
            tr("Nothing to compare yet"),
            tr("Predict the validation images of a variant first."),
            action=tr("Predict the masks"),
        )
        self.empty.action_requested.connect(self._on_masks_requested)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._make_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(self._make_tools())
        layout.addWidget(self._pages, 1)
        self.renew_colors()
        self._refresh()

    def set_variants(self, variants: Sequence[ModelVariant]) -> None:
        """Offer these for both sides; what was chosen stays if it is among them."""
        self._variants = list(variants)
        for side, box in enumerate((self.first_box, self.second_box)):
            chosen = box.currentData()
            with QSignalBlocker(box):
                box.clear()
                for variant in self._variants:
                    box.addItem(variant_name(variant), str(variant.folder))
                    last = box.count() - 1
                    box.setItemData(last, model_name(variant), Qt.ItemDataRole.ToolTipRole)
                if self._variants:
                    box.addItem(tr("masks drawn by people"), _TRUTH)
                known = box.findData(chosen) if chosen is not None else -1
                start = 0 if side == 0 else len(self._variants) - 1
                box.setCurrentIndex(known if known >= 0 else start)
        self._refresh()

    def set_evaluations(
        self, evaluations: Mapping[Path, Evaluation], colors: Mapping[str, Color]
    ) -> None:
        """Take over the masks that were predicted, by model folder, and the classes' colours."""
        self._evaluations, self._colors = dict(evaluations), dict(colors)
        self._refresh()

    def set_waiting(self, waiting: bool) -> None:
        """Whether masks are being predicted now."""
        self._waiting = waiting
        self._refresh()

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether predicting masks may be started now; ``why`` not."""
        switch(self.empty.button, on=startable, why=why)

    def choose(self, first: Path, second: Path) -> None:
        """Compare two models by their folders; one with itself is compared with people's masks."""
        self.first_box.setCurrentIndex(self.first_box.findData(str(first)))
        other = _TRUTH if second == first else str(second)
        self.second_box.setCurrentIndex(self.second_box.findData(other))

    @property
    def missing(self) -> list[ModelVariant]:
        """The chosen variants whose masks are not there."""
        chosen = {self.first_box.currentData(), self.second_box.currentData()}
        return [
            variant
            for variant in self._variants
            if str(variant.folder) in chosen and variant.folder not in self._evaluations
        ]

    @property
    def busy(self) -> bool:
        """Whether pictures are being made or differences counted."""
        return self._tasks.busy

    @Slot()
    def fit(self) -> None:
        """Show the whole image on both sides."""
        if self.pictures is not None:
            height, width = self.pictures[0].shape[:2]
            self._sides[0].box.setRange(xRange=(0, width), yRange=(0, height), padding=0.02)

    def renew_colors(self) -> None:
        """Take the theme's ground."""
        for side in self._sides:
            side.graphics.setBackground(tokens().window)
        self.empty.renew_colors()

    def shut_down(self) -> None:
        """Wait for the threads, and let pyqtgraph go of its scenes."""
        self._tasks.shut_down()
        for side in self._sides:
            side.graphics.close()

    # Choosing

    @Slot()
    def _refresh(self) -> None:
        """List the images that both sides have masks of."""
        self._tasks.cancel_all()
        for side, box in zip(self._sides, (self.first_box, self.second_box), strict=True):
            side.set_title(box.currentText())
        pairs = self._pairs()
        ready = bool(pairs)
        self._pages.setCurrentIndex(1 if ready else 0)
        for button in self.views.buttons():
            button.setEnabled(ready)
        if not ready:
            self._say_why()
            self.images.clear()
            return
        current = self.images.currentItem()
        wanted = None if current is None else current.data(_PAIR).image
        self._fill([(pair, None) for pair in pairs], wanted)
        self.note.setText(tr("Counting the differences…"))
        self._tasks.start(
            lambda progress: _count(pairs, progress),
            on_done=self._on_counted,
            on_failed=self._on_failed,
            key="count",
        )

    def _pairs(self) -> list[MaskPair]:
        first, second = self.first_box.currentData(), self.second_box.currentData()
        if first is None or second is None:
            return []
        left, right = self._masks(first), self._masks(second)
        return [MaskPair(image, left[image], right[image]) for image in left if image in right]

    def _masks(self, chosen: str) -> dict[Path, Path]:
        """Return a side's mask of each image; those drawn by people are in every evaluation."""
        if chosen == _TRUTH:
            known = [e for e in self._evaluations.values() if e.images]
            return {score.image: score.label for score in known[0].images} if known else {}
        evaluation = self._evaluations.get(Path(chosen))
        if evaluation is None:
            return {}
        return {s.image: s.prediction for s in evaluation.images if s.prediction is not None}

    def _say_why(self) -> None:
        missing = self.missing
        self.empty.button.setVisible(bool(missing) and not self._waiting)
        if self._waiting:
            self.empty.show_text(
                tr("Predicting the masks"),
                tr("They appear here as soon as the jobs are done."),
            )
        elif missing:
            names = tr(" and ").join(variant_name(variant) for variant in missing)
            self.empty.show_text(
                tr("No masks to compare yet"),
                tr(
                    "Predict the validation images with {names}; then both are shown side by side.",
                    names=names,
                ),
            )
        else:
            self.empty.show_text(
                tr("Nothing to compare yet"),
                tr("Predict the validation images of a variant first."),
            )

    def _fill(self, pairs: Sequence[tuple[MaskPair, float | None]], wanted: Path | None) -> None:
        with QSignalBlocker(self.images):
            self.images.clear()
            for pair, share in pairs:
                text = pair.image.name
                if share is not None:
                    text = f"{text}\n" + tr("{share:.2%} differ", share=share)
                item = QListWidgetItem(text)
                item.setData(_PAIR, pair)
                item.setToolTip(str(pair.image))
                self.images.addItem(item)
                if pair.image == wanted:
                    self.images.setCurrentItem(item)
            if self.images.currentItem() is None:
                self.images.setCurrentRow(0)
        self._render()

    def _on_counted(self, counted: list[tuple[MaskPair, float]]) -> None:
        mean = sum(share for _, share in counted) / max(len(counted), 1)
        self.note.setText(
            tr("{share:.2%} of the pixels differ; most differing images first.", share=mean)
        )
        current = self.images.currentItem()
        moved = self.images.currentRow() > 0 and current is not None
        self._fill(counted, current.data(_PAIR).image if moved else None)

    # Drawing

    @property
    def pair(self) -> MaskPair | None:
        """What is shown."""
        item = self.images.currentItem()
        pair = None if item is None else item.data(_PAIR)
        return pair if isinstance(pair, MaskPair) else None

    @Slot()
    def _render(self) -> None:
        pair = self.pair
        if pair is None:
            return
        labels = next(iter(self._evaluations.values())).labels
        colors = tuple(self._colors.get(name, (128, 128, 128)) for name in labels)
        background = background_class(labels)
        differences = self.views.checkedId() == 1
        self._tasks.start(
            lambda progress: render_pair(
                pair,
                colors=colors,
                background=background,
                differences=differences,
                progress=progress,
            ),
            on_done=lambda pictures: self._on_rendered(pair, pictures),
            on_failed=self._on_failed,
            key="render",
        )

    def _on_rendered(self, pair: MaskPair, pictures: tuple[ImageArray, ImageArray]) -> None:
        self.pictures = pictures
        for side, picture in zip(self._sides, pictures, strict=True):
            side.item.setImage(np.ascontiguousarray(picture[..., ::-1]), levels=(0, 255))
        if self._shown != pair.image:  # switching the view keeps zoom and place
            self._shown = pair.image
            self.fit()

    def _on_failed(self, error: Exception) -> None:
        for side in self._sides:
            side.item.clear()
        self.pictures, self._shown = None, None
        self.note.setText(
            translated(error.message if isinstance(error, InputError) else str(error))
        )

    @Slot()
    def _on_masks_requested(self) -> None:
        self.masks_requested.emit(self.missing)

    # Building

    def _make_tools(self) -> QHBoxLayout:
        tools = row(spacing=GRID // 2)
        for index, (text, tip) in enumerate(
            (
                (tr("Masks"), tr("What each model sees (1)")),
                (tr("Differences"), tr("Only where the two differ (2)")),
            )
        ):
            made = QToolButton()
            made.setText(text)
            made.setToolTip(tip)
            made.setCheckable(True)
            made.setChecked(index == 0)
            made.setShortcut(str(index + 1))
            self.views.addButton(made, index)
            tools.addWidget(made)
        self.views.idClicked.connect(self._render)
        tools.addStretch(1)
        fit = QToolButton()
        set_icon(fit, "fit")
        fit.setToolTip(tr("Show the whole image (0)"))
        fit.setAccessibleName(tr("Show the whole image"))
        fit.setShortcut("0")
        fit.clicked.connect(self.fit)
        tools.addWidget(fit)
        return row(self.first_box, label(tr("against"), "muted"), self.second_box, 1, tools)

    def _make_page(self) -> QWidget:
        side = QWidget()
        side.setFixedWidth(_LIST_WIDTH)
        listed = QVBoxLayout(side)
        listed.setContentsMargins(0, 0, 0, 0)
        listed.addWidget(self.note)
        listed.addWidget(self.images, 1)
        page = QWidget()
        both = QHBoxLayout(page)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(GRID)
        both.addWidget(side)
        for shown in self._sides:
            both.addWidget(shown, 1)
        return page


class _Side(QWidget):
    """One picture with the name of its model above."""

    def __init__(self) -> None:
        super().__init__()
        self.title = label("", "heading")
        self.graphics = pg.GraphicsView()
        self.box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False)
        self.graphics.setCentralItem(self.box)
        self.item = pg.ImageItem(axisOrder="row-major")
        self.box.addItem(self.item)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.title)
        layout.addWidget(self.graphics, 1)

    def set_title(self, name: str) -> None:
        self.title.setText(name)
        self.graphics.setAccessibleName(name)


def _count(pairs: Sequence[MaskPair], progress: Progress) -> list[tuple[MaskPair, float]]:
    """Return each pair's differing share, the most first."""
    counted = []
    for pair in pairs:
        progress.check()
        counted.append((pair, differing_share(pair)))
    return sorted(counted, key=lambda item: (-item[1], str(item[0].image)))
