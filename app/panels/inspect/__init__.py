"""Inspect: how good a model is, and where it errs."""
