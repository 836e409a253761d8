"""Giving a network its weights, and writing them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import paddle

from core.models import pretrained
from core.models.model_folder import WEIGHTS
from core.models.state_dict_files import Arrays, read_state_dict
from core.system.errors import InputError
from core.system.messages import message
from core.system.reporting import Reporter

#: Where a network with a backbone of its own keeps its weights.
_BACKBONE = "backbone."


def write_state_dict(path: Path, net: Any) -> None:
    """Write ``net``'s weights as paddle does (readable by ``paddle.load``)."""
    paddle.save(net.state_dict(), str(path))


def load_exactly(net: Any, path: Path) -> None:
    """Load ``path`` into ``net``; every weight must be there with its shape.

    Raises:
        InputError: the file does not fit the network.
    """
    arrays = read_state_dict(path)
    own = net.state_dict()
    unfit = [k for k, v in own.items() if k not in arrays or list(arrays[k].shape) != v.shape]
    unfit += [k for k in arrays if k not in own]
    if unfit:
        raise InputError(
            "{file} does not fit the network described beside it: {count} of its weights differ, "
            "the first is “{name}”.",
            file=path,
            count=len(unfit),
            name=unfit[0],
        )
    _assign(own, arrays)


def load_pretrained(
    net: Any,
    source: str | Path | None,
    *,
    model_name: str,
    init_params: Mapping[str, Any] | None = None,
    fresh: Collection[str] = (),
    reporter: Reporter,
) -> None:
    """Start from other weights; those that do not fit (another class count) stay as they are.

    Args:
        net: the network.
        source: ``.pdparams`` file, model folder, name of published weights, or None.
        model_name: class name; with ``init_params`` it decides which weights a name means.
        init_params: the constructor's arguments.
        fresh: names of what is not to be loaded.
        reporter: is told of a download, and how many weights were loaded if not all.

    Raises:
        InputError: no such file or name, nothing in it fits, or it cannot be downloaded.
    """
    if source is None:
        return
    path, backbone_only = _locate(source, model_name, init_params, reporter)
    arrays = read_state_dict(path)
    own = net.state_dict()
    wanted = {k for k in own if k.startswith(_BACKBONE)} if backbone_only else set(own)
    if backbone_only:
        arrays = {_BACKBONE + name: array for name, array in arrays.items()}
    wanted -= set(fresh)
    fitting = {k: v for k, v in arrays.items() if k in wanted and list(v.shape) == own[k].shape}
    if not fitting:
        raise InputError("No weight in {file} fits a {model}.", file=path, model=model_name)
    _assign(own, fitting)
    if not wanted <= set(fitting):
        reporter.warn(
            message(
                "{loaded} of {all} weights were loaded from {file}; the others start fresh.",
                loaded=len(fitting),
                all=len(wanted),
                file=path,
            )
        )


def _locate(
    source: str | Path,
    model_name: str,
    init_params: Mapping[str, Any] | None,
    reporter: Reporter,
) -> tuple[Path, bool]:
    """Return the file, and whether it holds a backbone alone."""
    path = Path(source)
    if path.is_dir():
        path = path / WEIGHTS
    if path.is_file():
        return path, False
    if isinstance(source, Path) or path.suffix or len(path.parts) != 1:
        raise InputError(
            "pretrain_weights “{name}” is neither a file nor a model folder.", name=source
        )
    weights = pretrained.published(model_name, init_params, source)
    return pretrained.obtain(weights, reporter=reporter), weights.backbone_only


def _assign(own: Mapping[str, Any], arrays: Arrays) -> None:
    for name, array in arrays.items():
        tensor = own[name]
        tensor.set_value(paddle.to_tensor(array).astype(tensor.dtype))
