"""A trained model as a folder that other programs can run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import onnx
import yaml

from core.compression.folding import fold_batch_norms
from core.compression.quantization.fake_quantization import (
    is_quantized,
    remove_quantizers,
    round_weights,
)
from core.compression.quantization.quantized_tensors import quantization_points
from core.compression.quantization.record import table
from core.compression.trace import trace
from core.deploy.complete_graph import ColorOrder, complete_graph
from core.deploy.export_manifest import (
    complete_input,
    library_versions,
    makes_small,
    manifest_text,
    outputs,
    plain_input,
    tiling,
    with_files,
)
from core.deploy.mirror_image import average_with_mirror_image
from core.deploy.model_info import onnx_metadata
from core.deploy.onnx_export import export_float
from core.deploy.onnx_int8 import export_int8
from core.deploy.openvino_export import export_openvino
from core.deploy.paddlex_layout import PIPELINE, SUCCESS, write_paddlex_files
from core.models.image_sizes import size_warning
from core.models.model_folder import DESCRIPTION, EXPORTED, network_input_size
from core.portable.manifest import MANIFEST, MODEL_FILES, Manifest, write_manifest
from core.prediction.inspection import background_class
from core.prediction.onnx_predictor import MANIFEST_KEY, METADATA_KEY, Description
from core.prediction.paddle_predictor import inference_mode, only_size
from core.prediction.thresholds import Thresholds, resolve_thresholds, score_offsets
from core.system.errors import InputError
from core.system.files import make_folder, replace_folder_atomic, write_text_atomic
from core.system.reporting import Reporter
from core.transforms import transforms_from_list

if TYPE_CHECKING:
    from core.compression.quantization.table import QuantizationTable
    from core.seg.segmenter import Segmenter

MODEL: Final = EXPORTED
Format = Literal["onnx", "openvino", "paddle"]
Precision = Literal["float32", "int8"]
#: What lies beside the model in an export.
_WEIGHTS: Final = {"openvino": ("model.bin",), "paddle": ("model.pdiparams",)}
_PADDLEX: Final = (PIPELINE, SUCCESS)
_REFERENCE: Final = "reference"
#: Height and width to fold batch norms at, where any size will be taken.
_SOME_SIZE = (512, 512)


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written.

    Attributes:
        folder: where.
        files: everything in it, the model first.
        size_bytes: size of the model, its weights included.
        precision: ``"float32"`` or ``"int8"``.
        size: (width, height) of the network's input, None for any.
        manifest: what the export says of itself.
    """

    folder: Path
    files: tuple[Path, ...]
    size_bytes: int
    precision: Precision
    size: tuple[int, int] | None
    manifest: Manifest

    @property
    def model(self) -> Path:
        """The file that a runtime opens."""
        return self.files[0]


