"""Writing files so that a crash leaves the old or the new content, and reading foreign ones."""

from __future__ import annotations

import codecs
import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from core.system.encodings import ENCODINGS, Reading, readings
from core.system.errors import InputError
from core.system.messages import Message, message

MAX_YAML_BYTES = 2 * 2**20
"""What describes the largest pruned networks takes a tenth of it; this takes seconds to read."""
MAX_YAML_VALUES = 1_000_000
"""Counted with what aliases repeat: a few lines of them can stand for billions."""
MAX_TEXT_BYTES = 256 * 2**20
_DISK_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_REFUSED = frozenset(
    {
        errno.EACCES,
        errno.EEXIST,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    }
)


def is_disk_full(error: BaseException) -> bool:
    """Whether the system reported that a disk, or the user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in _DISK_FULL


def storage_problem(error: OSError) -> InputError | None:
    """Say what the disk, or the rights to it, do not allow; None where ``error`` is no such."""
    reason = error.strerror or str(error)
    if is_disk_full(error):
        return InputError("The disk is full ({reason}); make room and try again.", reason=reason)
    if error.errno == errno.ENAMETOOLONG and error.filename is not None:
        return InputError(
            "The name of {file} is longer than the disk allows; shorten it.", file=error.filename
        )
    if error.errno == errno.EFBIG:  # FAT ends at 4 GiB; systems may set limits
        return InputError(
            "A file is larger than the disk or the system allows ({reason}); choose another disk.",
            reason=reason,
        )
    if error.errno in _REFUSED and error.filename is not None:
        return InputError(
            "{file} cannot be used: {reason}; check your rights to it or choose another folder.",
            file=error.filename,
            reason=reason,
        )
    return None


def as_path(value: Any, *, name: str) -> Path:
    """Return an argument as a path; raises ``InputError`` with the argument's name if it is none.

    An empty text is none: it would stand for the folder the program was started in.
    """
    if isinstance(value, os.PathLike) or (isinstance(value, str) and value):
        return Path(value)
    raise InputError("{name} is {value}: give a path.", name=name, value=repr(value)[:100])


def require_room(folder: Path | str, size: int) -> None:
    """Make sure that a file of so many bytes can be written into a folder.

    For libraries that do not notice when a disk runs full, and leave the file cut short.

    Raises:
        OSError: as the system reports it: the disk is full, or the file too large.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
                return
            block = bytes(2**20)
            for start in range(0, size, len(block)):
                file.write(block[: size - start])
    except OSError as error:
        error.filename = error.filename or str(folder)
        raise


