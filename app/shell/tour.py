"""A tour of the window: marks over its parts, one after the other, left at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QWidget

from app.look.theme import GRID, RADIUS, tokens
from app.look.translation import tr
from app.services.timers import single_shot
from app.widgets.layout import button, column, label, row

_CARD_WIDTH = GRID * 46
_GAP = GRID * 2
_WITHIN = GRID * 8
_AROUND = GRID // 2
_DIM = 150


@dataclass(frozen=True, slots=True)
class Station:
    """One mark.

    Attributes:
        title: what it is about.
        text: two or three sentences.
        targets: the parts of the window that stay bright; hidden ones are passed over.
        before: brings them to the front.
    """

    title: str
    text: str
    targets: Callable[[], Sequence[QWidget]]
    before: Callable[[], None] = lambda: None


class Tour(QWidget):
    """Lies over the whole window while it is shown; the window below can be seen, not used."""

    ended = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._stations: tuple[Station, ...] = ()
        self._place = 0
        self.card = QFrame(self)
        self.card.setProperty("role", "card")
        self.card.setFixedWidth(_CARD_WIDTH)
        self.title = label("", "heading", wrap=True)
        self.text = label("", wrap=True)
        self.count = label("", "muted")
        self.leave_button = button(tr("Leave the tour"), "link", tooltip=tr("Leave it (Esc)"))
        self.back_button = button(tr("Back"), tooltip=tr("The mark before (Left)"))
        self.next_button = button("", "primary", tooltip=tr("The next mark (Right)"))
        self.leave_button.clicked.connect(self.leave)
        self.back_button.clicked.connect(self.back)
        self.next_button.clicked.connect(self.go_on)
        for one in (self.leave_button, self.back_button, self.next_button):
            one.installEventFilter(self)
        buttons = row(self.leave_button, 1, self.count, self.back_button, self.next_button)
        inside = column(self.title, self.text, buttons)
        inside.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID + GRID // 2)
        inside.insertSpacing(2, GRID)
        self.card.setLayout(inside)
        self._timer = single_shot(self, 0, self._arrange)  # when what was shown is laid out
        self.hide()

    @property
    def station(self) -> Station:
        """The mark in sight."""
        return self._stations[self._place]

    def begin(self, stations: Sequence[Station]) -> None:
        """Show the first of some marks."""
        self._stations = tuple(stations)
        self._window.installEventFilter(self)
        self.show()
        self._show(0)

    @Slot()
    def leave(self) -> None:
        """End it, wherever it is."""
        if self.isHidden():
            return
        self._window.removeEventFilter(self)
        self._timer.stop()
        self.hide()
        self.ended.emit()

    @Slot()
    def go_on(self) -> None:
        """Show the next mark; after the last one, end."""
        if self._place + 1 < len(self._stations):
            self._show(self._place + 1)
        else:
            self.leave()

    @Slot()
    def back(self) -> None:
        """Show the mark before."""
        if self._place:
            self._show(self._place - 1)

    def _show(self, place: int) -> None:
        self._place = place
        station, last = self.station, place == len(self._stations) - 1
        station.before()
        self.title.setText(station.title)
        self.text.setText(station.text)
        self.count.setText(tr("{number} of {all}", number=place + 1, all=len(self._stations)))
        self.back_button.setEnabled(place > 0)
        self.next_button.setText(tr("Done") if last else tr("Next"))
        self.next_button.setAccessibleDescription(f"{station.title}. {station.text}")
        self.card.setAccessibleName(station.title)
        self.raise_()
        self._arrange()
        self._timer.start()
        self.next_button.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _arrange(self) -> None:
        """Lie over the window, with the card beside what is bright."""
        self.setGeometry(self._window.rect())
        inner = self.card.layout()
        if inner is None:
            raise RuntimeError("the card has a layout")
        height = inner.totalHeightForWidth(_CARD_WIDTH)
        size = QSize(_CARD_WIDTH, max(height, inner.totalMinimumSize().height()))
        self.card.resize(size)
        self.card.move(_beside(self._bright(), size, self.rect()))
        self.update()

    def _bright(self) -> QRect:
        """Return the first bright area; the middle of the window where there is none."""
        areas = self._areas()
        return areas[0] if areas else QRect(self.rect().center(), QSize(1, 1))

    def _areas(self) -> list[QRect]:
        shown = [one for one in self.station.targets() if one.isVisible()]
        return [
            QRect(one.mapTo(self._window, QPoint(0, 0)), one.size())
            .adjusted(-_AROUND, -_AROUND, _AROUND, _AROUND)
            .intersected(self.rect().adjusted(2, 2, -2, -2))
            for one in shown
        ]

    # Qt

    def focusNextPrevChild(self, forwards: bool) -> bool:  # noqa: N802
        """Tab stays among the card's buttons: what lies below cannot be used."""
        order = [self.leave_button, self.back_button, self.next_button]
        usable = [one for one in order if one.isEnabled()]
        focused = next((one for one in usable if one.hasFocus()), usable[-1])
        step = 1 if forwards else -1
        chosen = usable[(usable.index(focused) + step) % len(usable)]
        chosen.setFocus(
            Qt.FocusReason.TabFocusReason if forwards else Qt.FocusReason.BacktabFocusReason
        )
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Nothing reaches the window below."""
        self._obey(event.key())
        event.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Follow the window's size, and take the keys that buttons would move the focus by."""
        if watched is self._window:
            if event.type() == QEvent.Type.Resize:
                self._arrange()
                self._timer.start()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._obey(event.key())
        return super().eventFilter(watched, event)

    def _obey(self, key: int) -> bool:
        """Escape leaves, arrows go on and back; returns whether the key does something."""
        match key:
            case Qt.Key.Key_Escape:
                self.leave()
            case Qt.Key.Key_Right | Qt.Key.Key_PageDown:
                self.go_on()
            case Qt.Key.Key_Left | Qt.Key.Key_PageUp:
                self.back()
            case _:
                return False
        return True

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Dim everything but what the mark is about."""
        if not self._stations:
            return
        dim = QPainterPath()
        dim.addRect(QRectF(self.rect()))
        holes = QPainterPath()
        for area in self._areas():
            holes.addRoundedRect(QRectF(area), RADIUS, RADIUS)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(dim.subtracted(holes), QColor(0, 0, 0, _DIM))
        painter.setPen(QPen(QColor(tokens().accent), 2))
        painter.drawPath(holes)
        painter.end()


def _beside(area: QRect, card: QSize, window: QRect) -> QPoint:
    """Return where the card goes: beside the area, or at the bottom of one that fills the window.

    Below or above a flat one, right or left of a tall one, so that both are read as one.
    """
    inner = window.adjusted(_GAP, _GAP, -_GAP, -_GAP)
    middle = QRect(QPoint(0, 0), card)
    middle.moveCenter(area.center())
    beside = [
        (area.right() + _GAP, middle.top()),
        (area.left() - _GAP - card.width(), middle.top()),
    ]
    over = [
        (middle.left(), area.bottom() + _GAP),
        (middle.left(), area.top() - _GAP - card.height()),
    ]
    is_flat = area.height() < card.height()
    for x, y in (*over, *beside) if is_flat else (*beside, *over):
        place = _pushed(QRect(QPoint(x, y), card), inner)
        if not place.intersects(area):
            return place.topLeft()
    middle.moveBottom(area.bottom() - _WITHIN)
    return _pushed(middle, inner).topLeft()


def _pushed(place: QRect, inner: QRect) -> QRect:
    """Return a place moved as little as it takes to lie within the window."""
    moved = QRect(place)
    moved.moveLeft(max(inner.left(), min(place.left(), inner.right() - place.width())))
    moved.moveTop(max(inner.top(), min(place.top(), inner.bottom() - place.height())))
    return moved
