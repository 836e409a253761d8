"""English or Chinese."""

from __future__ import annotations

import pytest

from core.serve.languages import CHINESE, ENGLISH, choose_language, in_language
from core.system.messages import Message, message


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", ENGLISH),
        ("*", ENGLISH),
        ("zh", CHINESE),
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        ("ZH-hans-SG", CHINESE),
        ("en;q=0.5, zh;q=0.6", CHINESE),
        ("en, zh;q=0.6", ENGLISH),
        ("fr, de;q=0.9", ENGLISH),
        ("zh;q=0", ENGLISH),
        ("zh;q=nonsense", ENGLISH),
        (";;q=,,", ENGLISH),
        (",".join(["fr"] * 10_000 + ["zh"]), ENGLISH),
    ],
)
def test_the_language_that_is_wanted_most(accepted, language):
    assert choose_language(accepted) == language


def test_sentences_are_translated_and_filled():
    sentence = message("The file has more than {count} bytes.", count=5)
    assert in_language(sentence, ENGLISH) == "The file has more than 5 bytes."
    assert in_language(sentence, CHINESE) == "文件超过 5 字节。"


def test_what_has_no_translation_stays_english():
    sentence = message("Nobody ever translated {this}.", this="this")
    assert in_language(sentence, CHINESE) == "Nobody ever translated this."


def test_a_translation_with_other_places_is_not_used(monkeypatch):
    monkeypatch.setattr("core.serve.languages._catalogue", lambda language: {"{a}": "{b}"})
    assert in_language(Message("{a}", {"a": 1}), CHINESE) == "1"


def test_a_broken_catalogue_leaves_english(monkeypatch, tmp_path):
    from core.serve import languages

    (tmp_path / "zh_CN.po").write_text("msgid broken", encoding="utf-8")
    monkeypatch.setattr(languages, "_CATALOGUES", tmp_path)
    languages._catalogue.cache_clear()
    assert in_language(message("The service is ending."), CHINESE) == "The service is ending."
    languages._catalogue.cache_clear()
