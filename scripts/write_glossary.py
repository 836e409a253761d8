"""Write docs/guide/glossary.md, and the Chinese page beside it, from app/look/glossary.py.

python scripts/write_glossary.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.look.glossary import TERMS, Term
from app.look.translation import load_catalogue

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "guide"
_HEADS = {
    "en": (
        "# Words and numbers\n\nWhat the window underlines with dots. A click there, or F1, leads "
        "here.\n"
    ),
    "zh_CN": "# 术语与数字\n\n窗口中带点状下划线的词语。点击它或按 F1 即可到达这里。\n",
}
_MORE = {"en": "More", "zh_CN": "更多"}


def pages() -> dict[Path, str]:
    """Return both pages as Markdown, a heading for each word."""
    chinese = load_catalogue("zh_CN")
    return {
        GUIDE / "glossary.md": _page("en", {}),
        GUIDE / "glossary.zh_CN.md": _page("zh_CN", chinese),
    }


def _page(language: str, catalogue: dict[str, str]) -> str:
    def entry(term: Term) -> str:
        name, text = (
            catalogue.get(part.template, part.template) for part in (term.name, term.text)
        )
        return f"\n## {name}\n\n{text} [{_MORE[language]}]({term.page}.md)\n"

    shown = sorted(TERMS, key=lambda one: str(one.name).casefold())
    return _HEADS[language] + "".join(entry(one) for one in shown)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
