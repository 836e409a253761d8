"""Opening ONNX files with ONNX Runtime on the processor."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from .portable_error import PortableError

#: ONNX model c = MatMulInteger(a, b) of (1, 64) uint8 and (64, 16) int8; a running model needs no
#: package that could build it.
PRODUCT: Final = (
    b'\x08\x08:\\\n\x18\n\x01a\n\x01b\x12\x01c"\rMatMulInteger\x12\x01pZ\x13\n\x01a\x12\x0e\n\x0c'
    b"\x08\x02\x12\x08\n\x02\x08\x01\n\x02\x08@Z\x13\n\x01b\x12\x0e\n\x0c\x08\x03\x12\x08\n\x02\x08@\n\x02"
    b"\x08\x10b\x13\n\x01c\x12\x0e\n\x0c\x08\x06\x12\x08\n\x02\x08\x01\n\x02\x08\x10B\x04\n\x00\x10\x11"
)


PROCESSOR: Final = "CPUExecutionProvider"


def open_session(
    file: Path, *, threads: int = 0, spinning: bool = True, provider: str | None = None
) -> Any:
    """Open an ONNX file, for the processor unless a provider is named.

    Args:
        file: the model.
        threads: 0 uses every core.
        spinning: whether threads that wait keep their core busy: faster where nothing else
            needs it.
        provider: execution provider that is to compute, such as ``"CUDAExecutionProvider"``.

    Raises:
        PortableError: the file is missing or no ONNX model, or the provider does not work here.
    """
    # Not at import: the window starts without it.
    import onnxruntime

    if not file.is_file():
        raise PortableError("{file} does not exist.", file=file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if products_overflow():
        # Kernels that do not; where the processor is fit for 8 bits they take 2.5 times as long.
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        providers = [PROCESSOR] if provider is None else [provider, PROCESSOR]
        session = onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:  # the runtime's own kinds, which have no common base
        raise PortableError(
            "{file} is no ONNX model that can be run here: {reason}.",
            file=file,
            reason=first_line(error),
        ) from error
    if provider not in (None, *session.get_providers()):
        # It falls back on the processor with a line in its log.
        raise PortableError("{name} does not work on this machine.", name=provider)
    return session


@cache
def products_overflow() -> bool:
    """Whether the processor's own 8-bit products lose their largest values (x86 without VNNI)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(PRODUCT, providers=[PROCESSOR])
    a, b = np.full((1, 64), 255, np.uint8), np.full((64, 16), 127, np.int8)
    (product,) = session.run(None, {"a": a, "b": b})
    return bool((product != 64 * 255 * 127).any())


def first_line(error: Exception) -> str:
    """Return what an error says in its first line, or its kind where it says nothing."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
