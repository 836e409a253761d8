"""How masks and grey images are shown: opacity, fill or outline, window and level."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QSlider, QWidget

from app.canvas.editor import Editor
from app.canvas.renderer import MaskStyle
from app.look.theme import GRID
from app.look.translation import tr
from app.widgets.layout import button, row
from core.portable.window_level import WindowLevel


class MaskLook(QWidget):
    """Opacity and style of the mask."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName(tr("Opacity of the masks"))
        self.opacity.valueChanged.connect(self._on_changed)
        self.style_box = QComboBox()
        self.style_box.setAccessibleName(tr("Masks as"))
        for style, text in (
            (MaskStyle.FILL, tr("Filled")),
            (MaskStyle.OUTLINE, tr("Outlines")),
            (MaskStyle.BOTH, tr("Both")),
        ):
            self.style_box.addItem(text, style)
        self.style_box.currentIndexChanged.connect(self._on_changed)
        self.opacity.setMinimumWidth(GRID * 16)
        form = QFormLayout(self)
        form.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        form.setSpacing(GRID)
        form.addRow(tr("Opacity"), self.opacity)
        form.addRow(tr("Masks as"), self.style_box)

    @property
    def mask_style(self) -> MaskStyle:
        """Filled, outlined or both."""
        return MaskStyle(self.style_box.currentData())

    def next_style(self) -> None:
        """Take the next style."""
        self.style_box.setCurrentIndex((self.style_box.currentIndex() + 1) % len(MaskStyle))

    @Slot()
    def _on_changed(self) -> None:
        self.changed.emit()


class WindowBox(QWidget):
    """The values of a grey image that are black and white."""

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self.low = self._box(tr("Black at"))
        self.high = self._box(tr("White at"))
        self.auto_button = button(
            tr("Auto"), tooltip=tr("Spread what most pixels have over black to white")
        )
        self.full_button = button(tr("Full"), tooltip=tr("Show every value the image can have"))
        self.auto_button.clicked.connect(self._on_auto)
        self.full_button.clicked.connect(self._on_full)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(GRID)
        form.addRow(tr("Black at"), self.low)
        form.addRow(tr("White at"), self.high)
        form.addRow("", row(self.auto_button, self.full_button, 1))
        editor.document_changed.connect(self.refresh)
        editor.window_changed.connect(self.refresh)

    @property
    def useful(self) -> bool:
        """Whether the image is grey."""
        picture = self._editor.picture
        return picture is not None and picture.is_grey

    @Slot()
    def refresh(self) -> None:
        """Show the window in use."""
        picture = self._editor.picture
        if picture is None:
            return
        low, high = picture.value_range
        is_whole = picture.levels[0].dtype.kind == "u"
        window = self._editor.window
        for box, value in ((self.low, window.low), (self.high, window.high)):
            with QSignalBlocker(box):
                box.setDecimals(0 if is_whole else 4)
                box.setRange(low, high)
                box.setSingleStep(max(1.0 if is_whole else 0.0, (high - low) / 256))
                box.setValue(value)

    def _box(self, name: str) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setAccessibleName(name)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._on_changed)
        return box

    @Slot()
    def _on_changed(self) -> None:
        self._editor.set_window(WindowLevel(self.low.value(), self.high.value()))

    @Slot()
    def _on_auto(self) -> None:
        if self._editor.picture is not None:
            self._editor.set_window(self._editor.picture.auto_window())

    @Slot()
    def _on_full(self) -> None:
        if self._editor.picture is not None:
            self._editor.set_window(WindowLevel(*self._editor.picture.value_range))
