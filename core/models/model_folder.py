"""The folder a model is saved in; reading its description needs no paddle.

``model.pdparams`` weights · ``model.yml`` everything needed to rebuild and use the network ·
``prune.yml`` and ``quant.yml`` how a compressed network differs from the one its class builds ·
``eval_details.json`` what its measurement found · ``model.pdopt`` and ``training_state.json`` for
resuming · ``.success`` written last.
"""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.models.compression_records import (
    PRUNING,
    QUANTIZATION,
    PruningRecord,
    QuantizationRecord,
    read_pruning,
    read_quantization,
)
from core.models.image_sizes import SIZE_MULTIPLE, known_multiple
from core.portable.manifest import MANIFEST, MODEL_FILES
from core.system.errors import InputError, first_problem
from core.system.files import (
    read_yaml,
    recover_folder,
    replace_folder_atomic,
    write_json_atomic,
    write_text_atomic,
)

WEIGHTS = "model.pdparams"
OPTIMIZER = "model.pdopt"
DESCRIPTION = "model.yml"
EVALUATION = "eval_details.json"
STATE = "training_state.json"
SUCCESS = ".success"
EXPORTED = "model.onnx"

Status = Literal["Normal", "Pruned", "Quantized"]
_LIBRARIES = ("maskwright", "paddlepaddle", "paddlepaddle-gpu", "numpy", "opencv-python-headless")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What ``model.yml`` says.

    Attributes:
        name: class name in ``core.seg``.
        init_params: all constructor arguments.
        labels: class names, index = class id.
        colors: (r, g, b) per class, or None.
        transforms: preprocessing as ``[{name: parameters}, …]``, or None if never evaluated.
        status: ``"Normal"``: the network as its class builds it; ``"Pruned"``; ``"Quantized"``,
            which may be pruned, too.
        completed_epochs: epochs trained.
        score: mIoU (0 … 1) on the evaluation set when saved, or None.
        dataset_hash: identifies the data trained on, or None.
        libraries: versions that wrote the folder.
        from_paddlex: whether PaddleX 2 wrote it: then ``init_params`` lack what only the weights
            tell (``core.models.paddlex_models``).
        pruning: which channels are gone, or None.
        quantization: how it computes in 8 bits, or None.
        size_multiple: what sides of images are best continued to multiples of; 1: left as they are
            (``core.models.image_sizes``).
        thresholds: how sure the model must be of each class where that is asked for
            (``core.prediction.thresholds``), None for the background's; None where none are known.
        score_offsets: what was added to each class's score when its training ended
            (``core.prediction.logit_adjustment``); the weights hold it. None for nothing.
        flip_test: whether the mirrored image is predicted, too, and both are averaged
            (``core.prediction.paddle_predictor``).
    """

    name: str
    init_params: Mapping[str, Any]
    labels: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...] | None = None
    transforms: tuple[Mapping[str, Any], ...] | None = None
    status: Status = "Normal"
    completed_epochs: int = 0
    score: float | None = None
    dataset_hash: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    from_paddlex: bool = False
    pruning: PruningRecord | None = None
    quantization: QuantizationRecord | None = None
    size_multiple: int = 1
    thresholds: tuple[float | None, ...] | None = None
    score_offsets: tuple[float, ...] | None = None
    flip_test: bool = False

    @property
    def num_classes(self) -> int:
        """Number of classes, background included."""
        return len(self.labels)

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(width, height) that the preprocessing brings every image to; None where it varies."""
        return network_input_size(self.transforms or ())


class _Attributes(BaseModel):
    model_config = ConfigDict(extra="ignore")
    num_classes: int = Field(ge=2, le=255)
    labels: list[str] | None = None
    colors: list[tuple[int, int, int]] | None = None
    eval_metrics: dict[str, float | None] = Field(default_factory=dict)


