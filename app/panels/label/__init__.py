"""Label: paint and draw masks."""
