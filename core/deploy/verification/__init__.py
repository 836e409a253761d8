"""Whether an exported file does what the trained network does, and where it goes wrong if not."""
