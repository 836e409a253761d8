"""Sizes, operations and times of a model as text."""

from __future__ import annotations

from app.look.translation import tr


def size_text(size_bytes: int) -> str:
    """Return a file's size."""
    megabytes = size_bytes / 1e6
    if megabytes < 10:
        return tr("{megabytes:.2f} MB", megabytes=megabytes)
    return tr("{megabytes:.1f} MB", megabytes=megabytes)


def flops_text(flops: int) -> str:
    """Return a number of operations."""
    if flops < 1e9:
        return tr("{millions:.0f} M", millions=flops / 1e6)
    return tr("{billions:.2f} G", billions=flops / 1e9)


def latency_text(milliseconds: float) -> str:
    """Return a time for one image."""
    digits = 1 if milliseconds >= 10 else 2
    return tr("{milliseconds} ms", milliseconds=f"{milliseconds:.{digits}f}")
