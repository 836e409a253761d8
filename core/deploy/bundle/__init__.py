"""Bundles: a folder that runs a model on a line PC, with nothing of this program installed."""
