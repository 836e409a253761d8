"""What a variant of a model is called."""

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
    name = " + ".join(parts) or tr("trained model")
    return name if variant.copy == 1 else f"{name} ({variant.copy})"


def origin_text(variant: ModelVariant) -> str:
    """Return the run's name with that of its network, which most names of runs hold already."""
    if variant.network in variant.run_name:
        return variant.run_name
    return f"{variant.run_name} · {variant.network}"


def model_name(variant: ModelVariant) -> str:
    """Return the run's name and what was done to it."""
    return f"{variant.run_name} · {variant_name(variant)}"
