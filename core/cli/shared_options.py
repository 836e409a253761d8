"""Options that several commands take, and how their text becomes values."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from core.system.device_choice import parse_device
from core.system.errors import InputError

Spec = TypeVar("Spec", bound=BaseModel)

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|gpu|gpu:0", help="Where to compute.")
]
TrainDeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|gpu|gpu:0,1|cpu:2",
        help="Where to compute: gpu:0,1 are two GPUs, cpu:2 two processes on the processor.",
    ),
]
DataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data set: a folder with labels.txt and train/val/test lists, or a project.",
    ),
]
ThresholdsOption = Annotated[
    bool,
    typer.Option(
        "--thresholds",
        help="Choose classes by the thresholds that were chosen on the validation images, not by "
        "the highest score.",
    ),
]
ModelDirOption = Annotated[
    Path, typer.Option("--model-dir", metavar="DIR", help="Folder of a trained model.")
]
AnyModelOption = Annotated[
    Path,
    typer.Option(
        "--model-dir",
        metavar="DIR|FILE",
        help="Folder of a trained model or of an export, or an exported ONNX file.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="New or empty folder for the result."),
]
CriterionOption = Annotated[
    str | None,
    typer.Option(
        "--criterion",
        metavar="l1_norm|fpgm",
        help="How channels are ranked: by the sum of their weights, or by how much others are "
        "like them.",
    ),
]
ImageSizeOption = Annotated[
    str | None,
    typer.Option("--image-size", metavar="WxH", help="Network input; by default the model's own."),
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other setting, such as early_stop=true. May be given several times.",
    ),
]

#: Fields that decide what is looked at before the training, so only their options set them.
_OPTIONS = {
    "model": "--model",
    "model_dir": "--model-dir",
    "data_dir": "--data",
    "resume": "--resume",
    "flops": "--flops",
    "sensitivity": "--sensitivity",
}
_SIZE = re.compile(r"(\d+)\s*[xX×]\s*(\d+)")


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def parse_size(text: str) -> tuple[int, int]:
    """Turn ``WIDTHxHEIGHT`` or a single side into (width, height)."""
    match = _SIZE.fullmatch(text.strip())
    if match:
        size = (int(match[1]), int(match[2]))
    elif text.strip().isdigit():
        size = (int(text), int(text))
    else:
        raise InputError(
            "--image-size {value} is not WIDTHxHEIGHT; write it like 480x360.", value=repr(text)
        )
    if not all(32 <= side <= 8192 for side in size):
        raise InputError(
            "--image-size {value} is out of range; each side must be 32 to 8192 pixels.",
            value=text,
        )
    return size


def check_device(text: str) -> str:
    """Return ``text`` if it names devices."""
    try:
        parse_device(text)
    except InputError as error:
        raise InputError("--device: {problem}", problem=str(error)) from error
    return text


def existing_model(path: Path) -> Path:
    """Return ``--model-dir`` made absolute: a folder, or an exported file.

    Raises:
        InputError: there is neither.
    """
    from core.cli.console import existing_folder

    is_file = path.suffix.lower() == ".onnx" and path.is_file()
    return path.absolute() if is_file else existing_folder(path, option="--model-dir")


def parse_settings(settings: Sequence[str], spec: type[BaseModel]) -> dict[str, Any]:
    """Turn ``key=value`` texts into fields of ``spec``; dots reach into nested settings.

    A value is read as JSON where it is JSON, else as plain text.

    Raises:
        InputError: no ``=``, or a key that ``spec`` does not have (near matches are named).
    """
    fields: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise InputError("--set {setting} is not key=value.", setting=repr(setting))
        _check_key(key, spec)
        target = fields
        *parents, last = key.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise InputError(
                    "--set {key}: {parent} was set as a whole before.", key=key, parent=parent
                )
        value = _value(text, spec.model_fields.get(key))
        target[last] = _size(value) if key == "image_size" else value
    return fields


def checked(kind: type[Spec], fields: Mapping[str, Any]) -> Spec:
    """Return the spec of ``kind``.

    Raises:
        InputError: a field has a value that it cannot have.
    """
    from core.runs.spec_errors import validation_problem

    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise InputError("The setting {problem}.", problem=validation_problem(error)) from error


def _value(text: str, field: FieldInfo | None) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    words: dict[str, Any] = {"true": True, "false": False}
    if field is not None and NoneType in get_args(field.annotation):
        words["none"] = None  # elsewhere it may be a choice of its own
    return words.get(text.strip().lower(), text)


def _size(value: Any) -> Any:
    """Return (width, height) where the value can be meant as one, within the limits of the option.

    Raises:
        InputError: as ``parse_size``.
    """
    if isinstance(value, list) and len(value) == 2 and all(type(side) is int for side in value):
        return parse_size("x".join(map(str, value)))
    return parse_size(str(value)) if type(value) in (int, str) else value


def _check_key(key: str, spec: type[BaseModel]) -> None:
    if key in _OPTIONS:
        raise InputError("--set {key}: use {option} for it.", key=key, option=_OPTIONS[key])
    known = list(_keys(spec))
    head = key.split(".")[0]
    if key in known or (head in known and _is_mapping(spec, head)):
        return
    near = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
    if near:
        raise InputError(
            "--set {key}: there is no such setting; did you mean {near}?",
            key=key,
            near=", ".join(near),
        )
    raise InputError(
        "--set {key}: there is no such setting; known are {known}.",
        key=key,
        known=", ".join(known),
    )


def _keys(spec: type[BaseModel]) -> Iterable[str]:
    for name, field in spec.model_fields.items():
        if name == "kind" or name in _OPTIONS:
            continue
        yield name
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from (f"{name}.{key}" for key in _keys(inner))


def _is_mapping(spec: type[BaseModel], name: str) -> bool:
    return str(spec.model_fields[name].annotation).startswith("dict")
