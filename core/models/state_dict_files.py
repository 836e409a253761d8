"""Reading pickled weights, where foreign files may hold arrays and nothing else; no paddle."""

from __future__ import annotations

import contextlib
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from core.system.errors import InputError
from core.system.restricted_pickle import DType, Mention, RestrictedUnpickler, latin1_bytes

Arrays = dict[str, npt.NDArray[Any]]

#: Paddle's own entry in a ``.pdparams`` file: structured name → parameter name.
_NAME_TABLE = "StructuredToParameterName@@"
#: What trainings call the weights beside which they keep an optimizer or an epoch.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
#: What ``paddle.DataParallel`` puts before each name.
_PARALLEL = "module."
#: Far above the largest network; a small file that names its parts over and over exceeds it.
_MAX_VALUES = 1_000_000


def read_state_dict(path: Path) -> Arrays:
    """Read a ``.pdparams`` file: structured name → array.

    Weights inside a dictionary of a training (``{"state_dict": …}``), and names that begin with
    the ``module.`` of a network trained in parallel, are taken for what they are.

    Raises:
        InputError: missing, damaged, or holding anything but arrays.
    """
    content = _unwrapped(read_arrays(path))
    content.pop(_NAME_TABLE, None)
    if content and all(name.startswith(_PARALLEL) for name in content):
        content = {name.removeprefix(_PARALLEL): value for name, value in content.items()}
    for name, value in content.items():
        if not isinstance(value, np.ndarray):
            raise InputError(
                "{file} does not hold the weights of a network: “{name}” is not an array.",
                file=path,
                name=name[:100],
            )
    return content


def _unwrapped(content: dict[str, Any]) -> dict[str, Any]:
    for name in _WRAPPERS:
        inner = content.get(name)
        if isinstance(inner, dict) and inner:
            return inner
    return content


@contextlib.contextmanager
def opened_weights(path: Path) -> Iterator[IO[bytes]]:
    """Open a file of pickled weights; whatever goes wrong within is the file's fault.

    Raises:
        InputError: it is missing, damaged or of another kind.
    """
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise InputError("There is no file {file}.", file=path) from error
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(
            "{file} cannot be read as network weights, it is damaged or of another kind: {reason}.",
            file=path,
            reason=f"{type(error).__name__} {error}"[:200],
        ) from error


def read_arrays(path: Path) -> dict[str, Any]:
    """Unpickle a dictionary of arrays and plain values; no code in the file can run.

    Raises:
        InputError: missing, damaged, or holding anything else.
    """
    with opened_weights(path) as file:
        content = _Plain().value(RestrictedUnpickler(file, _FUNCTIONS).load())
    if not isinstance(content, dict):
        raise InputError("{file} does not hold the weights of a network.", file=path)
    return content


class _Array:
    """Stand-in for ``numpy.ndarray`` while unpickling, so that no foreign state reaches numpy."""

    def __init__(self, *_: Any) -> None:
        self.value: npt.NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        data = data.encode("latin1") if isinstance(data, str) else data
        self.fill(data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        if not isinstance(dtype, DType):
            raise pickle.UnpicklingError("it holds an array of an unknown type")
        if any(side < 0 for side in shape):
            raise pickle.UnpicklingError("it holds an array of an impossible shape")
        array = np.frombuffer(data, dtype=dtype.dtype).reshape(shape, order=order)
        self.value = array.astype(dtype.dtype.newbyteorder("="), copy=False)


def _array_from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    """Stand-in for numpy's ``_frombuffer`` (pickle protocol 5)."""
    array = _Array()
    array.fill(data, dtype, shape, order)
    return array


def _no_bytes() -> bytes:
    """Stand-in for ``bytes()``: how pickle protocol 2 holds the content of an empty array."""
    return b""


class _Plain:
    """Replaces the stand-ins by arrays and refuses all that is not plain."""

    def __init__(self) -> None:
        self._left = _MAX_VALUES

    def value(self, item: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise pickle.UnpicklingError("it holds more values than a network can have")
        if isinstance(item, _Array):
            if item.value is None:
                raise pickle.UnpicklingError("it holds an array without content")
            return item.value
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                raise pickle.UnpicklingError("it names something by another thing than text")
            return {key: self.value(part) for key, part in item.items()}
        if isinstance(item, (list, tuple)):
            # A tensor pickled outside a state dict: (name, array).
            if len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], _Array):
                return self.value(item[1])
            return [self.value(part) for part in item]
        if item is None or isinstance(item, (str, int, float)):
            return item
        raise pickle.UnpicklingError(f"it holds a {type(item).__name__}")


_FUNCTIONS: dict[Mention, Callable[..., Any] | None] = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): DType,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _array_from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _array_from_buffer,
    ("_codecs", "encode"): latin1_bytes,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "tuple"): tuple,
    ("__builtin__", "tuple"): tuple,
    ("__builtin__", "bytes"): _no_bytes,
}
