"""Colours, spacing and text sizes of the window: one set of tokens for light and one for dark."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.look.translation import current_language

GRID = 8  # all spacing is a multiple of half of this, in logical pixels
BODY_POINTS = 10.0
TITLE_POINTS = 14.0
RADIUS = 6
_FAMILIES = {  # by platform: (Latin, Simplified Chinese)
    "win32": (["Segoe UI"], ["Microsoft YaHei UI", "Microsoft YaHei"]),
    "darwin": ([], ["PingFang SC"]),
    "linux": (
        ["Inter", "Noto Sans", "DejaVu Sans"],
        ["Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei"],
    ),
}
_ICONS_DIR = Path(__file__).resolve().parents[2] / "resources" / "icons"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours as ``#rrggbb``; text on its ground reaches a contrast of at least 4.5 : 1."""

    dark: bool
    window: str
    surface: str
    hover: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    accent_soft: str
    focus: str
    success: str
    warning: str
    danger: str
    curves: tuple[str, ...]


LIGHT = Tokens(
    dark=False,
    window="#f4f5f7",
    surface="#ffffff",
    hover="#e9ecf0",
    border="#d7dce2",
    text="#1a1e24",
    muted="#59626e",
    accent="#1f5fd6",
    on_accent="#ffffff",
    accent_soft="#e2ecfd",
    focus="#0c3a94",
    success="#1a7436",
    warning="#8a5a00",
    danger="#bd2222",
    curves=("#1f5fd6", "#c2570c", "#12805c", "#8b3fc7", "#b3246b", "#6b7280"),
)
DARK = Tokens(
    dark=True,
    window="#15171b",
    surface="#1d2025",
    hover="#292d34",
    border="#343a43",
    text="#e7eaee",
    muted="#a0a9b5",
    accent="#6aa5ff",
    on_accent="#0a1426",
    accent_soft="#21314d",
    focus="#e7eaee",
    success="#5fd07c",
    warning="#e5b454",
    danger="#ff8a80",
    curves=("#6aa5ff", "#f4a261", "#4cc9a0", "#c792ea", "#f285b5", "#a0a9b5"),
)


class _State:
    tokens = LIGHT


def tokens() -> Tokens:
    """Return the tokens in use."""
    return _State.tokens


def apply_theme(application: QApplication, mode: str) -> Tokens:
    """Colour the whole application; ``mode`` is ``auto`` (the desktop's), ``light`` or ``dark``.

    Every widget then gets a ``PaletteChange`` event.
    """
    hints = QGuiApplication.styleHints()
    if mode == "auto":
        hints.unsetColorScheme()
        dark = hints.colorScheme() == Qt.ColorScheme.Dark
    else:
        dark = mode == "dark"
        hints.setColorScheme(Qt.ColorScheme.Dark if dark else Qt.ColorScheme.Light)
    _State.tokens = DARK if dark else LIGHT
    application.setStyleSheet("")  # under which each step would style every widget
    if application.style().objectName() != "fusion":
        application.setStyle("Fusion")
    application.setFont(body_font())
    application.setPalette(_palette(_State.tokens))
    application.setStyleSheet(_style_sheet(_State.tokens))
    configure_plots()
    return _State.tokens


@contextmanager
def styled_at_once() -> Iterator[None]:
    """Style what is made inside at the end, all of it at once.

    Under a style sheet Qt styles a widget that gets a parent anew, and all that lies in it: what
    is put together from the inside out is styled once for each of its levels.
    """
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        raise RuntimeError("there are no widgets without an application")
    sheet = application.styleSheet()
    application.setStyleSheet("")
    try:
        yield
    finally:
        application.setStyleSheet(sheet)


def configure_plots() -> None:
    """Tell pyqtgraph the colours, once something has loaded it: it is slow to load."""
    plots = sys.modules.get("pyqtgraph")
    if plots is not None:
        plots.setConfigOptions(
            background=_State.tokens.surface,
            foreground=_State.tokens.muted,
            antialias=True,
            imageAxisOrder="row-major",
        )


def body_font() -> QFont:
    """Font of all texts but titles, with Simplified Chinese faces named for each platform.

    In a Chinese window those come first: Latin letters then have the weight and the height of the
    characters around them, and no other face is picked for single characters.
    """
    latin, chinese = _FAMILIES.get(sys.platform, _FAMILIES["linux"])
    families = [*latin, QFont().defaultFamily()]
    font = QFont()
    font.setFamilies(
        [*chinese, *families] if current_language() == "zh_CN" else [*families, *chinese]
    )
    font.setPointSizeF(BODY_POINTS)
    font.setWeight(QFont.Weight.Normal)
    return font


