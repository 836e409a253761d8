"""What a training starts from: weights, and where they are compressed the structure with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.compression.rebuilding import rebuild
from core.data.class_names import compare_class_names
from core.models import weights
from core.models.model_folder import (
    DESCRIPTION,
    ModelInfo,
    check_same_network,
    folder_of_weights,
    is_compressed,
    read_model_info,
)
from core.system.errors import InputError
from core.system.messages import message
from core.system.reporting import Reporter

if TYPE_CHECKING:
    from core.seg.model import SegmentationModel


def start_from(
    model: SegmentationModel,
    source: str | Path | None,
    *,
    labels: Sequence[str],
    reporter: Reporter,
) -> None:
    """Give a model the weights that its training begins with.

    A model folder says more than a file of weights, also where its file is named: a compressed
    network becomes the model's, and the heads of other classes are not taken.

    Args:
        model: is changed.
        source: as ``pretrain_weights`` of ``Segmenter.train``.
        labels: class names that it will be trained for.
        reporter: is told of a download, and of what starts anew.

    Raises:
        InputError: nothing fits, the folder's classes are the same in another order, or its
            compressed network is another one.
    """
    source = None if source is None else folder_of_weights(source)
    info = _described(source)
    fresh: frozenset[str] = frozenset()
    if info is not None and source is not None:
        others = _other_classes(info.labels, labels)
        if info.status != "Normal":
            _take_structure(model, info, Path(source), same_count=len(labels) == len(info.labels))
        if others:
            fresh = _head_names(model)
            reporter.warn(
                message(
                    "{folder} knows the classes {known} and the data {labels}: the heads that tell "
                    "them apart start anew ({heads}).",
                    folder=source,
                    known=", ".join(info.labels),
                    labels=", ".join(labels),
                    heads=", ".join(sorted(fresh)),
                )
            )
    weights.load_pretrained(
        model.net,
        source,
        model_name=model.model_name,
        init_params=model.init_params,
        fresh=fresh,
        reporter=reporter,
    )


def _described(source: str | Path | None) -> ModelInfo | None:
    """Read what a model folder says; None for anything else, also a folder of weights alone."""
    if source is None or not (Path(source) / DESCRIPTION).is_file():
        return None
    try:
        return read_model_info(source)
    except InputError:
        if is_compressed(Path(source)):
            raise
        return None  # its weights may do


def _other_classes(known: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether the classes are others; raises ``InputError`` for the same ones in another order."""
    if len(known) != len(labels):
        return True
    same = {name.strip().casefold() for name in known} == {
        name.strip().casefold() for name in labels
    }
    if same:
        compare_class_names(labels, known)
        return False
    return [*known] != [str(index) for index in range(len(known))]


def _take_structure(
    model: SegmentationModel, info: ModelInfo, folder: Path, *, same_count: bool
) -> None:
    if not same_count:
        raise InputError(
            "{folder} is compressed for {theirs} {theirs:class|classes} and the data has {ours}: "
            "train a whole network for these, and compress it then.",
            folder=folder,
            theirs=info.num_classes,
            ours=model.num_classes,
        )
    check_same_network(info, model.model_name, model.init_params, folder)
    rebuild(model, info.pruning, info.quantization)


def _head_names(model: SegmentationModel) -> frozenset[str]:
    """Return the names of all that has another shape for another number of classes."""
    count = model.num_classes
    params = {**model.init_params, "num_classes": count - 1 if count > 2 else count + 1}
    shapes = [
        {name: list(value.shape) for name, value in one.build_net().state_dict().items()}
        for one in (model, type(model).without_net(**params))
    ]
    return frozenset(name for name, shape in shapes[0].items() if shapes[1].get(name) != shape)
