"""What of a bundle's files depends on the model: README in both languages, the C++ header."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

from core.portable.conditions import quoted
from core.portable.manifest import Manifest
from core.portable.rules import parse_rules, unnamed_classes
from core.portable.selftest import BOUNDS

_FILES: Final = Path(__file__).parent / "files"
READMES: Final = {"en": "README.md", "zh_CN": "README.zh_CN.md"}
_WORDS: Final = {
    "en": {
        "and": " and ",
        "samples": "There are $count samples.",
        "no_samples": "This bundle has no sample images: only the files are checked, and whether "
        "the model computes an even image.",
        "rules": "The rules of this bundle:\n\n$rules",
        "unnamed": "No rule is about $classes. Objects of a class without a rule are found and\n"
        "stand in the results, but decide nothing: an image is no reject because of them.",
        "no_rules": "This bundle has no rules: $default Rules are given with `--rule`, such as\n"
        "`--rule '$rule'`.",
        "any_rejects": "any object of a class other than $background rejects the image.",
        "no_background": "no class is the background, and every image is inconclusive.",
        "tiling": " Images larger than $width×$height pixels are computed in windows that share "
        "$overlap pixels (`portable/tiling.py`).",
    },
    "zh_CN": {
        "and": "、",
        "samples": "共有 $count 张样例。",
        "no_samples": "本文件夹没有样例图像：只核对文件，并检查模型能否计算一张均匀的图像。",
        "rules": "本文件夹的规则：\n\n$rules",
        "unnamed": "没有规则涉及 $classes。没有规则的类别，其目标会被检测并写入结果，"
        "但不参与判定：图像不会因此不合格。",
        "no_rules": "本文件夹没有规则：$default可用 `--rule` 给出规则，例如\n`--rule '$rule'`。",
        "any_rejects": "只要出现 $background 以外类别的目标，图像即不合格。",
        "no_background": "没有背景类别，因此所有图像均无法判定。",
        "tiling": "大于 $width×$height 像素的图像会分成相互重叠 $overlap 像素的窗口来计算"
        "（`portable/tiling.py`）。",
    },
}


def readme(manifest: Manifest, language: str, *, samples: int) -> str:
    """Return the README of a bundle.

    Args:
        manifest: of the model.
        language: a key of ``READMES``.
        samples: number of sample images.

    Raises:
        PortableError: a rule of the manifest makes no sense.
    """
    words = _WORDS[language]
    background = None if manifest.background is None else manifest.labels[manifest.background]
    objects = [label for label in manifest.labels if label != background]
    tiling = manifest.tiling
    rules = "\n".join(f"- `{rule}`" for rule in manifest.rules)
    parsed = parse_rules(manifest.rules, manifest.labels, background=manifest.background)
    if unnamed := unnamed_classes(parsed, objects):
        named = Template(words["unnamed"]).substitute(classes=words["and"].join(unnamed))
        rules = f"{rules}\n\n{named}"
    default = Template(words["no_background" if background is None else "any_rejects"])
    return Template((_FILES / READMES[language]).read_text(encoding="utf-8")).safe_substitute(
        model=manifest.model,
        defects=words["and"].join(objects),
        classes="\n".join(f"- {index}: {label}" for index, label in enumerate(manifest.labels)),
        samples=Template(words["samples" if samples else "no_samples"]).substitute(count=samples),
        rules=Template(words["rules" if rules else "no_rules"]).substitute(
            rules=rules,
            default=default.substitute(background=background),
            rule=f"any {quoted(objects[0])} longer than 20 px -> reject",
        ),
        bound=f"{BOUNDS[manifest.precision]:.2%}",
        input=manifest.input.name,
        label_map=manifest.outputs["label_map"],
        scores=manifest.outputs["scores"],
        order=manifest.input.color_order,
        tiling=""
        if tiling is None
        else Template(words["tiling"]).substitute(
            width=tiling.width, height=tiling.height, overlap=tiling.overlap
        ),
    )


def cpp_header(manifest: Manifest) -> str:
    """Return ``classes.h`` of the C++ sample."""
    names = ",\n".join(f"    {_cpp_text(label)}" for label in manifest.labels)
    tiling = manifest.tiling
    width, height = (0, 0) if tiling is None else (tiling.width, tiling.height)
    return f"""// What the model is; written with the bundle.
#pragma once

#include <cstddef>

namespace classes {{

inline constexpr std::size_t count = {manifest.num_classes};
// In UTF-8.
inline constexpr const char* names[count] = {{
{names},
}};
inline constexpr const char* input_name = {_cpp_text(manifest.input.name)};
inline constexpr const char* label_map_name = {_cpp_text(manifest.outputs["label_map"])};
inline constexpr bool input_is_rgb = {str(manifest.input.color_order == "RGB").lower()};
// Larger pictures are to be computed in windows; 0: in none.
inline constexpr std::size_t window_width = {width};
inline constexpr std::size_t window_height = {height};

}}  // namespace classes
"""


def _cpp_text(text: str) -> str:
    """Return a C++ literal in ASCII of a text in UTF-8."""
    plain = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8")
    )
    return f'"{"".join(plain)}"'
