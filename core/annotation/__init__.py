"""Labelling on one mask of class indices: brushes, polygons, image-guided tools, undo."""
