"""Data sets as files: lists, statistics, validation, splitting, formats of other tools."""
