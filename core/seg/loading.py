"""The way back from a model folder to a network, ours or PaddleX 2's."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from core.compression.rebuilding import rebuild
from core.models import model_folder, weights
from core.models.catalog import find_network
from core.models.compression_records import PRUNING, QUANTIZATION
from core.models.state_dict_files import read_state_dict
from core.prediction import paddle_predictor as inference
from core.seg.creation import model_class
from core.seg.segmenter import Segmenter
from core.system.errors import InputError
from core.system.messages import message
from core.system.reporting import Reporter
from core.training.data_checks import without_random
from core.training.losses import checked_mixed_loss
from core.transforms import transforms_from_list


def load_model(
    model_dir: str | Path,
    with_net: bool = True,
    *,
    device: str | None = None,
    reporter: Reporter | None = None,
) -> Segmenter:
    """Rebuild the model saved in ``model_dir``, ready to predict.

    Folders of PaddleX 2 lack constructor arguments: those that change the weights' shapes are
    read off these, the others are taken as the defaults, with a warning.

    Args:
        model_dir: folder with ``model.yml`` and ``model.pdparams``.
        with_net: False leaves ``net`` None (description only).
        device: ``"auto"``, ``"cpu"``, ``"gpu"`` or ``"gpu:0"``; None keeps the current one.
        reporter: is told of warnings; None makes them Python's.

    Raises:
        InputError: missing, damaged or foreign files.
    """
    folder = Path(model_dir)
    info = model_folder.read_model_info(folder)
    if device is not None:
        inference.select_device(device)
    try:
        cls = model_class(info.name)
        items = info.transforms
        transforms = None if items is None else transforms_from_list(list(items))
    except InputError as error:
        raise InputError(
            "{file} describes a model that cannot be rebuilt: {problem}",
            file=folder / model_folder.DESCRIPTION,
            problem=str(error),
        ) from error
    init_params = dict(info.init_params)
    if info.from_paddlex:
        init_params |= _lost_init_params(info, folder, reporter or Reporter())
    _check_loss(init_params, folder, reporter or Reporter())
    model = _bare(cls, init_params, folder)
    model.labels = list(info.labels)
    model.colors = None if info.colors is None else list(info.colors)
    model.pruning, model.quantization = info.pruning, info.quantization
    model.completed_epochs = info.completed_epochs
    model.size_multiple = info.size_multiple
    model.thresholds = None if info.thresholds is None else list(info.thresholds)
    model.score_offsets = None if info.score_offsets is None else list(info.score_offsets)
    model.flip_test = info.flip_test
    if transforms is not None:
        transforms = without_random(transforms, reporter or Reporter())
        model.test_transforms = transforms
        model.eval_transforms = deepcopy(transforms)
    if with_net:
        _rebuild(model, info, folder)
        weights.load_exactly(model.net, folder / model_folder.WEIGHTS)
        model.net.eval()
    return model


def _rebuild(model: Segmenter, info: model_folder.ModelInfo, folder: Path) -> None:
    try:
        rebuild(model, info.pruning, info.quantization)
    except InputError as error:
        raise InputError(
            "{file} describes a model that cannot be rebuilt: {problem}",
            file=folder / (PRUNING if info.quantization is None else QUANTIZATION),
            problem=str(error),
        ) from error


def _lost_init_params(
    info: model_folder.ModelInfo, folder: Path, reporter: Reporter
) -> dict[str, Any]:
    """Complete what PaddleX did not write down; what a person added to the file stays."""
    arrays = read_state_dict(folder / model_folder.WEIGHTS)
    shapes = {name: array.shape for name, array in arrays.items()}
    network = find_network(info.name)
    found = network.lost_params(shapes)
    unknown = [name for name in network.shapeless_params if name not in info.init_params]
    if unknown:
        reporter.warn(
            message(
                "{file} does not say with which {names} the model was trained: the defaults are "
                "taken; if they were others, add them under _init_params there.",
                file=folder / model_folder.DESCRIPTION,
                names=", ".join(unknown),
            )
        )
    return {name: value for name, value in found.items() if name not in info.init_params}


def _check_loss(init_params: dict[str, Any], folder: Path, reporter: Reporter) -> None:
    """Put cross entropy for a loss that is not known here: a trained network does not need it."""
    try:
        checked_mixed_loss(init_params.get("use_mixed_loss", False))
    except InputError as error:
        init_params["use_mixed_loss"] = False
        reporter.warn(
            message(
                "{file}: {problem} Cross entropy is taken should the model be trained on.",
                file=folder / model_folder.DESCRIPTION,
                problem=str(error),
            )
        )


def _bare(cls: type[Segmenter], init_params: Mapping[str, Any], folder: Path) -> Segmenter:
    """Make the model without its network."""
    try:
        return cls.without_net(**init_params)
    except TypeError as error:
        raise InputError(
            "{file} describes a {name} that this version cannot build: {reason}.",
            file=folder / model_folder.DESCRIPTION,
            name=cls.__name__,
            reason=str(error),
        ) from error
