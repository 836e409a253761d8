"""Files of other tools, one module a format."""

from core.data.formats.result import ImportedImage, ImportResult

__all__ = ["ImportResult", "ImportedImage"]