def set_role(widget: QWidget, role: str) -> None:
    """Style ``widget`` by a role of the style sheet: ``title``, ``muted``, ``primary`` etc."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def _palette(t: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for key, value in {
        role.Window: t.window,
        role.WindowText: t.text,
        role.Base: t.surface,
        role.AlternateBase: t.window,
        role.Text: t.text,
        role.Button: t.surface,
        role.ButtonText: t.text,
        role.BrightText: t.danger,
        role.ToolTipBase: t.surface,
        role.ToolTipText: t.text,
        role.PlaceholderText: t.muted,
        role.Highlight: t.accent,
        role.HighlightedText: t.on_accent,
        role.Accent: t.accent,
        role.Link: t.accent,
        role.LinkVisited: t.accent,
        role.Mid: t.border,
        role.Light: t.surface,
        role.Midlight: t.hover,
        role.Dark: t.border,
        role.Shadow: t.border,
    }.items():
        palette.setColor(key, QColor(value))
    faded = QColor(t.muted)
    faded.setAlphaF(0.6)
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, faded)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(t.border))
    return palette


def _url(name: str) -> str:
    """Return a picture for the style sheet, which cannot be tinted."""
    return f'url("{(_ICONS_DIR / f"{name}.svg").as_posix()}")'


def _style_sheet(t: Tokens) -> str:
    half = GRID // 2
    return f"""
QToolTip {{ background: {t.surface}; color: {t.text}; border: 1px solid {t.border};
  padding: {half}px; }}
