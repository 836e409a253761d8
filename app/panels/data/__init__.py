"""Data: import, look through, split."""
