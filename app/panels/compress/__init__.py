"""Compress: prune, quantise, compare."""
