"""The window: shows and asks, and computes nothing that a test of ``core`` could not see."""
