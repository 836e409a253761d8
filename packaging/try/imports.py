"""Import everything of the program, as none of its users would: what was left out is missed here.

Run by an installed interpreter, whose search path has the program on it.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    """Import all modules and use what few parts of packages are for; returns 1 if one fails."""
    broken = []
    count = 0
    for name in modules():
        count += 1
        try:
            importlib.import_module(name)
        except Exception as error:
            broken.append(f"{name}: {error!r}")
    for use in (alike_images, matching, quantising, superpixels, the_page_of_curves):
        try:
            use()
        except Exception as error:
            broken.append(f"{use.__name__}: {error!r}")
    print(f"{count} modules imported, {len(broken)} broken")
    print(*broken, sep="\n", end="\n" if broken else "")
    return 1 if broken else 0


def modules() -> Iterator[str]:
    """Yield the program's modules, and what it imports inside functions only."""
    for package in ("core", "app"):
        path = importlib.import_module(package).__path__
        yield from (found.name for found in pkgutil.walk_packages(path, f"{package}."))
    yield from (
        "onnx",
        "onnxruntime",
        "openvino",
        "pycocotools.mask",
        "shapely",
        "uvicorn",
        "werkzeug.serving",
    )


def alike_images() -> None:
    """Cosine transforms of SciPy, by imagehash, and its graphs."""
    import numpy as np
    from PIL import Image

    from core.data.grouping import joined_groups
    from core.images.perceptual_hash import perceptual_hash

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4).save(path)
        perceptual_hash(path)
    joined_groups(2, [(0, "a")], [(0, 1)])


def matching() -> None:
    """SciPy's assignment."""
    from scipy.optimize import linear_sum_assignment

    linear_sum_assignment([[1.0, 2.0], [2.0, 1.0]])


def quantising() -> None:
    """Paddle's quantisation-aware training."""
    from core.compression.quantization.config import QuantConfig
    from core.compression.quantization.fake_quantization import quantize
    from core.networks.fast_scnn import FastSCNNNet

    quantize(FastSCNNNet(num_classes=2), QuantConfig(weight_preprocess_type="PACT"), size=(64, 64))


def superpixels() -> None:
    """scikit-image."""
    import numpy as np

    from core.annotation import superpixels as ours

    ours.superpixels(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64), (0, 0, 64, 64))


def the_page_of_curves() -> None:
    """VisualDL's server."""
    from core.jobs import hyper_parameter_importance

    hyper_parameter_importance.put_in_place()
    importlib.import_module("visualdl.server.app")


if __name__ == "__main__":
    sys.exit(main())
