"""How paddle's tracer treats the networks' code."""

from __future__ import annotations

import sys

import paddle


def trace_as_written(module_name: str) -> None:
    """Let paddle's tracer run a module's functions as they are instead of rewriting them first.

    The networks' Python decides only on what is fixed while tracing (names, counts, options), so
    that rewriting changes nothing but the time: 50 s for HRNet against 1 s.
    """
    paddle.jit.ignore_module([sys.modules[module_name]])
