"""Where things lie in an installation; the same in all products."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.system import installation
from product.platforms import Platform


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of an installation at ``root`` (docs/decisions/0026).

    Attributes:
        root: the installation's folder, which may lie anywhere and be moved.
        platform: the system that it is for.
    """

    root: Path
    platform: Platform

    @property
    def launcher(self) -> Path:
        """What users start."""
        return self.root / f"maskwright{self.platform.executable_suffix}"

    @property
    def python(self) -> Path:
        """The interpreter's folder."""
        return self.root / "python"

    @property
    def interpreter(self) -> Path:
        """The interpreter itself; beside it lies its search path, ``search_path``."""
        name = "python3" if self.platform.name == "linux" else "python.exe"
        return self.python / name

    @property
    def search_path(self) -> Path:
        """The file that is the interpreter's whole ``sys.path``, whatever its environment says."""
        name = "python3._pth" if self.platform.name == "linux" else "python311._pth"
        return self.python / name

    @property
    def packages(self) -> Path:
        """Everybody else's packages."""
        return self.root / "packages"

    @property
    def program(self) -> Path:
        """Our own: ``app``, ``core``, ``resources``, ``main.py``."""
        return self.root / "program"

    @property
    def tools(self) -> Path:
        """Programs that are run, not imported: uv."""
        return self.root / "tools"

    @property
    def licences(self) -> Path:
        """Notices of all that is shipped, a folder each, and an index."""
        return self.root / "licences"

    @property
    def bill_of_materials(self) -> Path:
        """What is shipped, for machines: CycloneDX."""
        return self.root / "sbom.cdx.json"

    @property
    def installation_file(self) -> Path:
        """What the program reads of how it was laid down."""
        return self.root / installation.FILE_NAME

    def write_search_path(self, standard_library: tuple[str, ...]) -> None:
        """Write ``search_path``.

        Args:
            standard_library: entries for the interpreter's own modules, relative to its folder.
        """
        lines = (*standard_library, "../packages", "../program")
        self.search_path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def write_installation_file(
        self, *, version: str, kind: installation.Kind, update_url: str | None
    ) -> None:
        """Write what ``core.system.installation`` reads."""
        known = installation.Installation(version=version, kind=kind, update_url=update_url)
        text = known.model_dump_json(exclude={"root"}, indent=2)
        self.installation_file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
