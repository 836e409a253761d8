"""``manifest.json``: what an exported model takes, gives, and is to be used with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from .portable_error import PortableError

MANIFEST: Final = "manifest.json"
SCHEMA: Final = 1
FORMATS: Final = ("onnx", "openvino", "paddle")
GRAPHS: Final = ("complete", "plain")
#: Weights in the folder of a trained model.
_TRAINED: Final = "model.pdparams"
#: The file that a runtime opens, by format.
MODEL_FILES: Final = {"onnx": "model.onnx", "openvino": "model.xml", "paddle": "model.json"}
_MOST_BYTES: Final = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """The one input of the graph.

    Attributes:
        name: of the tensor.
        layout: ``"NHWC"`` (complete graph) or ``"NCHW"`` (plain graph).
        dtype: ``"uint8"`` or ``"float32"``.
        color_order: ``"BGR"`` or ``"RGB"``.
        height: pixels, None for any.
        width: pixels, None for any.
        range: smallest and largest value.
    """

    name: str = "image"
    layout: str = "NHWC"
    dtype: str = "uint8"
    color_order: str = "BGR"
    height: int | None = None
    width: int | None = None
    range: tuple[float, float] = (0, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """Larger images are computed in windows that overlap.

    For a complete graph in pixels of the image, for a plain one in pixels of the network's input.

    Attributes:
        width: of a window.
        height: of a window.
        overlap: pixels that neighbours share at least; up to half a window.
    """

    width: int = 1024
    height: int = 1024
    overlap: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All that is to be known about an exported model.

    Attributes:
        format: ``"onnx"``, ``"openvino"`` or ``"paddle"``.
        graph: ``"complete"`` (uint8 image of any size → label map and scores of that size) or
            ``"plain"`` (normalised image → logits).
        model: class name of the network.
        precision: ``"float32"`` or ``"int8"``.
        labels: class names, index = class id.
        colors: (r, g, b) of each class, or None.
        background: class id that means "nothing here", or None.
        input: the graph's input.
        outputs: tensor names by what they are: ``label_map`` and ``scores``, or ``logits``.
        preprocessing: transforms ``[{name: parameters}, …]`` as ``model.yml`` has them. A complete
            graph has them inside.
        size_multiple: what sides of the network's input are continued to multiples of.
        tiling: windows for larger images; None: every image is computed whole.
        thresholds: how sure the model must be of each class where that is asked for, or None.
        applies_thresholds: whether the graph obeys them by itself.
        flip_test: whether the graph averages the scores of an image with those of its mirror image.
        rules: sentences that decide (``rules.py``), in order.
        settings: what else decides: minimum areas, holes, regions (``judging.py``).
        pixel_size_mm: side of a pixel, or None.
        status: ``"Normal"``, ``"Pruned"`` or ``"Quantized"``.
        float_layers: layers that an int8 file computes in float.
        revision: hash of the labelled data that it was trained on, or None.
        versions: of the libraries that wrote it.
        statistics: mean and deviation of the training images' brightness and the like, by which
            odd images are known; empty where they are not known.
        files: SHA-256 and size in bytes of each file of the folder but this one, by relative path
            with ``/``.
        created: ISO 8601, UTC.
        schema: version of this form.
    """

    format: str
    model: str
    labels: tuple[str, ...]
    graph: str = "complete"
    precision: str = "float32"
    colors: tuple[tuple[int, int, int], ...] | None = None
    background: int | None = None
    input: ModelInput = ModelInput()
    outputs: Mapping[str, str] = field(
        default_factory=lambda: {"label_map": "label_map", "scores": "scores"}
    )
    preprocessing: tuple[Mapping[str, Mapping[str, Any]], ...] | None = None
    size_multiple: int = 1
    tiling: Tiling | None = Tiling()
    thresholds: tuple[float | None, ...] | None = None
    applies_thresholds: bool = False
    flip_test: bool = False
    rules: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    pixel_size_mm: float | None = None
    status: str = "Normal"
    float_layers: tuple[str, ...] = ()
    revision: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    created: str | None = None
    schema: int = SCHEMA

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.labels)

    @property
    def model_file(self) -> str:
        """Name of the file that a runtime opens."""
        return MODEL_FILES[self.format]


