"""Reading and writing weights; foreign files may hold arrays and nothing else."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import paddle
import platformdirs

from core.errors import InputError
from core.messages import message
from core.model_folder import WEIGHTS
from core.training.reporter import Reporter

Arrays = dict[str, npt.NDArray[Any]]

#: Paddle's own entry in a ``.pdparams`` file: structured name → parameter name.
_NAME_TABLE = "StructuredToParameterName@@"
_PLAIN_KINDS = "biuf"
_PUBLISHED = ("CITYSCAPES", "PascalVOC", "IMAGENET")


def write_state_dict(path: Path, net: Any) -> None:
    """Write ``net``'s weights as paddle does (readable by ``paddle.load``)."""
    paddle.save(net.state_dict(), str(path))


def read_state_dict(path: Path) -> Arrays:
    """Read a ``.pdparams`` file: structured name → array.

    Raises:
        InputError: missing, damaged, or holding anything but arrays.
    """
    content = read_arrays(path)
    content.pop(_NAME_TABLE, None)
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray):
            raise InputError(
                "{file} does not hold the weights of a network: “{name}” is not an array.",
                file=path,
                name=str(name)[:100],
            )
    return content


def read_arrays(path: Path) -> dict[Any, Any]:
    """Unpickle a dictionary of arrays and plain values; no code in the file can run.

    Raises:
        InputError: missing, damaged, or holding anything else.
    """
    try:
        with path.open("rb") as file:
            content = _plain(_ArrayUnpickler(file, encoding="latin1").load())
    except FileNotFoundError as error:
        raise InputError("There is no file {file}.", file=path) from error
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(
            "{file} cannot be read as network weights, it is damaged or of another kind: {reason}.",
            file=path,
            reason=f"{type(error).__name__} {error}"[:200],
        ) from error
    if not isinstance(content, dict):
        raise InputError("{file} does not hold the weights of a network.", file=path)
    return content


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
    net: Any, source: str | Path | None, model_name: str, reporter: Reporter
) -> None:
    """Start from other weights; those that do not fit (another class count) stay as they are.

    Args:
        net: the network.
        source: ``.pdparams`` file, model folder, name of published weights, or None.
        model_name: class name, part of the folder that published weights lie in.
        reporter: is told how many weights were loaded.

    Raises:
        InputError: no such file, or nothing in it fits.
    """
    if source is None:
        return
    path = _locate(source, model_name)
    arrays = read_state_dict(path)
    own = net.state_dict()
    fitting = {k: v for k, v in arrays.items() if k in own and list(v.shape) == own[k].shape}
    if not fitting:
        raise InputError("No weight in {file} fits a {model}.", file=path, model=model_name)
    _assign(own, fitting)
    if len(fitting) < len(own):
        reporter.warn(
            message(
                "{loaded} of {all} weights were loaded from {file}; the others start fresh.",
                loaded=len(fitting),
                all=len(own),
                file=path,
            )
        )


def pretrained_folder() -> Path:
    """Folder where published weights are kept, one subfolder ``Class_NAME`` each."""
    return Path(platformdirs.user_cache_dir("maskwright", appauthor=False)) / "pretrained"


def _locate(source: str | Path, model_name: str) -> Path:
    if isinstance(source, str) and source in _PUBLISHED:
        path = pretrained_folder() / f"{model_name}_{source}" / WEIGHTS
        if not path.is_file():
            raise InputError(
                "The {name} weights of {model} are not on this computer: put them at {file}, or "
                "set pretrain_weights to None.",
                name=source,
                model=model_name,
                file=path,
            )
        return path
    path = Path(source)
    if path.is_dir():
        path = path / WEIGHTS
    if not path.is_file():
        raise InputError(
            "pretrain_weights “{name}” is neither a file, nor a model folder, nor one of {known}.",
            name=source,
            known=", ".join(_PUBLISHED),
        )
    return path


def _assign(own: Mapping[str, Any], arrays: Arrays) -> None:
    for name, array in arrays.items():
        tensor = own[name]
        tensor.set_value(paddle.to_tensor(array).astype(tensor.dtype))


class _DType:
    """Stand-in for ``numpy.dtype`` while unpickling: a number type and its byte order."""

    def __init__(self, spec: Any, *_: Any) -> None:
        if not isinstance(spec, str) or np.dtype(spec).kind not in _PLAIN_KINDS:
            raise pickle.UnpicklingError("it holds an array of something else than numbers")
        self.dtype = np.dtype(spec)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stand-in for ``numpy.ndarray`` while unpickling, so that no foreign state reaches numpy."""

    def __init__(self, *_: Any) -> None:
        self.value: npt.NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        data = data.encode("latin1") if isinstance(data, str) else data
        self.fill(data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        if not isinstance(dtype, _DType):
            raise pickle.UnpicklingError("it holds an array of an unknown type")
        array = np.frombuffer(data, dtype=dtype.dtype).reshape(shape, order=order)
        self.value = array.astype(dtype.dtype.newbyteorder("="), copy=False)


def _array_from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    """Stand-in for numpy's ``_frombuffer`` (pickle protocol 5)."""
    array = _Array()
    array.fill(data, dtype, shape, order)
    return array


def _latin1(text: Any, encoding: Any) -> bytes:
    """Stand-in for ``codecs.encode``: how pickle protocol 2 holds bytes."""
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError("it holds bytes in an unknown encoding")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Stand-in for ``bytes()``: how pickle protocol 2 holds the content of an empty array."""
    return b""


def _plain(value: Any) -> Any:
    """Replace the stand-ins by arrays."""
    if isinstance(value, _Array):
        if value.value is None:
            raise pickle.UnpicklingError("it holds an array without content")
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        # A tensor pickled outside a state dict: (name, array).
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], _Array):
            return _plain(value[1])
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise pickle.UnpicklingError(f"it holds a {type(value).__name__}")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _DType,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _array_from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _array_from_buffer,
    ("_codecs", "encode"): _latin1,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "tuple"): tuple,
    ("__builtin__", "tuple"): tuple,
    ("__builtin__", "bytes"): _no_bytes,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None
