"""Theme: readable, on a grid, and icons that follow."""

from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QToolButton, QWidget

from app.look import icons, theme
from app.look.theme import DARK, LIGHT
from app.look.translation import set_language


def luminance(color: str) -> float:
    parts = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in QColor(color).getRgbF()[:3]
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable_on_every_ground(tokens):
    for text in ("text", "muted", "accent", "success", "warning", "danger"):
        for ground in ("window", "surface"):
            found = contrast(getattr(tokens, text), getattr(tokens, ground))
            assert found >= 4.5, f"{text} on {ground}: {found:.2f}"
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5
    assert contrast(tokens.text, tokens.accent_soft) >= 4.5
    assert contrast(tokens.text, tokens.hover) >= 4.5


def test_every_icon_named_in_the_source_exists(qapp):
    root = icons.ICONS_DIR.parent.parent
    source = "\n".join(path.read_text("utf-8") for path in (root / "app").rglob("*.py"))
    names = set(re.findall(r'set_icon\([\w.]+, "([\w-]+)"\)', source))
    names |= set(re.findall(r'(?<![\w_])icon(?::[^=\n]*)?\s*=\s*"([\w-]+)"', source))
    names |= set(re.findall(r'_url\("([\w-]+)"\)', source))
    assert len(names) > 10
    missing = [name for name in sorted(names) if not (icons.ICONS_DIR / f"{name}.svg").exists()]
    assert not missing


def test_icons_follow_the_theme(qapp):
    root = QWidget()
    button = QToolButton(root)
    theme.apply_theme(qapp, "light")
    icons.set_icon(button, "help")
    before = button.icon().pixmap(20, 20).toImage()
    theme.apply_theme(qapp, "dark")
    icons.retint_icons(root)
    after = button.icon().pixmap(20, 20).toImage()
    theme.apply_theme(qapp, "light")
    assert before != after
    brightest = max(
        after.pixelColor(x, y).lightness()
        for x in range(after.width())
        for y in range(after.height())
        if after.pixelColor(x, y).alpha() > 200
    )
    assert brightest > 200
    root.deleteLater()


def test_a_chinese_window_uses_chinese_faces_first_and_no_heavy_ones(qapp):
    english = theme.body_font()
    set_language("zh_CN")
    chinese = theme.body_font()
    set_language("en")
    assert english.weight() == chinese.weight() == QFont.Weight.Normal
    face = chinese.families()[0]
    assert face in english.families()[1:], "an English window still finds it for file names"
