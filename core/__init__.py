"""Engine, project and command line; ``import core as pdx`` gives PaddleX's names.

``seg``, ``datasets``, ``transforms`` and ``load_model`` are loaded on first use, so that importing
``core`` (or any paddle-free part of it) stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from core.matrix_kernels import use_fast_matrix_kernels

if TYPE_CHECKING:
    from core import datasets, seg, transforms
    from core.segmenter import load_model

__all__ = ["datasets", "load_model", "seg", "transforms"]

# Here, because every part of the program passes here before Paddle computes anything.
use_fast_matrix_kernels()


def __getattr__(name: str) -> Any:
    if name == "load_model":
        return importlib.import_module("core.segmenter").load_model
    if name in __all__:
        return importlib.import_module(f"core.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
