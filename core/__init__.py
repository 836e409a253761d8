"""Engine, project and command line; ``import core as pdx`` gives PaddleX's names.

``seg``, ``datasets``, ``transforms``, ``load_model`` and the like are loaded on first use, so that
importing ``core`` (or any paddle-free part of it) stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from core.system.matrix_kernels import use_fast_matrix_kernels

if TYPE_CHECKING:
    from core import datasets, seg, transforms, utils
    from core.images.drawing import visualize as visualize_seg
    from core.seg.loading import load_model

__all__ = ["datasets", "load_model", "seg", "transforms", "utils", "visualize_seg"]

_FUNCTIONS = {
    "load_model": ("core.seg.loading", "load_model"),
    "visualize_seg": ("core.images.drawing", "visualize"),
}

#: Folder with published weights, looked at before all others; PaddleX's name for it.
pretrain_dir: str | None = None

# Here, because every part of the program passes here before Paddle computes anything.
use_fast_matrix_kernels()


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        module, function = _FUNCTIONS[name]
        return getattr(importlib.import_module(module), function)
    if name in __all__:
        return importlib.import_module(f"core.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
