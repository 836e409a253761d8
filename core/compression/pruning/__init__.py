"""Taking channels out of a network until a wanted share of its operations is gone."""
