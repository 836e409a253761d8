"""What the file of a model says of itself, for those who have it without its manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from core.deploy.openvino_export import DESCRIPTION_SECTION, SECTION
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
    texts = _TEXTS[manifest.format](file) if manifest.format in _TEXTS else {}
    try:
        old = (
            Description.model_validate(json.loads(texts[METADATA_KEY]))
            if METADATA_KEY in texts
            else None
        )
        if (text := texts.get(MANIFEST_KEY)) is not None:
            found = ModelFacts.of_manifest(manifest_from_dict(json.loads(text)))
            return found if old is None else replace(found, size=old.size)
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            "{file} is damaged: what it says of its classes cannot be read. Export the model "
            "again.",
            file=file,
        ) from error
    if old is None:
        return None
    return ModelFacts(
        labels=old.labels,
        transforms=old.transforms or (),
        size_multiple=old.size_multiple,
        thresholds=old.thresholds,
        applies_thresholds=old.applies_thresholds,
        flip_test=old.flip_test,
        background=background_class(old.labels),
        size=old.size,
    )


def _in_onnx(file: Path) -> dict[str, str]:
    import onnx

    try:
        model = onnx.load(file, load_external_data=False)
    except Exception:  # the parser's own kinds; the runtime says what is wrong with the file
        return {}
    return {
        one.key: one.value
        for one in model.metadata_props
        if one.key in (METADATA_KEY, MANIFEST_KEY)
    }


def _in_openvino(file: Path) -> dict[str, str]:
    import openvino

    try:
        model: Any = openvino.Core().read_model(file)
        sections = {MANIFEST_KEY: SECTION, METADATA_KEY: DESCRIPTION_SECTION}
        return {
            key: str(model.get_rt_info([name]).value)
            for key, name in sections.items()
            if name in model.rt_info
        }
    except Exception:  # as above, or it says nothing
        return {}


_TEXTS: Final = {"onnx": _in_onnx, "openvino": _in_openvino}