def read_manifest(folder: str | Path) -> Manifest:
    """Read the manifest of an export folder.

    Raises:
        PortableError: there is none, or it is damaged or newer than this program.
    """
    file = Path(folder) / MANIFEST
    if not file.is_file() and (Path(folder) / _TRAINED).is_file():
        raise PortableError(
            "{folder} holds a trained model, and an exported one is needed: export it first.",
            folder=folder,
        )
    if not file.is_file():
        raise PortableError(
            "{folder} is no exported model (no {name}): give the folder that an export wrote.",
            folder=folder,
            name=MANIFEST,
        )
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        content = json.loads(file.read_text(encoding="utf-8"))
        return manifest_from_dict(content)
    except (ValueError, TypeError, KeyError, RecursionError, OSError) as error:
        if isinstance(error, PortableError):
            raise
        raise PortableError(
            "{file} cannot be read ({reason}): export the model again.",
            file=file,
            reason=str(error)[:200],
        ) from error


def manifest_from_dict(content: Any) -> Manifest:
    """Make a manifest of JSON's types; raises ``ValueError`` or ``TypeError`` where it is none."""
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    if content.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {content.get('schema')!r}, this program knows {SCHEMA}")
    known = {one.name for one in fields(Manifest)}
    values = {name: value for name, value in content.items() if name in known}
    values["input"] = ModelInput(**_with_range(_mapping(values.get("input", {}), "input")))
    if values.get("tiling") is not None:
        values["tiling"] = Tiling(**_mapping(values["tiling"], "tiling"))
    for name in ("labels", "rules", "float_layers"):
        values[name] = _texts(values.get(name, ()), name)
    for name in ("colors", "preprocessing", "thresholds"):
        if values.get(name) is not None:
            values[name] = tuple(
                tuple(one) if isinstance(one, list) else one for one in _list(values[name], name)
            )
    manifest = Manifest(**values)
    _check(manifest)
    return manifest


def manifest_to_dict(manifest: Manifest) -> dict[str, Any]:
    """Return JSON's types."""
    content: dict[str, Any] = json.loads(json.dumps(asdict(manifest)))
    return content


def write_manifest(folder: str | Path, manifest: Manifest) -> Path:
    """Write ``manifest.json`` into a folder, atomically; returns its path."""
    file = Path(folder) / MANIFEST
    temporary = file.with_name(f".{MANIFEST}.{os.getpid()}")
    text = json.dumps(manifest_to_dict(manifest), ensure_ascii=False, indent=1)
    with temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    return file


def file_record(file: Path) -> dict[str, Any]:
    """Return ``{"sha256": hex, "bytes": int}`` of a file."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return {"sha256": digest.hexdigest(), "bytes": file.stat().st_size}


def damaged_files(folder: str | Path, manifest: Manifest) -> list[str]:
    """Return the names of files that are missing or not what the manifest says, in its order."""
    damaged = []
    for name, record in manifest.files.items():
        file = Path(folder, *name.split("/"))
        if not file.is_file() or file_record(file)["sha256"] != record.get("sha256"):
            damaged.append(name)
    return damaged


def _check(manifest: Manifest) -> None:
    if manifest.format not in FORMATS:
        raise ValueError(f"format is {manifest.format!r}, not one of {', '.join(FORMATS)}")
    if manifest.graph not in GRAPHS:
        raise ValueError(f"graph is {manifest.graph!r}, not one of {', '.join(GRAPHS)}")
    if not 2 <= manifest.num_classes <= 255:
        raise ValueError(f"it names {manifest.num_classes} classes")
    if manifest.thresholds is not None and len(manifest.thresholds) != manifest.num_classes:
        raise ValueError("it has not one threshold for each class")
    if manifest.colors is not None and len(manifest.colors) != manifest.num_classes:
        raise ValueError("it has not one colour for each class")
    if manifest.input.color_order not in ("BGR", "RGB"):
        raise ValueError(f"color_order is {manifest.input.color_order!r}, not BGR or RGB")
    if manifest.background is not None and not 0 <= manifest.background < manifest.num_classes:
        raise ValueError(f"background is {manifest.background!r}, no class id")
    if manifest.tiling is not None:
        smaller = min(manifest.tiling.width, manifest.tiling.height)
        if smaller < 1 or not 0 <= manifest.tiling.overlap <= smaller // 2:
            raise ValueError("its windows are empty, or share more than half of them")
    for name in manifest.files:
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or ":" in name or "\\" in name or "" in parts:
            raise ValueError(f"the file {name!r} lies outside of its folder")


def _with_range(values: dict[str, Any]) -> dict[str, Any]:
    return values | ({"range": tuple(values["range"])} if "range" in values else {})


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is no object")
    return value


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name} is no list")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    texts = _list(value, name)
    if not all(isinstance(one, str) for one in texts):
        raise ValueError(f"{name} is no list of texts")
    return tuple(texts)
