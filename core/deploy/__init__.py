"""Exported models: making them, running them, and showing that they do the same."""
