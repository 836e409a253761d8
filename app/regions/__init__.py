"""Drawing the regions that are inspected, or ignored, on an image."""
