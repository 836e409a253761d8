"""Files of other tools, one module a format; ``registry`` lists them."""

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.import_result import ImportedImage, ImportedShape, ImportResult

__all__ = ["ConversionReport", "ImportResult", "ImportedImage", "ImportedShape"]
