"""A trained model as a folder that other programs can run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
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
from core.deploy.onnx_export import export_float, takes_any_size
from core.deploy.onnx_int8 import export_int8
from core.models.image_sizes import size_warning
from core.models.model_folder import DESCRIPTION, EXPORTED, network_input_size, usual_input_size
from core.prediction.onnx_predictor import METADATA_KEY, Description
from core.prediction.paddle_predictor import inference_mode
from core.prediction.thresholds import Thresholds, resolve_thresholds, score_offsets
from core.system.errors import InputError
from core.system.files import make_folder, replace_folder_atomic, write_text_atomic
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.compression.quantization.table import QuantizationTable
    from core.seg.segmenter import Segmenter

MODEL: Final = EXPORTED
_LIBRARIES = ("maskwright", "paddlepaddle", "paddlepaddle-gpu", "paddle2onnx", "onnx")
#: Height and width to fold batch norms at, where any size will be taken.
_SOME_SIZE = (512, 512)


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written.

    Attributes:
        folder: where.
        files: everything in it, the model first.
        size_bytes: size of the model.
        precision: ``"float32"`` or ``"int8"``.
        size: (width, height) of the images it takes, None for any.
    """

    folder: Path
    files: tuple[Path, ...]
    size_bytes: int
    precision: Literal["float32", "int8"]
    size: tuple[int, int] | None

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.files[0]


def export_model(
    model: Segmenter,
    out_dir: str | Path,
    *,
    size: tuple[int, int] | None = None,
    thresholds: Thresholds = False,
    reporter: Reporter | None = None,
) -> ExportResult:
    """Write ``model.onnx`` and ``model.yml``; a quantised model computes in int8.

    Both say what the classes are and how images are prepared. The network is left as it is.

    Args:
        model: trained model; auxiliary heads are left out.
        out_dir: folder to write; an earlier export there is replaced.
        size: (width, height) of the images that the file will take. None for what the model's
            preprocessing, or quantisation, says; where that is nothing, for any size.
        thresholds: add the model's own thresholds (True), or one for each class, to the file's
            scores, so that the highest one obeys them in any program; False for the scores alone.
        reporter: is warned of a size that the network rounds; None makes it Python's warning.

    Raises:
        InputError: the folder holds something else, the network needs one size of image, or a
            quantised one another size.
    """
    chosen = resolve_thresholds(thresholds, model.thresholds)
    offsets = None if chosen is None else score_offsets(chosen)
    if offsets is not None and len(offsets) != model.num_classes:
        raise InputError(
            "There are {thresholds} thresholds for {classes} classes: give one for each.",
            thresholds=len(offsets),
            classes=model.num_classes,
        )
    folder = _free_folder(Path(out_dir))
    transforms = model.test_transforms
    items = None if transforms is None else transforms.to_list()
    own_size = None if items is None else network_input_size(items)
    net = deepcopy(model.net)
    net.eval()
    quantized = table(net) if is_quantized(net) else None
    if quantized is not None:
        round_weights(net)
        remove_quantizers(net)
    size = size or own_size
    if size is None and (items is None or not takes_any_size(net) or not _is_rescaled(items)):
        size = _only_size(items, net, quantized)
    learnt = model.size_multiple == 1 and size == own_size
    if not learnt and (warning := size_warning(size)) is not None:
        (reporter or Reporter()).warn(warning)
    if items is not None and size is not None and own_size not in (None, size):
        # The last step, so that it sees what the network was trained to see.
        items = [*items, {"Resize": {"target_size": [size[1], size[0]]}}]
    description = Description(
        model=model.model_name,
        labels=tuple(model.labels),
        colors=None if model.colors is None else tuple(model.colors),
        transforms=None if items is None else tuple(items),
        precision="float32" if quantized is None else "int8",
        float_layers=() if quantized is None else quantized.float_layers,
        libraries=_versions(),
        size_multiple=model.size_multiple,
        thresholds=_known(model.thresholds if chosen is None else chosen),
        applies_thresholds=chosen is not None,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder_atomic(folder) as temporary, inference_mode(net):
        _write_onnx(net, temporary / MODEL, size=size, quantized=quantized)
        _describe(temporary / MODEL, description, offsets=offsets)
        content = {"size": None if size is None else list(size), **description.model_dump()}
        write_text_atomic(
            temporary / DESCRIPTION,
            yaml.safe_dump(_plain(content), allow_unicode=True, sort_keys=False),
        )
    return ExportResult(
        folder,
        (folder / MODEL, folder / DESCRIPTION),
        (folder / MODEL).stat().st_size,
        "float32" if quantized is None else "int8",
        size,
    )


def _is_rescaled(items: Sequence[Mapping[str, Any]]) -> bool:
    """Whether images of any size reach the network, all at one scale."""
    return network_input_size(items) is None and usual_input_size(items) is not None


def _only_size(
    items: Sequence[Mapping[str, Any]] | None, net: Any, quantized: QuantizationTable | None
) -> tuple[int, int] | None:
    """Return the (width, height) of a file whose images may have others; None for any."""
    if quantized is not None:
        return quantized.size[1], quantized.size[0]
    return usual_input_size(items or ()) if not takes_any_size(net) else None


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


def _known(thresholds: Sequence[float | None] | None) -> tuple[float | None, ...] | None:
    return None if thresholds is None else tuple(thresholds)


def _describe(
    file: Path, description: Description, *, offsets: npt.NDArray[np.float32] | None
) -> None:
    """Put the description into the file itself, which people copy without its folder."""
    content = onnx.load(file)
    if offsets is not None:
        _add_to_scores(content.graph, offsets)
    content.producer_name = "maskwright"
    content.producer_version = description.libraries.get("maskwright", "")
    onnx.helper.set_model_props(content, {METADATA_KEY: description.model_dump_json()})
    file.write_bytes(content.SerializeToString())


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
    foreign = sorted(
        file.name for file in folder.iterdir() if file.name not in (MODEL, DESCRIPTION)
    )
    if not foreign and (not any(folder.iterdir()) or (folder / MODEL).is_file()):
        return folder
    raise InputError(
        "{folder} holds other files, such as {file}: export into a folder of its own.",
        folder=folder,
        file=foreign[0] if foreign else DESCRIPTION,
    )


def _versions() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
