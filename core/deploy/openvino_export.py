"""An exported ONNX file as OpenVINO's intermediate representation."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Final

import onnx

from core.deploy.model_info import METADATA_SECTION, model_info
from core.portable.manifest import Manifest, manifest_to_dict
from core.system.files import require_room

NETWORK: Final = "model.xml"
WEIGHTS: Final = "model.bin"
#: Section of the file's ``rt_info`` with the manifest, as JSON.
SECTION: Final = "maskwright"
#: The same for what ``model.yml`` says: the size of a complete graph's network is nowhere else.
DESCRIPTION_SECTION: Final = "maskwright_description"


def export_openvino(
    onnx_file: str | Path,
    folder: str | Path,
    *,
    manifest: Manifest,
    description: str | None = None,
) -> tuple[Path, Path]:
    """Write ``model.xml`` and ``model.bin`` of an ONNX file, complete or plain.

    Weights keep their type: float32 is not halved, int8 stays int8. The manifest lies in the file,
    too, but for the hashes of files, and beside it the keys of OpenVINO Model API.

    Args:
        onnx_file: what is converted.
        folder: where to write; it exists.
        manifest: of the export.
        description: what ``model.yml`` says, as JSON.

    Returns:
        The files, the network first.
    """
    import openvino  # loads for a while

    content = onnx.load(onnx_file)
    # Names with spaces, which ONNX's metadata may have, would make the XML invalid.
    del content.metadata_props[:]
    model = openvino.convert_model(io.BytesIO(content.SerializeToString()))
    for section in ("framework", "conversion_parameters"):  # say where this was converted
        if section in model.rt_info:
            del model.rt_info[section]
    described = manifest_to_dict(manifest)
    described.pop("files", None)
    model.set_rt_info(json.dumps(described, ensure_ascii=False), SECTION)
    if description is not None:
        model.set_rt_info(description, DESCRIPTION_SECTION)
    for key, value in model_info(manifest).items():
        model.set_rt_info(value, [METADATA_SECTION, key])
    network, weights = Path(folder) / NETWORK, Path(folder) / WEIGHTS
    require_room(folder, 2 * Path(onnx_file).stat().st_size)
    openvino.save_model(model, network, compress_to_fp16=False)
    return network, weights
