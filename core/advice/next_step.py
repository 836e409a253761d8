"""What is missing before a network can be trained."""

from __future__ import annotations

from typing import Final

from core.project import ImageCounts
from core.project.new_labels import LEAST_IMAGES
from core.system.messages import Message, message

#: So many images, labelled since the last training, are worth another one.
WORTH_A_TRAINING: Final = 5


def missing_for_training(
    counts: ImageCounts, *, shows_classes: bool, divides_itself: bool
) -> Message | None:
    """Return the one thing to do before a training, None where it can begin.

    Args:
        counts: of the project's images.
        shows_classes: whether a labelled image shows a class other than the first.
        divides_itself: whether labelled images get a subset without being asked for.
    """
    labelled = counts.by_state["labelled"] + counts.by_state["reviewed"]
    if not counts.total:
        return message("Import images first.")
    if not labelled:
        return message("Label images first.")
    if not shows_classes:
        return message("Only background is labelled: mark what you look for.")
    if counts.by_subset["train"] and counts.by_subset["val"]:
        return None
    more = LEAST_IMAGES - labelled
    if not divides_itself or more <= 0:
        return message("Split the images first.")
    if more == 1:
        return message("Label one more image.")
    return message("Label {count} more {count:image|images}.", count=more)
