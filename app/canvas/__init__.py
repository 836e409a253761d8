"""The labelling canvas: an image, its mask over it, and the tools that change the mask."""