def make_folder(path: Path | str) -> Path:
    """Make a folder that the user chose, with its parents; one that exists is left alone.

    Raises:
        InputError: it cannot be made: no rights, a file in the way, or no place for folders.
        OSError: the disk is full.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise InputError(
            "The folder {folder} cannot be made: {reason}; choose another place.",
            folder=folder,
            reason=error.strerror or error,
        ) from error
    return folder


def require_writable(path: Path | str) -> None:
    """Refuse a folder that cannot be made or written to, before work for it begins.

    What is made to find out is removed again.

    Raises:
        InputError: no rights, a file in the way, a full disk, or no place for folders.
    """
    folder = Path(path)
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if is_disk_full(error):
            raise
        raise InputError(
            "{file} cannot be used: {reason}; check your rights to it or choose another folder.",
            file=folder,
            reason=error.strerror or error,
        ) from error
    finally:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()


def write_bytes_atomic(path: Path | str, data: bytes | bytearray | memoryview) -> None:
    """Replace ``path`` by ``data``: whoever reads sees the old bytes or the new ones.

    The bytes are on the disk when this returns. A symbolic link stays one; its target is replaced.

    Raises:
        OSError: as the system reports it (disk full, no permission); ``path`` is as it was.
    """
    target = Path(path)
    if target.is_symlink():
        target = target.resolve()
    temporary = target.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        # os.open instead of tempfile: the umask then decides the permissions, as for any file.
        with open(os.open(temporary, _NEW_FILE, 0o666), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(target.parent)


_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_text_atomic(path: Path | str, text: str) -> None:
    """``write_bytes_atomic`` of UTF-8 text; line ends stay as they are."""
    write_bytes_atomic(path, text.encode("utf-8"))


def write_json_atomic(path: Path | str, obj: Any) -> None:
    """Write ``obj`` as indented, strict JSON (NaN and infinities are refused)."""
    write_text_atomic(path, json.dumps(obj, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


@contextlib.contextmanager
def replace_folder_atomic(target: Path | str) -> Iterator[Path]:
    """Build a folder beside ``target`` and put it in its place once the block has succeeded.

    One writer per target: the folder that a killed writer left behind is removed. Between the two
    renames of a replacement the target does not exist; ``recover_folder`` puts it right.

    Yields:
        The empty folder to fill. If the block raises, it is removed and ``target`` is untouched.
    """
    final = Path(target)
    recover_folder(final)
    partial = final.parent / f".{final.name}.partial"
    replaced = _replaced(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir()
    try:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                with file.open("rb+") as stream:
                    os.fsync(stream.fileno())
        if final.exists():
            final.rename(replaced)
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        recover_folder(final)
        raise
    fsync_folder(final.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def recover_folder(target: Path | str) -> None:
    """Finish what a kill inside ``replace_folder_atomic`` left half done: the old folder returns.

    Costs one or two look-ups when there is nothing to do.
    """
    final = Path(target)
    replaced = _replaced(final)
    if not replaced.exists():
        return
    if final.exists():
        shutil.rmtree(replaced, ignore_errors=True)
    else:
        replaced.rename(final)


def _replaced(final: Path) -> Path:
    return final.parent / f".{final.name}.replaced"


_UNICODE = "Unicode"
"""Instead of the encoding of a ``Reading`` that is no guess."""

_assumed: ContextVar[dict[Path, str] | None] = ContextVar("assumed encodings", default=None)


@contextlib.contextmanager
def noting_encodings() -> Iterator[dict[Path, str]]:
    """Collect the files that ``read_text`` reads within the block in an encoding that it assumed.

    Yields:
        The encoding of each file; filled as they are read.
    """
    noted: dict[Path, str] = {}
    outer = _assumed.get()
    token = _assumed.set(noted)
    try:
        yield noted
    finally:
        _assumed.reset(token)
        if outer is not None:
            outer.update(noted)


def read_text(path: Path | str, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Read text in UTF-8 (with or without a mark), UTF-16 with a mark, or as it makes sense.

    All line ends become line feeds. What is not in Unicode is read in the encoding of which it
    looks (GB18030, Big5, Windows-1252 …), an assumption: ``noting_encodings`` tells.

    Raises:
        InputError: missing, larger than ``max_bytes``, no text, or it may be in several encodings.
    """
    found = _readings(path, max_bytes)
    if len(found) > 1:
        words = [_first_foreign(one.text) for one in found]
        raise InputError(
            "{file} is not in UTF-8, and reads as {first} ({encoding}) or as {second}"
            " ({other_encoding}); save it as UTF-8.",
            file=path,
            first=words[0],
            encoding=found[0].encoding,
            second=words[1],
            other_encoding=found[1].encoding,
        )
    return _taken(path, found[0])


def _readings(path: Path | str, max_bytes: int) -> list[Reading]:
    """Return the ways to read a file; an encoding of Unicode is sure. At least one."""
    data = _read_limited(path, max_bytes)
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    with contextlib.suppress(UnicodeDecodeError):
        found = [Reading(_UNICODE, data.decode("utf-16" if marked else "utf-8-sig"))]
        if "\0" not in found[0].text:
            return found
    found = [] if marked or b"\0" in data else readings(data)
    if not found:
        raise InputError(
            "{file} is not a text file in UTF-8, UTF-16 or GB18030; save it as UTF-8.", file=path
        )
    return found


