"""The words that are explained: found in texts of both languages, and written into the guide."""

from __future__ import annotations

import importlib.util
import re

import polib
import pytest

from app.look.glossary import TERMS
from app.look.term_finding import explain, terms_in, with_terms
from app.look.translation import TRANSLATIONS_DIR, set_language

ROOT = TRANSLATIONS_DIR.parents[1]
_ABBREVIATION = re.compile(r"(?<![\w.<])(?:[a-z]?[A-Z]{2,}[a-z]?\d*|[A-Z]\d)(?![\w-])")
#: Known to every engineer, or the name of a file format, a company or a product.
_KNOWN = frozenset(
    re.findall(
        r"\w+",
        """CPU GPU GPUs RAM PC OK ID PNG PNGs JPEG JPEGs CSV JSON HTML PDF XML YAML UTF MB GB SSD
        USB HTTP SHA EXIF TIFF BMP COCO VOC YOLO CVAT KITTI SEG NVIDIA CUDA AVX GTX RTX SSH DISPLAY
        README TOKEN MIN SA RITM F2 V100 H100 BGR BGRA RGB GB18030 HKLM SYSTEM""",
    )
)


def keys(text: str) -> list[str]:
    return [found.term.key for found in terms_in(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Best mIoU", ["miou"]),
        ("IoU of the class", ["iou"]),
        ("cross entropy + Dice", ["cross_entropy", "dice"]),
        ("Most uncertain first (entropy)", ["entropy"]),
        ("Class weights", ["class_weights"]),
        ("Weights to start from", ["weights"]),
        ("False alarms", ["false_alarm"]),
        ("quantised to INT8, int8", ["quantisation", "int8", "int8"]),
        ("Pruned, then fine-tuned", ["pruning", "fine_tuning"]),
        ("the dice were thrown; plosses, lossy", []),
    ],
)
def test_words_are_found_as_they_are_spelt(text, expected):
    assert keys(text) == expected


def test_words_are_found_in_chinese_without_spaces(qapp):
    assert keys("学习率为 0.01") == []
    set_language("zh_CN")
    assert keys("学习率为 0.01，mIoU 与误检率") == ["learning_rate", "miou", "false_alarm"]
    assert keys("交叉熵") == ["cross_entropy"]
    assert explain("学习率").startswith("学习率：")
    assert max(map(len, explain("子集").split("\n"))) <= 40


def test_a_tooltip_keeps_its_own_sentence():
    told = with_terms("Measure the best model", "mIoU")
    assert told.startswith("Measure the best model\nmIoU: The IoU averaged")
    assert with_terms("Open", "the folder") == "Open"
    assert max(map(len, told.split("\n"))) <= 80


def test_the_page_of_the_guide_is_written_from_the_words():
    spec = importlib.util.spec_from_file_location("written", ROOT / "scripts" / "write_glossary.py")
    written = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(written)
    for path, page in written.pages().items():
        assert path.read_text("utf-8") == page, f"run scripts/write_glossary.py: {path.name}"
    assert all((ROOT / "docs" / "guide" / f"{term.page}.md").is_file() for term in TERMS)
    assert len({term.key for term in TERMS}) == len(TERMS)


def test_every_abbreviation_in_the_window_is_explained():
    texts = [entry.msgid for entry in polib.pofile(str(TRANSLATIONS_DIR / "zh_CN.po"))]
    found = {word for text in texts for word in _ABBREVIATION.findall(text)}
    assert {word for word in found - _KNOWN if not keys(word)} == set()
    assert {"IoU", "F1"} <= {word for term in TERMS for word in term.words}
    assert len(found - _KNOWN) > 3
