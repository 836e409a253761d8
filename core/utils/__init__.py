"""``pdx.utils``: the helpers of PaddleX that its users' scripts call."""

from __future__ import annotations

from core.utils import logging
from core.utils.example_data import download_and_decompress

__all__ = ["download_and_decompress", "logging"]
