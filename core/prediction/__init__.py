"""From a network or an exported file and an image to a label map, and how good it is."""
