"""Giving a network its weights, and writing them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import paddle

from core.models import pretrained
from core.models.catalog import NETWORKS
from core.models.model_folder import WEIGHTS
from core.models.state_dict_files import Arrays, read_state_dict
from core.system.errors import InputError
from core.system.messages import message
from core.system.reporting import Reporter


class _Source(NamedTuple):
    """Weights to start from; with ``encoder_only`` they are the encoder's, under its own names."""

    path: Path
    arrays: Arrays
    encoder_only: bool = False


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
    path, arrays, encoder_only = _read(source, model_name, init_params, reporter)
    own = net.state_dict()
    encoder = NETWORKS[model_name].encoder if encoder_only else ""
    wanted = {name for name in own if name.startswith(encoder)}
    arrays = {encoder + name: array for name, array in arrays.items()}
    wanted -= set(fresh)
    fitting = {k: v for k, v in arrays.items() if k in wanted and list(v.shape) == own[k].shape}
    if not fitting:
        raise InputError("No weight in {file} fits a {model}.", file=path, model=model_name)
    _assign(own, fitting)
    if not wanted <= set(fitting):
        reporter.warn(
            message(
                "{loaded} of {all} {all:weight was|weights were} loaded from {file}; the others "
                "start fresh.",
                loaded=len(fitting),
                all=len(wanted),
                file=path,
            )
        )


def _read(
    source: str | Path,
    model_name: str,
    init_params: Mapping[str, Any] | None,
    reporter: Reporter,
) -> _Source:
    path = Path(source)
    if path.is_dir():
        path = path / WEIGHTS
    if path.is_file():
        return _Source(path, read_state_dict(path))
    if isinstance(source, Path) or path.suffix or len(path.parts) != 1:
        raise InputError(
            "pretrain_weights “{name}” is neither a file nor a model folder.", name=source
        )
    packaged = pretrained.packaged(model_name, init_params, source)
    if packaged is not None:
        return _Source(packaged.path(), packaged.read(), encoder_only=True)
    weights = pretrained.published(model_name, init_params, source)
    path = pretrained.obtain(weights, reporter=reporter)
    return _Source(path, read_state_dict(path), encoder_only=weights.backbone_only)


def _assign(own: Mapping[str, Any], arrays: Arrays) -> None:
    for name, array in arrays.items():
        tensor = own[name]
        tensor.set_value(paddle.to_tensor(array).astype(tensor.dtype))
