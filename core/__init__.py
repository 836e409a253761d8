"""Engine, project and command line; ``import core as pdx`` gives PaddleX's names.

``seg``, ``datasets``, ``transforms``, ``load_model`` and the like are loaded on first use, so that
importing ``core`` (or any paddle-free part of it) stays cheap. ``deploy``, and ``load_model`` of an
exported model, bring no paddle in.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from core.portable.telemetry import switch_telemetry_off
from core.system.matrix_kernels import use_fast_matrix_kernels

if TYPE_CHECKING:
    from core import datasets, deploy, seg, transforms, utils
    from core.deploy.any_model import load_model
    from core.images.drawing import visualize as visualize_seg

    __version__: str

__all__ = [
    "__version__",
    "datasets",
    "deploy",
    "load_model",
    "seg",
    "transforms",
    "utils",
    "visualize_seg",
]

_FUNCTIONS = {
    "load_model": ("core.deploy.any_model", "load_model"),
    "visualize_seg": ("core.images.drawing", "visualize"),
}

#: Folder with published weights, looked at before all others; PaddleX's name for it.
pretrain_dir: str | None = None

#: What ``utils.logging`` prints: 0 errors, 1 warnings too, 2 information, 3 everything.
log_level: int = 2

# Here, because every part of the program passes here before anything is computed.
use_fast_matrix_kernels()
switch_telemetry_off()


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        module, function = _FUNCTIONS[name]
        return getattr(importlib.import_module(module), function)
    if name == "__version__":
        return _version()
    if name in __all__:
        return importlib.import_module(f"core.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from core.system.installation import program_version

    return program_version()