QLabel[role="title"] {{ font-size: {TITLE_POINTS}pt; font-weight: 600; }}
QLabel[role="heading"] {{ font-weight: 600; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="warning"] {{ color: {t.warning}; }}
QLabel[role="danger"] {{ color: {t.danger}; }}
QLabel[role="success"] {{ color: {t.success}; }}
QFrame[role="card"] {{ background: {t.surface}; border: 1px solid {t.border};
  border-radius: {RADIUS}px; }}
QFrame[role="drop"] {{ background: {t.accent_soft}; border: 2px dashed {t.accent};
  border-radius: {RADIUS}px; }}
QFrame[role="problem"], QFrame[role="caution"] {{ background: {t.surface};
  border: 1px solid {t.border}; border-left: 4px solid {t.danger}; border-radius: {RADIUS}px; }}
QFrame[role="caution"] {{ border-left-color: {t.warning}; }}
QFrame[role="bar"] {{ background: {t.surface}; border: none; }}
QFrame[role="line"] {{ background: {t.border}; border: none; }}
QWidget[role="surface"] {{ background: {t.surface}; }}
QDialogButtonBox, QMessageBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QPushButton {{ background: {t.surface}; color: {t.text}; border: 1px solid {t.border};
  border-radius: {RADIUS}px; padding: {half + 1}px {GRID + half}px; min-height: 20px; }}
QPushButton:hover {{ background: {t.hover}; }}
QPushButton:focus {{ border: 1px solid {t.accent}; }}
QPushButton:disabled {{ color: {t.muted}; background: {t.window}; }}
QPushButton[role="primary"] {{ background: {t.accent}; color: {t.on_accent};
  border-color: {t.accent}; font-weight: 600; }}
QPushButton[role="primary"]:focus {{ border: 2px solid {t.focus}; padding: {half}px {GRID + 3}px; }}
QPushButton[role="primary"]:disabled {{ background: {t.border}; color: {t.muted};
  border-color: {t.border}; }}
QPushButton[role="link"] {{ border: none; background: transparent; color: {t.accent};
  text-align: left; padding: {half}px 0; }}
QPushButton[role="link"]:hover, QPushButton[role="link"]:focus {{ text-decoration: underline; }}
QPushButton[role="danger"] {{ color: {t.danger}; }}
QToolButton {{ background: transparent; color: {t.text}; border: 1px solid transparent;
  border-radius: {RADIUS}px; padding: {half}px; }}
QToolButton:hover {{ background: {t.hover}; }}
QToolButton:focus {{ border: 1px solid {t.accent}; }}
QToolButton:checked {{ background: {t.accent_soft}; }}
QToolButton:disabled {{ color: {t.muted}; }}
QToolButton[role="step"] {{ text-align: left; padding-left: {GRID}px; font-weight: 600; }}
QToolButton[role="step"]:checked {{ color: {t.accent}; }}
QToolButton[role="fold"] {{ padding-left: 0; }}
QToolButton[role="project"] {{ font-weight: 600;
  padding: {half}px {GRID * 3}px {half}px {GRID}px; }}
QToolButton[role="tile"] {{ background: {t.surface}; border: 1px solid {t.border};
  padding: {half}px {GRID}px; min-height: 18px; }}
QToolButton[role="tile"]:hover {{ background: {t.hover}; }}
QToolButton[role="tile"]:checked {{ background: {t.accent_soft}; border: 1px solid {t.accent}; }}
QToolButton[role="tile"]:focus {{ border: 1px solid {t.accent}; }}
QToolButton::menu-indicator {{ image: none; }}
QToolButton[role="project"]::menu-indicator {{ image: {_url("style-arrow-down")}; width: 14px;
  height: 14px; subcontrol-origin: padding; subcontrol-position: center right; right: {half}px; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{ background: {t.surface}; color: {t.text};
  border: 1px solid {t.border}; border-radius: {RADIUS}px; padding: 3px 6px; min-height: 22px;
  selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{
  border: 1px solid {t.accent}; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {{
  background: {t.window}; color: {t.muted}; }}
QComboBox {{ padding-right: {half}px; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{ image: {_url("style-arrow-down")}; width: 14px; height: 14px; }}
QComboBox QAbstractItemView {{ background: {t.surface}; border: 1px solid {t.border};
  outline: none; selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
QAbstractSpinBox QLineEdit {{ border: none; background: transparent; padding: 0 {half}px;
  min-height: 18px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 18px;
  background: transparent; }}
QAbstractSpinBox::up-arrow {{ image: {_url("style-arrow-up")}; width: 10px; height: 10px; }}
QAbstractSpinBox::down-arrow {{ image: {_url("style-arrow-down")}; width: 10px; height: 10px; }}
QCheckBox::indicator, QTableView::indicator {{ width: 16px; height: 16px;
  border: 1px solid {t.muted}; border-radius: {half}px; background: {t.surface}; }}
QCheckBox::indicator:focus {{ border-color: {t.accent}; }}
QCheckBox::indicator:checked, QTableView::indicator:checked {{
  background: {t.accent}; border-color: {t.accent};
  image: {_url("style-check-dark" if t.dark else "style-check-light")}; }}
QCheckBox::indicator:disabled {{ border-color: {t.border}; background: {t.window}; }}
QScrollBar {{ background: transparent; border: none; margin: 0; }}
QScrollBar:vertical {{ width: 10px; }}
QScrollBar:horizontal {{ height: 10px; }}
QScrollBar::handle {{ background: {t.border}; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: {GRID * 4}px; }}
QScrollBar::handle:horizontal {{ min-width: {GRID * 4}px; }}
QScrollBar::handle:hover {{ background: {t.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QListView, QTreeView, QTableView, QPlainTextEdit {{ background: {t.surface};
  border: 1px solid {t.border}; border-radius: {RADIUS}px; }}
QListView[role="plain"], QTreeView[role="plain"], QTableView[role="plain"],
QListView[role="grid"] {{ border: none;
  background: transparent; }}
QListView::item, QTreeView::item, QTableView::item {{ padding: 3px {half}px; }}
QListView[role="grid"]::item {{ padding: 0; }}
QListView::item:hover, QTreeView::item:hover {{ background: {t.hover}; color: {t.text}; }}
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected {{
  background: {t.accent_soft}; color: {t.text}; }}
QHeaderView, QTableCornerButton::section {{ background: {t.surface}; border: none; }}
QHeaderView::section:vertical {{ border-bottom: none; padding: 3px {half}px; }}
QHeaderView::section {{ background: {t.surface}; color: {t.muted}; border: none;
  border-bottom: 1px solid {t.border}; padding: {half}px; }}
QSlider::groove:horizontal {{ height: {half}px; border-radius: 2px; background: {t.border}; }}
QSlider::sub-page:horizontal {{ border-radius: 2px; background: {t.accent}; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px;
  background: {t.accent}; }}
QSlider::handle:horizontal:focus {{ background: {t.focus}; }}
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{
  background: {t.muted}; }}
QProgressBar {{ background: {t.border}; border: none; border-radius: 3px; max-height: 6px;
  min-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QSplitter::handle {{ background: {t.border}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}
QSplitter[role="gap"]::handle {{ background: transparent; }}
QScrollArea {{ border: none; background: transparent; }}
QScrollArea > QWidget > QWidget[role="scrolled"] {{ background: transparent; }}
QMenu {{ background: {t.surface}; border: 1px solid {t.border}; padding: {half}px; }}
QMenu::item {{ padding: {half}px {GRID * 3}px; border-radius: {half}px; }}
QMenu::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
QMenu::item:disabled {{ color: {t.muted}; }}
QMenu::separator {{ height: 1px; background: {t.border}; margin: {half}px; }}
QTabBar::tab {{ background: transparent; color: {t.muted}; border: none;
  padding: {GRID - 2}px {GRID + half}px; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {t.border}; }}
"""
