"""Trying the Windows product in wine, as the user 张 三, without a network."""
