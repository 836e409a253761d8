"""What to do with the data at hand, with reasons: suggested settings, checks."""
