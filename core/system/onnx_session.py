"""Opening ONNX files with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.portable import onnx_sessions
from core.portable.portable_error import PortableError
from core.system.errors import InputError


def open_session(file: Path, *, threads: int = 0) -> Any:
    """Open an ONNX file for the processor; ``threads`` 0 uses every core.

    Raises:
        InputError: the file is missing or no ONNX model.
    """
    try:
        return onnx_sessions.open_session(file, threads=threads)
    except PortableError as error:
        raise InputError.from_portable(error) from error
