"""Why the suggested settings are what they are."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.look.theme import GRID
from app.look.translation import tr, translated
from app.widgets.layout import clear_layout, label
from core.advice.presets import Preset
from core.data.dataset_statistics import DatasetStatistics


class PresetExplanation(QScrollArea):
    """One short paragraph a setting."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        content = QWidget()
        content.setProperty("role", "scrolled")
        self._data = label("", "muted", wrap=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(GRID + GRID // 2)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(label(tr("Your data"), "heading"))
        layout.addWidget(self._data)
        layout.addSpacing(GRID)
        layout.addWidget(label(tr("Why these settings"), "heading"))
        layout.addLayout(self._list)
        layout.addStretch(1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Why these settings"))
        self.texts: list[str] = []

    def show_preset(self, preset: Preset, statistics: DatasetStatistics) -> None:
        """Explain a suggestion."""
        self._data.setText(
            tr(
                "{train} training and {val} validation {val:image|images}, {classes} "
                "{classes:class|classes}; the median image has {width}×{height} pixels.",
                train=statistics.train_images,
                val=statistics.images.get("val", 0),
                classes=len(statistics.labels),
                width=statistics.median_size[0],
                height=statistics.median_size[1],
            )
        )
        clear_layout(self._list)
        self.texts = [translated(reason) for reason in preset.reasons]
        for text in self.texts:
            self._list.addWidget(label(text, wrap=True))
