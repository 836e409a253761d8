"""Runtimes report nothing to their makers."""

from __future__ import annotations

import os
from typing import Final

_SWITCH: Final = "ORT_DISABLE_TELEMETRY"


def switch_telemetry_off() -> None:
    """Keep ONNX Runtime from reporting what is run, here and in processes that are started here.

    It looks when it is loaded, so this comes first. Its wheels send events to their maker, with an
    identifier that they keep in the user's cache. What somebody has set is left as it is.
    """
    os.environ.setdefault(_SWITCH, "1")
