"""What the layout of the code promises and import contracts cannot hold.

``python tests/support/house.py`` prints everything that breaks a promise; the tests in
``tests/unit/house`` say which promises there are.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCTION = ("core", "app", "maskwright", "main.py")
TOP_MODULES = 8
_NAMED_AFTER_OTHERS = (ROOT / "core" / "cli", ROOT / "core" / "jobs" / "tasks")
FAMILY = 4

#: Modules whose public names are PaddleX's face, called by scripts of users.
FACE = ("core", "core.datasets", "core.deploy", "core.seg", "core.transforms", "core.utils")
#: Classes that users get from the face: their public methods are called by scripts of users, too.
FACE_CLASSES = ("Segmenter", "PredictingModel", "SegDataset", "Compose", "Transform")
#: Names that a library calls: PaddlePaddle's layers, threads, logging, pickle, typer's groups,
#: uvicorn's connections and server, requests' adapters, string's formatter.
CALLED_BY_LIBRARIES = frozenset(
    {"forward", "extra_repr", "run", "emit", "find_class", "persistent_load", "write"}
    | {"invoke", "resolve_command", "format_help"}
    | {"connection_made", "connection_lost", "data_received", "pause_writing", "resume_writing"}
    | {"startup", "shutdown", "capture_signals"}
    | {"init_poolmanager", "proxy_manager_for"}
    | {"format_field"}
)
#: Decorators that hand a function over to somebody who calls it.
_REGISTERING = ("validator", "serializer", "command", "callback", "register", "override")
_PATH = re.compile(r"(?:core|app|tests|scripts|benchmarks|docs|resources)/[\w./-]+")
_DOTTED = re.compile(r"(?:core|app)(?:\.\w+)+")
_LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_WORDS_OF_A_PATH = re.compile(r"^[\w.:/-]+$")


@dataclass(frozen=True)
class Definition:
    """A function, class, method or constant of the production code.

    Attributes:
        module: dotted name.
        name: its own name.
        owner: the class that it is a method of, "" at a module's top.
        line: where it begins.
        last: its last line.
    """

    module: str
    name: str
    owner: str
    line: int
    last: int

    def __str__(self) -> str:
        owner = f"{self.owner}." if self.owner else ""
        return f"{self.module}:{self.line} {owner}{self.name}"


@dataclass(frozen=True)
class _Use:
    """A name somewhere in the code; ``kind`` is how it stands there."""

    name: str
    kind: str  # "name", "attribute", "import" (under another name), "text"
    module: str
    line: int


@dataclass
class _Module:
    name: str
    definitions: list[Definition] = field(default_factory=list)
    uses: list[_Use] = field(default_factory=list)
    imported: set[str] = field(default_factory=set)


def module_files(roots: Iterable[str] = PRODUCTION) -> Iterator[Path]:
    """Yield the Python files below ``roots``, which are relative to the repository."""
    for root in roots:
        path = ROOT / root
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def module_name(file: Path) -> str:
    """Return the dotted name of a file of the repository."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def families(roots: Iterable[str] = ("core", "app")) -> dict[str, list[str]]:
    """Return folders with four or more modules of one prefix: such a family is a package."""
    found: dict[str, list[str]] = {}
    for folder in sorted({file.parent for file in module_files(roots)}):
        stems = [file.stem for file in sorted(folder.glob("*.py")) if file.stem != "__init__"]
        by_prefix = defaultdict(list)
        for stem in stems:
            by_prefix[stem.split("_")[0]].append(stem)
        for prefix, members in by_prefix.items():
            if len(members) >= FAMILY:
                found[f"{folder.relative_to(ROOT).as_posix()}/{prefix}"] = members
    return found


def top_modules() -> list[str]:
    """Return the modules that lie loose at ``core``'s top."""
    return sorted(file.stem for file in (ROOT / "core").glob("*.py"))


def repeated_names() -> dict[str, list[str]]:
    """Return module names that occur twice within ``core`` or within ``app``.

    Commands and tasks are named after what they do, and so is what does it.
    """
    found: dict[str, list[str]] = {}
    for root in ("core", "app"):
        files = defaultdict(list)
        for file in module_files((root,)):
            if file.stem != "__init__" and file.parent not in _NAMED_AFTER_OTHERS:
                files[file.stem].append(file.relative_to(ROOT).as_posix())
        found |= {stem: paths for stem, paths in files.items() if len(paths) > 1}
    return found


def stale_paths() -> list[str]:
    """Return the modules and files that a page of the documentation names and that do not exist."""
    pages = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
    lines = []
    for page in pages:
        for text in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
            if not _exists(text.strip("/")):
                lines.append(f"{page.relative_to(ROOT).as_posix()}: {text}")
    return lines