def _taken(path: Path | str, reading: Reading) -> str:
    noted = _assumed.get()
    if reading.encoding != _UNICODE and noted is not None:
        noted[Path(path)] = reading.encoding
    return reading.text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_remark(path: Path | str, encoding: str) -> Message:
    """Say that a file was read in an encoding that was assumed."""
    return message(
        "{file} is not in UTF-8; it was read as {encoding}, which is a guess: look at the names,"
        " and save it as UTF-8.",
        file=path,
        encoding=encoding,
    )


def _first_foreign(text: str) -> str:
    line = next(line.strip() for line in text.splitlines() if not line.isascii())
    begin = max(0, next(place for place, char in enumerate(line) if not char.isascii()) - 10)
    return f"“{line[begin : begin + 30]}”"


def read_text_that_fits(path: Path | str, fits: Callable[[str], bool]) -> str:
    """Read text as ``read_text`` does, or in the encoding in which it makes sense.

    Short words in GB18030 are valid UTF-8 at times, and every word of the other encodings is
    something in GB18030: only what the text is about can tell them apart.

    Args:
        path: file.
        fits: whether a text makes sense; asked only if there is anything but ASCII.

    Raises:
        InputError: as ``read_text``.
    """
    found = _readings(path, MAX_TEXT_BYTES)
    if len(found) == 1 and (found[0].text.isascii() or fits(found[0].text)):
        return _taken(path, found[0])
    data = _read_limited(path, MAX_TEXT_BYTES)
    for encoding in ENCODINGS:
        with contextlib.suppress(UnicodeDecodeError):
            other = Reading(encoding.upper(), data.decode(encoding))
            if fits(other.text):
                return _taken(path, other)
    return _taken(path, found[0])


def open_regular(path: Path | str) -> BinaryIO:
    """Open a file to read; a pipe or a device, which may never end, is refused.

    Raises:
        OSError: it is one, or as the system reports it.
    """
    mode = Path(path).stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device", str(path))
    return Path(path).open("rb")


def _read_limited(path: Path | str, max_bytes: int) -> bytes:
    try:
        with open_regular(path) as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise InputError("{file} does not exist.", file=path) from error
    except OSError as error:
        raise InputError(
            "{file} cannot be read: {reason}.", file=path, reason=error.strerror or error
        ) from error
    if len(data) > max_bytes:
        raise InputError(
            "{file} is larger than {size} MiB, more than such a file can need.",
            file=path,
            size=max_bytes >> 20,
        )
    return data


def read_yaml(path: Path | str) -> Any:
    """Read YAML of plain types, encoded as ``read_text`` knows it; Python tuples become lists.

    Raises:
        InputError: the file is missing, larger than ``MAX_YAML_BYTES``, not YAML, or asks for
            anything but plain types, or for more than ``MAX_YAML_VALUES`` values.
    """
    data = read_text(path, max_bytes=MAX_YAML_BYTES)
    try:
        loader = _PlainLoader(data)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count_values(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except _YAML_ERRORS as error:
        raise InputError(
            "{file} is not YAML of plain values: {reason}.",
            file=path,
            reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
        ) from error


# A value that is not of the type its tag claims makes the loader fail in any of these ways.
_YAML_ERRORS = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader that reads a Python tuple as the list it is."""


def _count_values(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for, those behind its aliases included.

    Args:
        node: of a composed document.
        known: what was counted so far, by the ids of nodes; 0 while a node is being counted.

    Raises:
        yaml.YAMLError: more than ``MAX_YAML_VALUES``, or a value that contains itself.
    """
    if id(node) in known:
        if known[id(node)] == 0:
            raise yaml.YAMLError("a value contains itself")
        return known[id(node)]
    known[id(node)] = 0
    count = 1
    if isinstance(node, yaml.CollectionNode):
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                count += _count_values(part, known)
    if count > MAX_YAML_VALUES:
        raise yaml.YAMLError(f"it stands for more than {MAX_YAML_VALUES} values")
    known[id(node)] = count
    return count


def _construct_list(loader: _PlainLoader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node, deep=True)


_PlainLoader.add_constructor("tag:yaml.org,2002:python/tuple", _construct_list)


def sha256_file(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync_folder(folder: Path) -> None:
    """Make renames and new entries in a folder durable; Windows has no such call, needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
