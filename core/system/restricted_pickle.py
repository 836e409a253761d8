"""Unpickling foreign files in which nothing may run: only what is named here can be made."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np

#: Module and name, as a pickle mentions a function or a class.
Mention = tuple[str, str]
_PLAIN_KINDS = "biuf"


class RestrictedUnpickler(pickle.Unpickler):
    """Reads a pickle whose mentions of functions and classes are all foreseen.

    Args:
        stream: the pickle.
        functions: what it may call, by its mention, or None for what it may only mention; the
            pickle sees a fresh object each time, so that it cannot change them.
        classes: what it may also make without a call, as pickles of objects do.
    """

    def __init__(
        self,
        stream: IO[bytes],
        functions: Mapping[Mention, Callable[..., Any] | None],
        classes: Mapping[Mention, type] | None = None,
    ) -> None:
        super().__init__(stream, encoding="latin1")
        self._functions = functions
        self._classes = classes or {}

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for what the pickle mentions; called by ``load``."""
        if (module, name) in self._classes:
            return self._classes[module, name]
        if (module, name) not in self._functions:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        function = self._functions[module, name]
        return _Name() if function is None else _Maker(function)


class DType:
    """Stand-in for ``numpy.dtype``: a number type and its byte order."""

    def __init__(self, spec: Any, *_: Any) -> None:
        if not isinstance(spec, str) or np.dtype(spec).kind not in _PLAIN_KINDS:
            raise pickle.UnpicklingError("it holds an array of something else than numbers")
        self.dtype = np.dtype(spec)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


def latin1_bytes(text: Any, encoding: Any) -> bytes:
    """Stand-in for ``codecs.encode``: how pickle protocol 2 holds bytes."""
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError("it holds bytes in an unknown encoding")
    return text.encode("latin1")


class _Name:
    """What a pickle may mention but not call."""

    __slots__ = ()


class _Maker:
    """What a pickle may call."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it tries to change what reads it")
