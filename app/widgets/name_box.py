"""A choice among names that people and runs gave: long ones, told apart by their ends too."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
    QWidget,
)

from app.look.theme import GRID

_LETTERS = 10
_MARGIN = GRID // 2


class NameBox(QComboBox):
    """Shortens the chosen name in the middle; the list and the tooltip have the whole of it.

    Args:
        letters: about so many fit where the box is narrowest.
        parent: owner.
    """

    def __init__(self, *, letters: int = _LETTERS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(letters)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)

    @property
    def shown_text(self) -> str:
        """What of the chosen name fits."""
        room = self._field(self._option())
        return self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideMiddle, room.width()
        )

    def showPopup(self) -> None:  # noqa: N802
        """Open the list, as wide as its longest name where the screen allows it."""
        view = self.view()
        names = max(view.sizeHintForColumn(0), 0) + 2 * GRID
        bar = view.verticalScrollBar().sizeHint().width()
        view.setMinimumWidth(min(names + bar, self.screen().availableSize().width()))
        super().showPopup()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw what fits."""
        painter = QStylePainter(self)
        option = self._option()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown_text
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def event(self, event: QEvent) -> bool:
        """Show the whole name in the tooltip, where it was shortened, above what the box is for."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            name = self.currentText()
            parts = [name] if self.shown_text != name else []
            QToolTip.showText(event.globalPos(), "\n".join([*parts, self.toolTip()]).strip(), self)
            return True
        return super().event(event)

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        return option

    def _field(self, option: QStyleOptionComboBox) -> QSize:
        style = self.style() or QApplication.style()
        field = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        return field.size() - QSize(2 * _MARGIN, 0)
