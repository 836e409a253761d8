"""Pages of the reference of ``core`` for mkdocs: one a package, written from its docstrings.

A hook of ``mkdocs.yml``. Nothing is imported: the modules are read as text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
#: Commands are described by the guide, tasks and layers of networks by what uses them.
LEFT_OUT = ("cli", "networks", "demo")
_HEAD = """# Reference

Written from the docstrings of `core`, a page a package. Scripts use the names of
[`import core as pdx`](../guide/from-paddlex.md); everything else is the program's own and may
change between versions. Which package is for what: [architecture](../development/architecture.md).

"""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages to those of the documentation."""
    index = [_HEAD]
    for package in _packages():
        name = ".".join(package.relative_to(ROOT).with_suffix("").parts)
        modules = list(_modules(package))
        if not modules:
            continue
        page = [f"# `{name}`\n"]
        page += [f"::: {module}\n" for module in modules]
        files.append(File.generated(config, f"api/{name}.md", content="\n".join(page)))
        index.append(f"- [`{name}`]({name}.md): {_summary(package)}\n")
    files.append(File.generated(config, "api/README.md", content="".join(index)))
    return files


def _packages() -> Iterator[Path]:
    """Yield the packages of core, and the modules at its top."""
    for path in sorted((ROOT / "core").iterdir()):
        if path.name in LEFT_OUT or path.name.startswith("_"):
            continue
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            yield path


def _modules(package: Path) -> Iterator[str]:
    """Yield the dotted names of the modules that have something public to describe."""
    files = [package] if package.suffix == ".py" else sorted(package.rglob("*.py"))
    for file in files:
        if any(part in LEFT_OUT or part == "tasks" for part in file.parts):
            continue
        parts = file.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if _describes(file):
            yield ".".join(parts)


def _describes(file: Path) -> bool:
    """Whether a module defines something public of its own."""
    return any(
        isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and ast.get_docstring(node)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
    )


def _summary(package: Path) -> str:
    """Return the first line of what a package or module says of itself."""
    file = package if package.suffix == ".py" else package / "__init__.py"
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n")[0]