class _Description(BaseModel):
    model_config = ConfigDict(extra="ignore")
    Model: str = Field(max_length=100)
    attributes: _Attributes = Field(alias="_Attributes")
    init_params: dict[str, Any] = Field(alias="_init_params")
    Transforms: list[dict[str, dict[str, Any]]] | None = None
    completed_epochs: int = Field(0, ge=0)
    status: Status = "Normal"
    dataset_hash: str | None = None
    libraries: dict[str, str] | None = None
    size_multiple: int | None = Field(None, ge=1, le=SIZE_MULTIPLE)
    thresholds: list[Annotated[float, Field(gt=0, lt=1)] | None] | None = None
    score_offsets: list[float] | None = None
    flip_test: bool = False
    version: str = ""


def folder_of_weights(source: str | Path) -> str | Path:
    """Return the model folder whose ``model.pdparams`` is named; anything else as it is."""
    path = Path(source)
    inside = path.name == WEIGHTS and path.is_file() and (path.parent / DESCRIPTION).is_file()
    return path.parent if inside else source


def exported_file(model_dir: str | Path) -> Path | None:
    """Return the exported model's file that ``model_dir`` is or holds; None for a model folder."""
    path = Path(model_dir)
    if path.suffix.lower() in (".onnx", ".xml") and not path.is_dir():
        return path
    if path.name == MODEL_FILES["paddle"] and (path.parent / MANIFEST).is_file():
        return path
    if (path / WEIGHTS).exists():
        return None
    described = (path / MANIFEST).is_file()
    names = MODEL_FILES.values() if described else (EXPORTED,)
    return next((path / name for name in names if (path / name).is_file()), None)


def read_model_info(model_dir: str | Path) -> ModelInfo:
    """Read a model folder's description.

    Raises:
        InputError: no model folder, an unfinished one, or a damaged or foreign ``model.yml``.
    """
    folder = Path(model_dir)
    recover_folder(folder)
    if not folder.is_dir():
        raise InputError("There is no model folder {file}.", file=folder)
    file = folder / DESCRIPTION
    if exported_file(folder) is not None:
        raise InputError(
            "{folder} holds an exported model, which predicts and can be evaluated but is neither "
            "trained nor compressed: give the model folder it was exported from.",
            folder=folder,
        )
    _check_present(file)
    content = read_yaml(file)
    _check_kind(content, folder)
    _check_present(folder / WEIGHTS)
    if not (folder / SUCCESS).is_file():
        raise InputError(
            "{folder} is not complete: its last file, {file}, is missing. Copy the whole folder "
            "again, hidden files too.",
            folder=folder,
            file=SUCCESS,
        )
    try:
        description = _Description.model_validate(content)
    except ValidationError as error:
        where, reason = first_problem(error)
        raise InputError(
            "{file} does not describe a model: {where}: {reason}.",
            file=file,
            where=where,
            reason=reason,
        ) from error
    attributes = description.attributes
    labels = attributes.labels or [str(index) for index in range(attributes.num_classes)]
    counts = {
        "num_classes": description.init_params.get("num_classes"),
        "labels": len(labels),
        "colors": attributes.num_classes if attributes.colors is None else len(attributes.colors),
        "thresholds": attributes.num_classes
        if description.thresholds is None
        else len(description.thresholds),
        "score_offsets": attributes.num_classes
        if description.score_offsets is None
        else len(description.score_offsets),
    }
    for name, count in counts.items():
        if count != attributes.num_classes:
            raise InputError(
                "{file} contradicts itself: num_classes is {num_classes}, but {name} says {count}.",
                file=file,
                num_classes=attributes.num_classes,
                name=name,
                count=count,
            )
    quantized = description.status == "Quantized"
    pruned = description.status == "Pruned" or (quantized and (folder / PRUNING).exists())
    transforms = None if description.Transforms is None else tuple(description.Transforms)
    multiple = description.size_multiple or known_multiple(network_input_size(transforms or ()))
    return ModelInfo(
        name=description.Model,
        init_params=description.init_params,
        labels=tuple(labels),
        colors=None if attributes.colors is None else tuple(attributes.colors),
        transforms=transforms,
        status=description.status,
        completed_epochs=description.completed_epochs,
        score=attributes.eval_metrics.get("miou"),
        dataset_hash=description.dataset_hash,
        libraries=description.libraries or {},
        # PaddleX names no libraries; versions below 2 were refused above.
        from_paddlex=description.libraries is None and description.version.startswith("2."),
        pruning=read_pruning(folder) if pruned else None,
        quantization=read_quantization(folder) if quantized else None,
        size_multiple=multiple,
        thresholds=None if description.thresholds is None else tuple(description.thresholds),
        score_offsets=None
        if description.score_offsets is None
        else tuple(description.score_offsets),
        flip_test=description.flip_test,
    )


