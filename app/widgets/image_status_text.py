"""What the subset and the state of an image are called."""

from __future__ import annotations

from app.look.translation import tr
from core.project import ImageSubset, State


def subset_name(subset: ImageSubset) -> str:
    """Return a subset for people."""
    return {
        "train": tr("Training"),
        "val": tr("Validation"),
        "test": tr("Test"),
        "none": tr("No subset"),
    }[subset]


def state_name(state: State) -> str:
    """Return how far an image's labelling is, for people."""
    return {
        "unlabelled": tr("Not labelled"),
        "draft": tr("Draft"),
        "labelled": tr("Labelled"),
        "reviewed": tr("Reviewed"),
    }[state]
