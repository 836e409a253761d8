"""Import every package and every module of the program with the installed interpreter.

    python.exe imports.py RESULT.json

Written: ``{"imported": N, "failed": {module: error}}``.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from importlib import metadata
from pathlib import Path

OPTIONAL = {"google", "google_crc32c", "pip"}  # a namespace of others; programs, not libraries
OURS = ("core", "app")


def package_names() -> list[str]:
    """Names that the installed distributions are imported by."""
    packages = Path(sys.prefix).parent / "packages"
    names = {
        path.stem.partition(".")[0]
        for path in packages.iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix in (".py", ".pyd")
    }
    return sorted(name for name in names - OPTIONAL if name.isidentifier())


def main() -> int:
    """Import, write, and return 0 if everything could be imported."""
    failed = {}
    names = package_names()
    for root in OURS:
        folder = Path(sys.prefix).parent / "program" / root
        names += [one.name for one in pkgutil.walk_packages([str(folder)], f"{root}.")]
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    found = {"imported": len(names), "failed": failed, "version": metadata.version("maskwright")}
    Path(sys.argv[1]).write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
