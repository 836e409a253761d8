"""Reading weights that PyTorch saved, in which nothing may run; no paddle, no PyTorch.

The layout is that of ``torch.save`` before PyTorch 1.6 (``torch/serialization.py``,
``_legacy_save``): pickles of a magic number, a protocol version, the writer's sizes of numbers, the
content with its storages by key, and the list of keys; then each storage's length and bytes.
"""

from __future__ import annotations

import math
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from core.models.state_dict_files import Arrays, opened_weights
from core.system.restricted_pickle import Mention, RestrictedUnpickler

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001
_DTYPES: Final = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ByteStorage": "|u1",
}


def read_torch_state_dict(path: Path) -> Arrays:
    """Read a ``.pth`` file of ``torch.save`` before 1.6: name → array.

    Raises:
        InputError: missing, damaged, of the newer layout, or holding anything but tensors.
    """
    with opened_weights(path) as file:
        return _read(file)


class _Unchanging:
    """What a pickle may name, but not change after it was made."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it tries to change what reads it")


class _StorageType(_Unchanging):
    """Stand-in for a storage's class, which is mentioned only."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype


class _Storage(_Unchanging):
    """Numbers that tensors lie in; they come after the pickles."""

    __slots__ = ("count", "dtype", "values")

    def __init__(self, dtype: str, count: int) -> None:
        self.dtype = np.dtype(dtype)
        self.count = count
        self.values: npt.NDArray[Any] | None = None


class _Tensor(_Unchanging):
    """Where a tensor's numbers lie in its storage, counted in numbers."""

    __slots__ = ("_offset", "_shape", "_storage", "_strides")

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> None:
        if not isinstance(storage, _Storage):
            raise pickle.UnpicklingError("it holds a tensor without numbers")
        self._storage, self._offset = storage, int(offset)
        self._shape = tuple(int(side) for side in shape)
        self._strides = tuple(int(stride) for stride in strides)

    def array(self) -> npt.NDArray[Any]:
        """Return a copy of the numbers in the tensor's shape."""
        values = self._storage.values
        if values is None:
            raise pickle.UnpicklingError("it lacks the numbers of a tensor")
        if min((self._offset, *self._shape, *self._strides)) < 0:
            raise pickle.UnpicklingError("it holds a tensor of an impossible shape")
        last = self._offset + sum(
            (side - 1) * stride for side, stride in zip(self._shape, self._strides, strict=True)
        )
        # Repeated numbers (a stride of 0) would let a small file fill the memory.
        if math.prod(self._shape) > values.size or (0 not in self._shape and last >= values.size):
            raise pickle.UnpicklingError("it holds a tensor that reaches beyond its numbers")
        size = values.dtype.itemsize
        view = np.lib.stride_tricks.as_strided(
            values[self._offset :],
            self._shape,
            tuple(stride * size for stride in self._strides),
            writeable=False,
        )
        return view.copy()


class _Unpickler(RestrictedUnpickler):
    """Resolves the mentions of storages."""

    def __init__(self, stream: IO[bytes], storages: dict[str, _Storage]) -> None:
        super().__init__(stream, _FUNCTIONS)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands in for a class or function of the pickle."""
        if module == "torch" and name in _DTYPES:
            return _StorageType(_DTYPES[name])
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that ``("storage", type, key, place, count, view)`` names."""
        kind, storage_type, key, _, count, view = pid
        if kind != "storage" or view is not None or not isinstance(storage_type, _StorageType):
            raise pickle.UnpicklingError("it holds a tensor of an unknown kind")
        return self._storages.setdefault(str(key), _Storage(storage_type.dtype, int(count)))


def _read(file: IO[bytes]) -> Arrays:
    storages: dict[str, _Storage] = {}
    magic, protocol, _, content = (_Unpickler(file, storages).load() for _ in range(4))
    if magic != _MAGIC or protocol != _PROTOCOL:
        raise pickle.UnpicklingError("it is no file of torch.save before 1.6")
    if not isinstance(content, dict):
        raise pickle.UnpicklingError("it does not hold named tensors")
    keys = _Unpickler(file, storages).load()
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise pickle.UnpicklingError("its tensors are not those that it lists")
    for key in keys:
        _fill(storages[str(key)], file)
    arrays = {}
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise pickle.UnpicklingError("it holds something else than named tensors")
        arrays[name] = tensor.array()
    return arrays


def _fill(storage: _Storage, file: IO[bytes]) -> None:
    count = int.from_bytes(file.read(8), "little", signed=True)
    if count != storage.count:
        raise pickle.UnpicklingError("it holds another count of numbers than it says")
    size = count * storage.dtype.itemsize
    left = os.fstat(file.fileno()).st_size - file.tell()
    if not 0 <= size <= left:  # before memory is asked for
        raise pickle.UnpicklingError("it ends too early")
    data = file.read(size)
    storage.values = np.frombuffer(data, dtype=storage.dtype, count=count)


_FUNCTIONS: Final[dict[Mention, Callable[..., Any] | None]] = {
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("collections", "OrderedDict"): OrderedDict,
}
