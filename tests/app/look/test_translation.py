"""Translation: every text has a Chinese one with the same places, and switching works."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
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
#: Copied into bundles, where sentences have no two forms.
_COUNTS_NOTHING = ("core/portable",)
_COUNTED = re.compile(r"\{(?P<place>\w+)(?::,)?\} (?:[a-z]+ ){0,1}?(?P<noun>[a-z]+s)\b")
_NOUNS = frozenset(
    [
        "images",
        "classes",
        "masks",
        "files",
        "annotations",
        "shapes",
        "categories",
        "colours",
        "frames",
        "pixels",
        "objects",
        "epochs",
        "cores",
        "times",
        "steps",
        "weights",
        "sentences",
        "parts",
        "alarms",
        "pages",
        "boxes",
        "lines",
        "names",
        "runs",
        "models",
        "minutes",
        "evaluations",
        "batches",
        "points",
        "areas",
        "results",
        "folders",
        "groups",
        "drafts",
    ]
)
_OF_MANY = ("more than {count}", "{thresholds}")
#: Places of limits and sizes.
_NEVER_ONE = frozenset(
    [
        "height",
        "width",
        "image_height",
        "mask_height",
        "limit",
        "least",
        "most",
        "wanted",
        "side",
        "factor",
        "num_classes",
        "ratio",
        "size",
        "file",
        "name",
        "folder",
        "thresholds",
        "channels",
        "own",
        "speed",
        "tool",
        "device",
        "url",
        "given",
        "loss",
    ]
)


def templates(only: str = "") -> Iterator[tuple[str, str]]:
    """Every literal template in the source with the place where it stands; ``only``: of a call."""
    for name, text, place in _calls():
        if not only or name == only:
            yield text, place


@cache
def _calls() -> tuple[tuple[str, str, str], ...]:
    """Function, template and place; all sources take seconds to read."""
    found = []
    for folder in ("app", "core"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
                for argument in node.args[: _FUNCTIONS.get(name, 0)]:
                    for text in _literals(argument):
                        found.append((name, text, f"{path.relative_to(ROOT)}:{node.lineno}"))
    return tuple(found)


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


def test_counted_things_have_a_form_for_one():
    """“1 images” is never said: a place before a plural has both forms, or ``trn`` chooses."""
    whole = {text for text, _ in templates(only="trn")}
    wrong = {
        f"{where}: {found.group(0)}"
        for text, where in templates()
        if text not in whole
        and not where.startswith(_COUNTS_NOTHING)
        and not any(part in text for part in _OF_MANY)
        for found in _COUNTED.finditer(text)
        if found.group("place") not in _NEVER_ONE and found.group("noun") in _NOUNS
    }
    assert not wrong, "\n".join(sorted(wrong))
    assert len({text for text, _ in templates() if "|" in text}) > 100


def test_one_thing_and_several_in_both_languages(qapp):
    sentence = message("{count} {count:image has|images have} no mask yet.", count=1)
    several = message(sentence.template, count=21)
    assert [str(sentence), str(several)] == [
        "1 image has no mask yet.",
        "21 images have no mask yet.",
    ]
    assert tr(sentence.template, count="1") == str(sentence)
    set_language("zh_CN")
    assert translated(sentence) == translated(several).replace("21", "1") != str(sentence)


def test_subsets_are_named_within_sentences(qapp):
    template = (
        "The {subset} subset has only {count} {count:image|images}; its figures will say little."
    )
    tiny = message(template, subset="val", count=3)
    assert "val subset" in str(tiny) and "validation subset" in translated(tiny)
    set_language("zh_CN")
    assert translated(tiny).startswith("验证集") and "val" not in translated(tiny)


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
