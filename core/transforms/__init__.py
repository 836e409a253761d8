"""Image and mask transforms with PaddleX's names and defaults."""
