"""Errors that are the input's fault, worded for the person who gave it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.portable.portable_error import PortableError
from core.system.messages import Message, message

if TYPE_CHECKING:
    from pydantic import ValidationError


class InputError(ValueError):
    """Bad input: one sentence that says what is wrong, in which file, and what to do.

    Args:
        template: English sentence with ``{name}`` places.
        **params: what goes into the places; paths become text.

    The command line prints it and exits with code 2, the window shows it in a dialog, a job
    reports it as ``Failed(kind="bad_input")``.
    """

    def __init__(self, template: str, /, **params: Any) -> None:
        self.message: Message = message(template, **params)
        super().__init__(str(self.message))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message.template, dict(self.message.params)))

    @classmethod
    def from_portable(cls, error: PortableError) -> InputError:
        """Make the error of the program of one of ``core.portable``."""
        return cls(error.template, **error.params)


@contextlib.contextmanager
def portable_errors() -> Iterator[None]:
    """Make the program's errors of those of ``core.portable`` that are raised within."""
    try:
        yield
    except PortableError as error:
        raise InputError.from_portable(error) from error


class ReadOnlyError(InputError):
    """What was to be opened for writing can only be read.

    Args:
        template: as for ``InputError``; what to do included.
        why: what stands in the way alone, for where it was opened for reading; ``template`` by
            default.
        **params: as for ``InputError``.
    """

    def __init__(self, template: str, /, *, why: Message | None = None, **params: Any) -> None:
        super().__init__(template, **params)
        self.why = self.message if why is None else why


class FilesError(InputError):
    """Something is wrong with files that can be named, all of them at once.

    Args:
        template: as for ``InputError``.
        files: which ones, absolute.
        **params: as for ``InputError``.
    """

    def __init__(self, template: str, /, *, files: Sequence[Path], **params: Any) -> None:
        super().__init__(template, **params)
        self.files = tuple(files)

    def __reduce__(self) -> tuple[Any, ...]:
        params = {**self.message.params, "files": self.files}
        return (_rebuild, (type(self), self.message.template, params))


class MissingFilesError(FilesError):
    """Files are not where they were."""


class UnreadableFilesError(FilesError):
    """Images are damaged, cut short, or none at all."""


def named(files: Sequence[Path], most: int = 3) -> str:
    """Return the names of files for a sentence, "…" for what is beyond ``most``."""
    names = [file.name for file in files[:most]]
    return ", ".join([*names, "…"] if len(files) > most else names)


def _rebuild(cls: type[InputError], template: str, params: dict[str, Any]) -> InputError:
    return cls(template, **params)


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Return where the content of a file is first not as it should be, and why."""
    first = error.errors(include_url=False)[0]
    where = " → ".join(str(part) for part in first["loc"]) or "content"
    is_no_mapping = first["type"] == "model_type"
    return where, "names with values are expected" if is_no_mapping else first["msg"]