def check_same_network(
    info: ModelInfo, name: str, init_params: Mapping[str, Any], folder: Path
) -> None:
    """Refuse to go on with a folder's network as another one.

    Args:
        info: what the folder says.
        name: class name of the network that is to go on.
        init_params: its constructor's arguments; the loss is not the network's.
        folder: for the sentence.

    Raises:
        InputError: it is another class, or was built with other arguments.
    """
    if info.name != name:
        raise InputError(
            "{folder} holds a {other}, not a {name}: choose the same network.",
            folder=folder,
            other=info.name,
            name=name,
        )
    theirs, ours = _plain(info.init_params), _plain(init_params)
    differing = [
        f"{key} {theirs[key]} instead of {ours[key]}"
        for key in ours
        if key != "use_mixed_loss" and key in theirs and theirs[key] != ours[key]
    ]
    if differing:
        raise InputError(
            "{folder} was trained with {differences}: build the network with the same.",
            folder=folder,
            differences=", ".join(differing),
        )


def is_compressed(folder: Path) -> bool:
    """Whether a model folder holds a pruned or a quantised network."""
    recover_folder(folder)
    return (folder / PRUNING).exists() or (folder / QUANTIZATION).exists()


def _check_present(file: Path) -> None:
    if not file.is_file():
        raise InputError(
            "{folder} is not a model folder: {file} is missing.",
            folder=file.parent,
            file=file.name,
        )


def _check_kind(content: Any, folder: Path) -> None:
    """Name the folders of PaddleX that hold something else than a trained network."""
    if not isinstance(content, dict):
        return
    status, version = content.get("status"), str(content.get("version"))
    if status == "Infer":
        raise InputError(
            "{folder} holds an exported inference model, which can only be deployed: give the "
            "model folder it was exported from.",
            folder=folder,
        )
    if status in ("Pruned", "Quantized") and "libraries" not in content:
        raise InputError(
            "{folder} holds a {status} model of PaddleX, which cannot be rebuilt here: give the "
            "model folder it was made from.",
            folder=folder,
            status=status,
        )
    if "libraries" not in content and version.startswith("1."):
        raise InputError(
            "{folder} was written by PaddleX {version}: only models of PaddleX 2 can be loaded.",
            folder=folder,
            version=version,
        )


@contextlib.contextmanager
def write(folder: str | Path, info: ModelInfo) -> Iterator[Path]:
    """Write a model folder in one piece: the old one or the new one, never a half.

    Yields:
        A temporary folder for the weights and further files; the description, ``prune.yml``,
        ``quant.yml`` and ``.success`` are added at the end, then it takes ``folder``'s place.
    """
    with replace_folder_atomic(folder) as temporary:
        yield temporary
        _write_yaml(temporary / DESCRIPTION, _to_dict(info))
        for name, record in ((PRUNING, info.pruning), (QUANTIZATION, info.quantization)):
            if record is not None:
                _write_yaml(temporary / name, record.model_dump(mode="json"))
        (temporary / SUCCESS).touch()