def export_model(
    model: Segmenter,
    out_dir: str | Path,
    *,
    format: Format = "onnx",
    plain: bool = False,
    size: tuple[int, int] | None = None,
    thresholds: Thresholds = False,
    color_order: ColorOrder = "bgr",
    flip_test: bool | None = None,
    revision: str | None = None,
    statistics: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> ExportResult:
    """Write a model's file with ``manifest.json`` and ``model.yml``.

    All three say what the classes are and how images are prepared. The network is left as it is.
    A quantised one computes in int8, but in Paddle's library, which computes what it rounds to in
    float.

    Args:
        model: trained model; auxiliary heads are left out.
        out_dir: folder to write; an earlier export there is replaced.
        format: ``"onnx"``, ``"openvino"`` or ``"paddle"``.
        plain: leave preparing images and choosing classes to the program that runs the file. By
            default they are part of it (``core.deploy.complete_graph``); a file of Paddle's is
            always plain.
        size: (width, height) of the network's input. None for what the model's preprocessing, or
            quantisation, says; where that is nothing, for any size.
        thresholds: have the label map obey the model's own thresholds (True), or one for each
            class, in any program; a plain file has them added to its scores. False chooses the
            highest score.
        color_order: of the images that a complete graph takes.
        flip_test: average the scores with those of the mirror image, in twice the time; None: as
            the model does.
        revision: hash of the labelled data that the model was trained on, where it is known.
        statistics: how the images look that it was trained on
            (``core.portable.image_statistics``), where that is known.
        reporter: is warned of a size that the network rounds; None makes it Python's warning.

    Raises:
        InputError: the folder holds something else, the network needs one size of image, or a
            quantised one another size; the preprocessing cannot be part of the file.
    """
    chosen = resolve_thresholds(thresholds, model.thresholds)
    offsets = None if chosen is None else score_offsets(chosen)
    if offsets is not None and len(offsets) != model.num_classes:
        raise InputError(
            "There are {thresholds} thresholds for {classes} classes: give one for each.",
            thresholds=len(offsets),
            classes=model.num_classes,
        )
    plain = plain or format == "paddle"
    flip_test = model.flip_test if flip_test is None else flip_test
    folder = _free_folder(Path(out_dir))
    transforms = model.test_transforms
    items = None if transforms is None else transforms.to_list()
    if items is None and not plain:
        raise InputError(
            "The model does not say how images are prepared for it, which was to be part of the "
            "file: evaluate it first, or export with --plain."
        )
    own_size = None if items is None else network_input_size(items)
    net = deepcopy(model.net)
    net.eval()
    quantized = table(net) if is_quantized(net) else None
    if quantized is not None and format != "paddle":
        round_weights(net)
        remove_quantizers(net)
    size = size or own_size
    if size is None:
        size = _only_size(items, net, quantized)
    learnt = model.size_multiple == 1 and size == own_size
    if not learnt and (warning := size_warning(size)) is not None:
        (reporter or Reporter()).warn(warning)
    if items is not None and size is not None:
        # The last step, so that it sees what the network was trained to see.
        items = [*items, *_resized(items, own_size, size)]
    # Paddle's library computes what a quantised network rounds to in float.
    precision: Precision = "float32" if quantized is None or format == "paddle" else "int8"
    manifest = Manifest(
        format=format,
        graph="plain" if plain else "complete",
        model=model.model_name,
        precision=precision,
        labels=tuple(model.labels),
        colors=None if model.colors is None else tuple(model.colors),
        background=background_class(model.labels),
        input=plain_input(items, size) if plain else complete_input(color_order),
        outputs=outputs(plain=plain),
        preprocessing=None if items is None else tuple(items),
        size_multiple=model.size_multiple if size is None else 1,
        tiling=tiling(items, size, plain=plain),
        thresholds=_known(model.thresholds if chosen is None else chosen),
        applies_thresholds=chosen is not None,
        flip_test=flip_test,
        status=model.status if quantized is None else "Quantized",
        float_layers=() if quantized is None else quantized.float_layers,
        revision=revision,
        statistics=dict(statistics or {}),
        versions=library_versions(),
    )
    description = _describe(manifest, size, model.size_multiple)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder_atomic(folder) as temporary, inference_mode(net):
        if format == "paddle":
            from core.deploy.paddle_export import export_paddle

            export_paddle(net, temporary, size=size, offsets=offsets, flip_test=flip_test)
        else:
            graph = _onnx_graph(net, size=size, quantized=quantized)
            if flip_test:
                average_with_mirror_image(graph)
            if plain and offsets is not None:
                _add_to_scores(graph.graph, offsets)
            if not plain:
                graph = complete_graph(
                    graph,
                    transforms_from_list(items or ()),
                    size_multiple=manifest.size_multiple,
                    color_order=color_order,
                    offsets=offsets,
                )
            _write_graph(graph, temporary, manifest, description)
        content = description.model_dump()
        if format == "paddle":
            content |= write_paddlex_files(temporary, model, items, size=size)
        text = yaml.safe_dump(_plain(content), allow_unicode=True, sort_keys=False)
        write_text_atomic(temporary / DESCRIPTION, text)
        manifest = with_files(manifest, temporary)
        write_manifest(temporary, manifest)
    first = (MODEL_FILES[format], *_WEIGHTS.get(format, ()))
    last = _PADDLEX if format == "paddle" else ()
    files = tuple(folder / name for name in (*first, DESCRIPTION, MANIFEST, *last))
    return ExportResult(
        folder,
        files,
        sum(file.stat().st_size for file in files[: len(first)]),
        precision,
        size,
        manifest,
    )


def _describe(manifest: Manifest, size: tuple[int, int] | None, size_multiple: int) -> Description:
    """Return what ``model.yml`` says."""
    return Description(
        size=size,
        model=manifest.model,
        labels=manifest.labels,
        colors=manifest.colors,
        transforms=_plain(manifest.preprocessing),
        precision=manifest.precision,
        float_layers=manifest.float_layers,
        libraries=dict(manifest.versions),
        size_multiple=size_multiple,
        thresholds=manifest.thresholds,
        applies_thresholds=manifest.applies_thresholds,
        flip_test=manifest.flip_test,
    )


def _write_graph(
    graph: onnx.ModelProto, folder: Path, manifest: Manifest, description: Description
) -> None:
    """Write the model file, with the description in it: people copy it without its folder."""
    graph.producer_name = "maskwright"
    graph.producer_version = manifest.versions.get("maskwright", "")
    if manifest.format == "openvino":
        with tempfile.TemporaryDirectory(prefix="export-") as temporary:
            file = Path(temporary) / MODEL
            file.write_bytes(graph.SerializeToString())
            text = description.model_dump_json()
            export_openvino(file, folder, manifest=manifest, description=text)
        return
    properties = {
        METADATA_KEY: description.model_dump_json(),
        MANIFEST_KEY: manifest_text(manifest),
        **onnx_metadata(manifest),
    }
    onnx.helper.set_model_props(graph, properties)
    (folder / MODEL).write_bytes(graph.SerializeToString())


def _only_size(
    items: Sequence[Mapping[str, Any]] | None, net: Any, quantized: QuantizationTable | None
) -> tuple[int, int] | None:
    """Return the (width, height) of a file whose images may have others; None for any."""
    known = None if items is None else only_size(net, transforms_from_list(list(items)))
    if known is None and quantized is not None and items is None:
        return quantized.size[1], quantized.size[0]
    return known


def _onnx_graph(
    net: Any, *, size: tuple[int, int] | None, quantized: QuantizationTable | None
) -> onnx.ModelProto:
    """Make the plain graph of a network in float, and quantise it."""
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        file = Path(folder) / MODEL
        _write_onnx(net, file, size=size, quantized=quantized)
        return onnx.load(file)


def _write_onnx(
    net: Any, file: Path, *, size: tuple[int, int] | None, quantized: QuantizationTable | None
) -> None:
    """Export a float copy of the network, and quantise the file."""
    traced_size = _SOME_SIZE if size is None else (size[1], size[0])
    if size is None and quantized is not None:
        traced_size = quantized.size
    if quantized is None:
        fold_batch_norms(net, trace(net, traced_size))
        export_float(net, file, size=size)
        return
    traced = trace(net, traced_size)
    points = quantization_points(traced, quantized.config, quantized.float_layers)
    if {point.key for point in points} != set(quantized.activations):
        raise InputError(
            "The model was quantised for images of {width}×{height} pixels, and computes in other "
            "steps at the chosen size: export it at that one, or quantise it again.",
            width=quantized.size[1],
            height=quantized.size[0],
        )
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        in_float = Path(folder) / MODEL
        names = export_float(net, in_float, size=size, traced=traced)
        export_int8(in_float, quantized, names, file)


def _resized(
    items: Sequence[Mapping[str, Any]], own: tuple[int, int] | None, size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Return the steps from what the preprocessing makes of an image to a file's own size."""
    target = [size[1], size[0]]
    if own is not None:
        return [] if own == size else [{"Resize": {"target_size": target}}]
    if not makes_small(items):  # larger images are computed in windows
        return []
    # Images of several shapes: all are to fit, and what is missing is continued.
    return [{"Resize": {"target_size": target, "keep_ratio": True}}]


def _known(thresholds: Sequence[float | None] | None) -> tuple[float | None, ...] | None:
    return None if thresholds is None else tuple(thresholds)


def _add_to_scores(graph: onnx.GraphProto, offsets: npt.NDArray[np.float32]) -> None:
    """Have a graph (…) → (N, C, H, W) add a number to the scores of each class."""
    scores = graph.output[0].name
    before = f"{scores}_before_thresholds"
    for node in graph.node:
        node.output[:] = [before if name == scores else name for name in node.output]
        node.input[:] = [before if name == scores else name for name in node.input]
    values = offsets.astype(np.float32).reshape(1, -1, 1, 1)
    graph.initializer.append(onnx.numpy_helper.from_array(values, "threshold_offsets"))
    node = onnx.helper.make_node("Add", [before, "threshold_offsets"], [scores], "thresholds")
    graph.node.append(node)


def _free_folder(folder: Path) -> Path:
    """Return ``folder`` if nothing but an earlier export would be lost there."""
    if not folder.exists():
        make_folder(folder.parent)
        return folder
    if not folder.is_dir():
        raise InputError("{file} is a file: give a folder to export to.", file=folder)
    models = set(MODEL_FILES.values())
    weights = {name for names in _WEIGHTS.values() for name in names}
    own = models | weights | {DESCRIPTION, MANIFEST, _REFERENCE, *_PADDLEX}
    present = {file.name for file in folder.iterdir()}
    foreign = sorted(present - own)
    if not foreign and (not present or models & present):
        return folder
    raise InputError(
        "{folder} holds other files, such as {file}: export into a folder of its own.",
        folder=folder,
        file=foreign[0] if foreign else DESCRIPTION,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
