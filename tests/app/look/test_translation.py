"""Translation: every text has a Chinese one with the same places, and switching works."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from PySide6.QtWidgets import QDialogButtonBox

from app.look import translation
from app.look.translation import TRANSLATIONS_DIR, set_language, tr, translated, trn
from core.system.errors import InputError
from core.system.messages import message

ROOT = TRANSLATIONS_DIR.parent.parent
_FUNCTIONS = {
    "tr": 1,
    "trn": 2,
    "message": 1,
    "InputError": 1,
    "ReadOnlyError": 1,
    "MissingFilesError": 1,
    "UnreadableFilesError": 1,
    "PortableError": 1,
    "_refused": 1,
    "template": 1,
}
_ONLY_FOR_TERMINALS = ("core/cli",)


def templates() -> Iterator[tuple[str, str]]:
    """Every literal template in the source with the place where it stands."""
    for folder in ("app", "core"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
                for argument in node.args[: _FUNCTIONS.get(name, 0)]:
                    for text in _literals(argument):
                        yield text, f"{path.relative_to(ROOT)}:{node.lineno}"


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(TRANSLATIONS_DIR / "zh_CN.po"))


def test_every_text_has_a_translation(catalogue):
    known = {entry.msgid for entry in catalogue if entry.translated()}
    missing = {
        text: where
        for text, where in templates()
        if text not in known
        and any(letter.isalpha() for letter in text)
        and not where.startswith(_ONLY_FOR_TERMINALS)
    }
    listing = "\n".join(f"{where}: {text!r}" for text, where in missing.items())
    assert not missing, f"{len(missing)} texts without a Chinese translation:\n{listing}"


def test_translations_have_the_same_places(catalogue):
    wrong = [
        entry.msgid
        for entry in catalogue
        if entry.translated() and places(entry.msgid) != places(entry.msgstr)
    ]
    assert not wrong


def test_catalogue_has_no_leftovers_and_no_fuzzy_entries(catalogue):
    used = {text for text, _ in templates()}
    assert [entry.msgid for entry in catalogue if entry.msgid not in used] == []
    assert [entry.msgid for entry in catalogue if "fuzzy" in entry.flags] == []
    assert not [entry.msgid for entry in catalogue if entry.obsolete]


def test_templates_can_be_filled():
    for text, where in templates():
        assert all(name.isidentifier() for name in places(text)), f"{where}: {text}"


def test_languages_switch_texts_messages_and_qt_itself(qapp):
    sentence = message("{count} images", count=3)
    assert tr("Data") == "Data"
    set_language("zh_CN")
    assert tr("Data") == "数据"
    assert translated(sentence) == tr("{count} images", count=3) != "3 images"
    assert trn("{count} image", "{count} images", 1200).startswith("1,200")
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    assert box.button(QDialogButtonBox.StandardButton.Cancel).text().startswith("取消")
    box.deleteLater()
    error = InputError("The folder {folder} does not exist.", folder=Path("/数据"))
    assert "/数据" in translated(error.message) != str(error)
    set_language("en")
    assert tr("Data") == "Data"


def test_a_broken_catalogue_leaves_english(qapp, tmp_path, monkeypatch):
    (tmp_path / "zh_CN.po").write_text("msgid broken", encoding="utf-8")
    monkeypatch.setattr(translation, "TRANSLATIONS_DIR", tmp_path)
    set_language("zh_CN")
    assert tr("Data") == "Data"


def test_a_translation_with_wrong_places_does_not_break_the_window(qapp, monkeypatch):
    monkeypatch.setattr(translation._State, "catalogue", {"{count} images": "{number} 张"})
    assert tr("{count} images", count=2) == "2 images"
