"""Which file or folder is a model that can label beforehand; needs no engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from core.errors import InputError
from core.files import read_yaml
from core.model_folder import DESCRIPTION, WEIGHTS, read_model_info

EXPORTED: Final = "model.onnx"


def exported_file(model_dir: Path) -> Path | None:
    """Return the ONNX file that ``model_dir`` is or holds; None for a model folder."""
    if model_dir.suffix.lower() == ".onnx" and not model_dir.is_dir():
        return model_dir
    file = model_dir / EXPORTED
    return file if file.is_file() and not (model_dir / WEIGHTS).exists() else None


def check_model(model_dir: Path) -> None:
    """Raise ``InputError`` where there is plainly no model."""
    file = exported_file(model_dir)
    if file is None:
        read_model_info(model_dir)
    elif not file.is_file():
        raise InputError("{file} does not exist.", file=file)


def network_name(model_dir: Path) -> str:
    """Return the class name of the network, or the file's name where it is not known.

    Raises:
        InputError: there is no model.
    """
    file = exported_file(model_dir)
    if file is None:
        return read_model_info(model_dir).name
    description = file.parent / DESCRIPTION
    content: Any = read_yaml(description) if description.is_file() else None
    name = content.get("model") if isinstance(content, dict) else None
    return name if isinstance(name, str) else file.stem
