"""The project: images, masks, splits, revisions and runs."""