def add_measurement(
    folder: str | Path,
    *,
    thresholds: Sequence[float | None] | None,
    evaluation: Mapping[str, Any],
) -> None:
    """Put what a measurement found into a model folder.

    Args:
        folder: a complete model folder.
        thresholds: how sure the model must be of each class, None where none can be chosen.
        evaluation: entries of ``eval_details.json``; others there stay.

    Raises:
        InputError: ``model.yml`` cannot be read.
    """
    target = Path(folder)
    description = read_yaml(target / DESCRIPTION)
    description["thresholds"] = None if thresholds is None else list(thresholds)
    details: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        details = json.loads((target / EVALUATION).read_text(encoding="utf-8"))
    write_json_atomic(target / EVALUATION, {**details, **evaluation})
    _write_yaml(target / DESCRIPTION, description)


def set_thresholds(folder: str | Path, thresholds: Sequence[float | None] | None) -> None:
    """Put other thresholds into a model folder, instead of those that its training chose.

    Args:
        folder: a complete model folder.
        thresholds: how sure the model must be of each class, None for the background's; None: the
            model has none.

    Raises:
        InputError: it is no model folder, or there is not one between 0 and 1 for each class.
    """
    info = read_model_info(folder)
    if thresholds is not None and len(thresholds) != info.num_classes:
        raise InputError(
            "There are {thresholds} thresholds for {classes} classes: give one for each.",
            thresholds=len(thresholds),
            classes=info.num_classes,
        )
    for threshold in thresholds or ():
        if threshold is not None and not 0 < threshold < 1:
            raise InputError(
                "A threshold is {value}: give numbers between 0 and 1.", value=threshold
            )
    file = Path(folder) / DESCRIPTION
    description = read_yaml(file)
    description["thresholds"] = None if thresholds is None else list(thresholds)
    _write_yaml(file, description)


def _write_yaml(file: Path, content: Mapping[str, Any]) -> None:
    write_text_atomic(file, yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def network_input_size(transforms: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the (width, height) that ``transforms`` end in, None where it depends on the image."""
    size: tuple[int, int] | None = None
    for transform in transforms:
        for name, params in transform.items():
            if name == "Resize" and params.get("keep_ratio"):
                size = None
            elif name in ("Resize", "Padding"):
                size = _width_height(params.get("target_size")) or size
            elif name == "Rescale":
                size = None
            elif name == "CenterCrop":
                size = _width_height(params.get("crop_size"))
            elif name.startswith(("ResizeBy", "Random")) and "Flip" not in name:
                size = size if name in ("RandomDistort", "RandomBlur") else None
    return size


def usual_input_size(transforms: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the (width, height) that costs are counted for, None where nothing tells it.

    That of the network's input, or where it varies that of the parts that were trained on.
    """
    for transform in transforms:
        if "Rescale" in transform:
            return _width_height((transform["Rescale"] or {}).get("window"))
    return network_input_size(transforms)


def _width_height(value: Any) -> tuple[int, int] | None:
    """Read PaddleX's ``target_size``: one number or (height, width)."""
    if isinstance(value, int):
        return value, value
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return int(value[1]), int(value[0])
    return None


def _to_dict(info: ModelInfo) -> dict[str, Any]:
    size = info.image_size
    content = {
        "version": _versions().get("maskwright", ""),
        "Model": info.name,
        "_Attributes": {
            "model_type": "segmenter",
            "num_classes": info.num_classes,
            "labels": info.labels,
            "colors": info.colors,
            "fixed_input_shape": None,
            "eval_metrics": {"miou": info.score},
        },
        "_init_params": info.init_params,
        "Transforms": info.transforms,
        "image_size": size,
        "size_multiple": info.size_multiple,
        "thresholds": info.thresholds,
        "score_offsets": info.score_offsets,
        "flip_test": info.flip_test,
        "completed_epochs": info.completed_epochs,
        "status": info.status,
        "dataset_hash": info.dataset_hash,
        "libraries": info.libraries or _versions(),
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _plain(value: Any) -> Any:
    """Turn tuples into lists, so that the YAML holds plain types only."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
