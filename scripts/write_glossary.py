"""Write docs/guide/glossary.md from the window's words: app/look/glossary.py.

python scripts/write_glossary.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.look.glossary import TERMS, Term
from app.look.translation import load_catalogue

PAGE = ROOT / "docs" / "guide" / "glossary.md"
_HEAD = """# Words and numbers

What the window underlines with dots; a click there, or F1, opens these entries. They are written by
`scripts/write_glossary.py`.

| word | is | 中文 |
|---|---|---|
"""


def page() -> str:
    """Return the page as Markdown, with an anchor for each word."""
    chinese = load_catalogue("zh_CN")
    shown = sorted(TERMS, key=lambda one: str(one.name).casefold())
    return _HEAD + "".join(_row(one, chinese) for one in shown)


def _row(term: Term, chinese: dict[str, str]) -> str:
    name, text = term.name.template, term.text.template
    if term.page:
        text += f" [More]({term.page}.md)"
    translated = f"{chinese[name]}：{chinese[term.text.template]}"
    return f'| <a id="{term.key}"></a>**{name}** | {text} | {translated} |\n'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
