"""What the file of a model says of itself, for those who have it without its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from core.deploy.openvino_export import SECTION
from core.deploy.verification.model_facts import ModelFacts
from core.portable.manifest import Manifest, manifest_from_dict
from core.prediction.inspection import background_class
from core.prediction.onnx_predictor import MANIFEST_KEY, METADATA_KEY, Description
from core.system.errors import InputError


def embedded_description(folder: Path, manifest: Manifest) -> ModelFacts | None:
    """Return what the model file of an export says of itself, None where it says nothing.

    Raises:
        InputError: it says it in a form that cannot be read.
    """
    file = folder / manifest.model_file
    text = _TEXTS[manifest.format](file) if manifest.format in _TEXTS else None
    if text is None:
        return None
    try:
        content = json.loads(text)
        if isinstance(content, dict) and "schema" in content:
            return ModelFacts.of_manifest(manifest_from_dict(content))
        found = Description.model_validate(content)
    except (ValidationError, ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "{file} is damaged: what it says of its classes cannot be read. Export the model "
            "again.",
            file=file,
        ) from error
    return ModelFacts(
        labels=found.labels,
        transforms=found.transforms or (),
        size_multiple=found.size_multiple,
        thresholds=found.thresholds,
        applies_thresholds=found.applies_thresholds,
        background=background_class(found.labels),
    )


def _in_onnx(file: Path) -> str | None:
    import onnx

    try:
        model = onnx.load(file, load_external_data=False)
    except Exception:  # the parser's own kinds; the runtime says what is wrong with the file
        return None
    found = {one.key: one.value for one in model.metadata_props}
    return found.get(MANIFEST_KEY, found.get(METADATA_KEY))


def _in_openvino(file: Path) -> str | None:
    import openvino

    try:
        model: Any = openvino.Core().read_model(file)
        return str(model.get_rt_info([SECTION]).value)
    except Exception:  # as above, or it says nothing
        return None


_TEXTS: Final = {"onnx": _in_onnx, "openvino": _in_openvino}
