"""The program's own line icons (SVG, one colour), tinted to the palette."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.look.theme import tokens

ICONS_DIR = Path(__file__).resolve().parents[2] / "resources" / "icons"
_SIZES = (16, 20, 24, 32, 48)
_PROPERTY, _BESIDE = "icon_name", "icon_beside_text"
_SIDE, _GAP = 16, 3  # Qt puts the text of a button too close to its icon


def icon(name: str, *, color: str | None = None) -> QIcon:
    """Return the icon ``resources/icons/<name>.svg`` in the theme's colours.

    ``color`` overrides the normal state. Use ``set_icon`` for widgets that outlive a theme.
    """
    t = tokens()
    return _tinted(name, color or t.text, t.muted if color is None else color, t.accent)


def app_icon() -> QIcon:
    """Return the program's own picture, in its own colours."""
    return QIcon(str(ICONS_DIR / "maskwright.svg"))


def set_icon(target: QAbstractButton | QAction, name: str) -> None:
    """Give ``target`` an icon that ``retint_icons`` renews when the theme changes."""
    target.setProperty(_PROPERTY, name)
    target.setIcon(icon(name))


def set_icon_beside_text(target: QAbstractButton, name: str) -> None:
    """As ``set_icon``, for a button with text: some room between both."""
    target.setProperty(_PROPERTY, name)
    target.setProperty(_BESIDE, True)
    target.setIconSize(QSize(_SIDE + _GAP, _SIDE))
    target.setIcon(_spaced(name))


def pixmap(name: str, size: int, *, color: str | None = None, ratio: float = 1.0) -> QPixmap:
    """Return one picture of ``size`` logical pixels."""
    return _filled(_draw(_renderer(name), size, ratio), color or tokens().text)


def retint_icons(root: QWidget) -> None:
    """Renew every icon below ``root`` that ``set_icon`` made."""
    targets: list[QAbstractButton | QAction] = [*root.findChildren(QAbstractButton)]
    targets += root.findChildren(QAction)
    for target in targets:
        name = target.property(_PROPERTY)
        if isinstance(name, str):
            target.setIcon(_spaced(name) if target.property(_BESIDE) else icon(name))


def _spaced(name: str) -> QIcon:
    t = tokens()
    return _tinted(name, t.text, t.muted, t.accent, gap=_GAP)


@cache
def _tinted(name: str, normal: str, disabled: str, selected: str, *, gap: int = 0) -> QIcon:
    made = QIcon()
    renderer = _renderer(name)  # reading the picture takes longer than drawing it
    faded = QColor(disabled)
    faded.setAlphaF(0.5)
    pale = faded.name(QColor.NameFormat.HexArgb)
    for size in (_SIDE,) if gap else _SIZES:
        for ratio in (1.0, 2.0):
            drawn = _draw(renderer, size, ratio, gap=gap)
            made.addPixmap(_filled(drawn, normal))
            made.addPixmap(_filled(drawn, pale), QIcon.Mode.Disabled)
            made.addPixmap(_filled(drawn, selected), QIcon.Mode.Normal, QIcon.State.On)
    return made


def _renderer(name: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_svg(name)))


def _draw(renderer: QSvgRenderer, size: int, ratio: float, *, gap: int = 0) -> QPixmap:
    """Return the picture in its own colour."""
    side = round(size * ratio)
    picture = QPixmap(QSize(side + round(gap * ratio), side))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def _filled(drawn: QPixmap, color: str) -> QPixmap:
    """Return a picture of one colour."""
    picture = QPixmap(drawn)
    painter = QPainter(picture)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(QRectF(QPointF(), picture.deviceIndependentSize()), QColor(color))
    painter.end()
    return picture


@cache
def _svg(name: str) -> bytes:
    return (ICONS_DIR / f"{name}.svg").read_bytes()
