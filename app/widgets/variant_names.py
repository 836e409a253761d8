"""What a variant is called, and its numbers as text."""

from __future__ import annotations

from app.look.translation import tr
from core.project.variants import ModelVariant, VariantKind


def variant_name(variant: ModelVariant) -> str:
    """Return what was done to a model, such as ``pruned −40 % + int8``."""
    parts = []
    if variant.kind in (VariantKind.PRUNED, VariantKind.PRUNED_INT8):
        parts.append(tr("pruned −{percent:.0f} %", percent=100 * variant.removed))
    if variant.kind in (VariantKind.INT8, VariantKind.PRUNED_INT8):
        parts.append(tr("int8, trained") if variant.trained else tr("int8"))
    return " + ".join(parts) or tr("float")


def model_name(variant: ModelVariant) -> str:
    """Return the run's name and what was done to it."""
    return f"{variant.run_name} · {variant_name(variant)}"


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