def broken_links() -> list[str]:
    """Return the links of the documentation's pages that lead to no file of it.

    The site (``mkdocs.yml``) is not built where there are any.
    """
    docs = ROOT / "docs"
    found = []
    for page in sorted(docs.rglob("*.md")):
        for target in _LINK.findall(page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            if not (path.exists() and path.is_relative_to(docs)):
                found.append(f"{page.relative_to(ROOT).as_posix()}: {target}")
    return found


def _exists(text: str) -> bool:
    """Whether a dotted name or a path exists; True for text that is neither."""
    if _PATH.fullmatch(text):
        return (ROOT / text).exists()
    if not _DOTTED.fullmatch(text):
        return True
    parts = text.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if module.is_file():
            source = module.read_text(encoding="utf-8")
            return all(re.search(rf"\b{name}\b", source) for name in parts[length:])
    return False


def unused() -> list[Definition]:
    """Return what the production code defines and never uses: tests alone do, or nobody.

    Names are compared, not resolved: a name at a module's top counts as used where its module or
    one that imports the name reads it, and wherever it is an attribute; a method wherever an
    attribute has its name. Uses inside of what is itself unused do not count.
    """
    modules = [_read(file) for file in (*module_files(), *_programs_for_others())]
    definitions = [one for module in modules for one in module.definitions]
    imported = {module.name: module.imported for module in modules}
    uses: dict[str, list[_Use]] = defaultdict(list)
    for module in modules:
        for use in module.uses:
            uses[use.name].append(use)
    dead: list[Definition] = []
    while True:
        more = [
            one
            for one in definitions
            if one not in dead and not _is_used(one, uses[one.name], imported, dead)
        ]
        if not more:
            return sorted(dead, key=lambda one: (one.module, one.line))
        dead += more


def _programs_for_others() -> list[Path]:
    """Return the programs that ours writes for other machines; they call it there."""
    return sorted((ROOT / "core").rglob("*.py.txt"))


def used_by_tests() -> Counter[str]:
    """Count the names that tests read."""
    names: Counter[str] = Counter()
    for file in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                    names[name] += 1
    return names


def _is_used(
    one: Definition,
    uses: Iterable[_Use],
    imported: Mapping[str, set[str]],
    dead: Iterable[Definition],
) -> bool:
    return any(
        not _inside(use, one)
        and not any(_inside(use, other) for other in dead)
        and (
            use.kind != "name"
            or (not one.owner and (use.module == one.module or one.name in imported[use.module]))
        )
        for use in uses
    )


def _inside(use: _Use, one: Definition) -> bool:
    return use.module == one.module and one.line <= use.line <= one.last


def _read(file: Path) -> _Module:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    module = _Module(module_name(file))
    is_face = module.name in FACE
    exported = _all_of(tree) if is_face else set()
    for node in tree.body:
        for name, first, last in _defined(node):
            if name.startswith("__") or _is_registered(node):
                continue
            if is_face and (name in exported or not name.startswith("_")):
                continue
            module.definitions.append(Definition(module.name, name, "", first, last))
    for cls in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        module.definitions += _methods(module.name, cls, is_face=is_face)
    texts_to_skip = _docstrings(tree) | _all_texts(tree)
    for part in ast.walk(tree):
        _collect(part, module, texts_to_skip)
    return module


def _methods(module: str, cls: ast.ClassDef, *, is_face: bool) -> Iterator[Definition]:
    bases = {name for base in cls.bases for name in _IDENTIFIER.findall(ast.unparse(base))}
    for node in cls.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        name = node.name
        is_public = not name.startswith("_")
        is_qt = name != name.lower()  # snake_case is ours, everything else Qt's
        of_face = is_public and (is_face or cls.name in FACE_CLASSES or bases & set(FACE_CLASSES))
        if name.startswith("__") or is_qt or of_face or _is_registered(node):
            continue
        if bases and name in CALLED_BY_LIBRARIES:
            continue
        yield Definition(module, name, cls.name, _first_line(node), node.end_lineno or node.lineno)


def _collect(node: ast.AST, module: _Module, skip: set[int]) -> None:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            module.uses.append(_Use(name, "name", module.name, node.lineno))
        case ast.Attribute(attr=name, ctx=ast.Load()):
            module.uses.append(_Use(name, "attribute", module.name, node.lineno))
        case ast.ImportFrom(names=aliases):
            for alias in aliases:
                module.imported.add(alias.asname or alias.name)
                if alias.asname not in (None, alias.name) or module.name in FACE:
                    module.uses.append(_Use(alias.name, "import", module.name, node.lineno))
        case ast.Constant(value=str() as text) if id(node) not in skip:
            if _WORDS_OF_A_PATH.match(text):
                for name in _IDENTIFIER.findall(text):
                    module.uses.append(_Use(name, "text", module.name, node.lineno))


def _defined(node: ast.stmt) -> Iterator[tuple[str, int, int]]:
    last = node.end_lineno or node.lineno
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, _first_line(node), last
        case ast.Assign(targets=targets):
            for target in targets:
                for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(part, ast.Name):
                        yield part.id, node.lineno, last
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name, node.lineno, last


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _is_registered(node: ast.stmt) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(word in ast.unparse(one) for one in decorators for word in _REGISTERING)


def _all_of(tree: ast.Module) -> set[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def _all_texts(tree: ast.Module) -> set[int]:
    return {
        id(text)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for text in ast.walk(node.value)
    }


def _docstrings(tree: ast.Module) -> set[int]:
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def main() -> int:
    """Print what breaks a promise; returns 1 if anything does."""
    tests = used_by_tests()
    lines = [f"{one} (tests: {tests[one.name]})" for one in unused()]
    lines += [f"{folder}: {', '.join(members)}" for folder, members in families().items()]
    lines += [f"twice: {' '.join(paths)}" for paths in repeated_names().values()]
    lines += stale_paths() + broken_links()
    if len(top_modules()) > TOP_MODULES:
        lines.append(f"core's top: {', '.join(top_modules())}")
    print("\n".join(lines) or "The house is in order.")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
