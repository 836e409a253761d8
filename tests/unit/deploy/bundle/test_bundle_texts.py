"""What a bundle says of its model, in both languages and in C++."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.deploy.bundle.bundle_texts import READMES, cpp_header, readme
from core.portable.manifest import Manifest, Tiling
from core.portable.rules import parse_rule

PLAIN = Manifest(format="onnx", model="UNet", labels=("bg", "Fine crack", "Hole"), background=0)


@pytest.mark.parametrize("language", READMES)
def test_readmes_say_what_the_model_is(language):
    text = readme(PLAIN, language, samples=3)
    assert "$" not in text.replace('"$(python', "").replace('"$(id', "")
    for words in ("UNet", "Fine crack", "- 2: Hole", "1024×1024", "0.01%", "BGR", "selftest"):
        assert words in text, words
    assert "3" in text and 'any "Fine crack" longer than 20 px -> reject' in text
    parse_rule('any "Fine crack" longer than 20 px -> reject', PLAIN.labels, background=0)
    other = replace(
        PLAIN, precision="int8", rules=("any Hole -> warn",), tiling=None, background=None
    )
    text = readme(other, language, samples=0)
    assert "- `any Hole -> warn`" in text and "0.50%" in text and "1024×1024" not in text
    assert text != readme(other, language, samples=1)


@pytest.mark.parametrize("language", READMES)
def test_readmes_name_the_classes_that_decide_nothing(language):
    def said(*rules):
        text = readme(replace(PLAIN, rules=rules), language, samples=1)
        return [
            line
            for line in text.splitlines()
            if "No rule is about" in line or "没有规则涉及" in line
        ]

    (line,) = said("any Hole -> warn")
    assert "Fine crack" in line and "Hole" not in line
    assert said() == said("any object -> reject") == []
    assert said("any Hole -> warn", 'any "Fine crack" -> reject') == []


def test_readmes_have_the_same_parts():
    def parts(language):
        lines = readme(PLAIN, language, samples=1).splitlines()
        return [line.split()[0] for line in lines if line.startswith(("#", "|", "    "))]

    first, second = (parts(language) for language in READMES)
    assert first == second and len(first) > 25


def test_the_header_holds_any_name():
    manifest = replace(
        PLAIN, labels=("bg", 'a"b\\c??/', "裂纹1"), tiling=Tiling(width=64, height=32, overlap=8)
    )
    text = cpp_header(manifest)
    assert text.isascii()
    assert r'"a\042b\134c\077\077/"' in text
    assert r'"\350\243\202\347\272\2711"' in text
    assert "window_width = 64" in text and "window_height = 32" in text
    assert "input_is_rgb = false" in text
