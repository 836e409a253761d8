"""Files of other tools, one module a format."""

from core.formats.result import ImportedImage, ImportResult

__all__ = ["ImportResult", "ImportedImage"]
