"""Import everything of the program, as none of its users would: what was left out is missed here.

Run by an installed interpreter, whose search path has the program on it.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys


def main() -> int:
    """Import all modules; returns 1 if one does not import."""
    broken = []
    count = 0
    for package in ("core", "app"):
        for found in pkgutil.walk_packages(
            importlib.import_module(package).__path__, f"{package}."
        ):
            count += 1
            try:
                importlib.import_module(found.name)
            except Exception as error:
                broken.append(f"{found.name}: {error!r}")
    # What is imported inside functions only, in worker processes.
    for name in (
        "imagehash",
        "onnx",
        "onnxruntime.quantization",
        "openvino",
        "paddleslim.dygraph.quant.qat",
        "pycocotools.mask",
        "scipy.optimize",
        "shapely",
        "skimage.segmentation",
        "uvicorn",
        "visualdl.server.app",
        "werkzeug.serving",
    ):
        try:
            importlib.import_module(name)
        except Exception as error:
            broken.append(f"{name}: {error!r}")
    print(f"{count} modules imported, {len(broken)} broken")
    print(*broken, sep="\n", end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
