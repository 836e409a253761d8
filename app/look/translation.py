"""The window's language: English in the source, other languages from gettext catalogues.

Templates are looked up as they stand and filled afterwards, so that translators see the places:
``tr("{count} {count:image|images}", count=3)``.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import polib
from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from core.system.messages import Message, fill, message

LANGUAGES: dict[str, str] = {"en": "English", "zh_CN": "简体中文"}
TRANSLATIONS_DIR = Path(__file__).resolve().parents[2] / "resources" / "translations"
#: Places whose values are names of subsets, and what people call these within a sentence.
_SUBSET_PLACES = ("subset", "other_subset")
_SUBSETS = {
    "train": message("training"),
    "val": message("validation"),
    "test": message("test"),
}
_log = logging.getLogger(__name__)


class _State:
    language = "en"
    catalogue: dict[str, str] = {}  # noqa: RUF012 - replaced as a whole, never changed in place
    qt_translator: QTranslator | None = None


def tr(template: str, /, **params: Any) -> str:
    """Return ``template`` in the current language, with ``params`` put into its places."""
    return _fill(_State.catalogue.get(template, template), template, params)


def trn(singular: str, plural: str, /, count: int, **params: Any) -> str:
    """Like ``tr`` for a counted thing; ``{count}`` is the number with thousands separators."""
    template = singular if count == 1 else plural
    return tr(template, count=f"{count:,}", **params)


def translated(sentence: Message | str) -> str:
    """Return a sentence of ``core`` in the current language."""
    if isinstance(sentence, str):
        return _State.catalogue.get(sentence, sentence)
    params = dict(sentence.params)
    for place in _SUBSET_PLACES:
        if (name := _SUBSETS.get(params.get(place, ""))) is not None:
            params[place] = tr(name.template)
    return tr(sentence.template, **params)


def current_language() -> str:
    """Return ``"en"`` or ``"zh_CN"``."""
    return _State.language


def system_language() -> str:
    """Return the language of ``LANGUAGES`` that suits the desktop's settings best."""
    chinese = QLocale.system().language() == QLocale.Language.Chinese
    return "zh_CN" if chinese else "en"


def set_language(language: str) -> None:
    """Switch texts to ``language`` (``auto``: the desktop's); built widgets keep their texts."""
    chosen = system_language() if language == "auto" else language
    if chosen not in LANGUAGES:
        raise ValueError(f"no such language: {language!r}")
    _State.language = chosen
    _State.catalogue = {} if chosen == "en" else load_catalogue(chosen)
    QLocale.setDefault(QLocale(chosen))
    _install_qt_texts(chosen)


def load_catalogue(language: str) -> dict[str, str]:
    """Read ``resources/translations/<language>.po`` into template → translation."""
    path = TRANSLATIONS_DIR / f"{language}.po"
    try:
        entries = polib.pofile(str(path))
    except (OSError, UnicodeDecodeError, ValueError):
        _log.exception("catalogue %s could not be read; the texts stay English", path)
        return {}
    return {entry.msgid: entry.msgstr for entry in entries if entry.translated()}


def _install_qt_texts(language: str) -> None:
    """Translate Qt's own texts too (buttons of standard dialogs, context menus)."""
    application = QCoreApplication.instance()
    if application is None:
        return
    if _State.qt_translator is not None:
        application.removeTranslator(_State.qt_translator)
        _State.qt_translator = None
    if language == "en":
        return
    translator = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(f"qtbase_{language}", folder):
        application.installTranslator(translator)
        _State.qt_translator = translator
    else:
        _log.warning("Qt's own texts for %s are missing in %s", language, folder)


def _fill(text: str, template: str, params: dict[str, Any]) -> str:
    if not params:
        return text
    try:
        return fill(text, params)
    except (KeyError, IndexError, ValueError):
        _log.exception("translation of %r does not fit its places", template)
        return fill(template, params)
