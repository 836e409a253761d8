"""The Visual C++ runtime, which a fresh Windows has not: Microsoft's own files, beside Python."""

from __future__ import annotations

import zipfile

from product.components import Component
from product.fetching import fetch_tool
from product.layout import Layout
from product.packages import wheel_component
from product.pins import read_pins
from windows.authenticode import check_signed_by

PACKAGE = "msvc-runtime"
SIGNER = "Microsoft Corporation"
LIBRARIES = (
    "concrt140.dll",  # OpenCV's threads
    "msvcp140.dll",
    "msvcp140_1.dll",
    "msvcp140_2.dll",
    "msvcp140_atomic_wait.dll",
    "msvcp140_codecvt_ids.dll",
    "vcomp140.dll",  # OpenMP: Paddle, scikit-image
    "vcruntime140.dll",
    "vcruntime140_1.dll",
    "vcruntime140_threads.dll",
)
"""All of one version: a newer msvcp140 beside an older vcruntime140 is not supported."""


def lay_runtime(layout: Layout) -> list[Component]:
    """Lay the runtime beside the interpreter.

    Raises:
        SignatureError: a file is not what Microsoft signed.
        KeyError: the package does not hold one of ``LIBRARIES``.
    """
    wheel = fetch_tool(layout.platform, PACKAGE)
    with zipfile.ZipFile(wheel) as archive:
        inside = {
            name.rpartition("/")[2]: name
            for name in archive.namelist()
            if name.endswith(".dll") and "/Scripts/" in name
        }
        for name in LIBRARIES:
            (layout.python / name).write_bytes(archive.read(inside[name]))
    # Microsoft's root is none of those that this machine trusts; the wheel's hash is pinned.
    check_signed_by([layout.python / name for name in LIBRARIES], SIGNER)
    return [wheel_component(wheel, read_pins(layout.platform, "tools")[PACKAGE], "library")]
