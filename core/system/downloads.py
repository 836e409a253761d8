"""Downloads that go on where they broke off, and archives opened without trust."""

from __future__ import annotations

import contextlib
import gzip
import json
import lzma
import os
import shutil
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from core.system.files import fsync_folder, write_json_atomic
from core.system.reporting import Reporter

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
#: Tries in a row that bring nothing new before a download is given up.
ATTEMPTS = 3
PAUSE_S = 1.0
MAX_BYTES = 8 * 2**30
_CHUNK = 1 << 16  # what a broken connection costs at most
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,  # an encrypted zip file
)
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadError(Exception):
    """A download or an archive that cannot be used; its text is the reason, without a full stop."""


class _BrokenOffError(DownloadError):
    """Worth another try."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of an unfinished file.

    Attributes:
        url: where it comes from.
        validator: the server's name for this content (ETag or date); None: it gives none.
        size: bytes of the whole; None: unknown.
    """

    url: str
    validator: str | None
    size: int | None


def download(url: str, target: Path, *, reporter: Reporter) -> None:
    """Download ``url`` to ``target``; what an earlier try left in ``target.part`` is used.

    Proxies come from the environment (``HTTPS_PROXY``, ``NO_PROXY`` …). The file is on the disk,
    of the size the server announced, when this returns. Progress counts KiB, stage ``"prepare"``.

    Raises:
        DownloadError: the server cannot be reached, refuses, or does not send the whole file.
        StopRequested: the reporter asked to stop; another call goes on.
        OSError: as the system reports it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(target)
    failures = 0
    with _session() as session:
        while True:
            before = _size(part)
            try:
                _transfer(session, url, part, reporter)
                break
            except _BrokenOffError:
                failures = 1 if _size(part) > before else failures + 1
                if failures >= ATTEMPTS:
                    raise
            _pause(PAUSE_S * failures, reporter)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    fsync_folder(target.parent)
    _description(part).unlink(missing_ok=True)


def content_length(url: str) -> int:
    """Return how many bytes a file on a server has, 0 where that cannot be found out."""
    import requests

    with _session() as session:
        try:
            timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            response = session.head(url, allow_redirects=True, timeout=timeout)
        except requests.RequestException:
            return 0
        length = response.headers.get("Content-Length", "")
        return int(length) if response.ok and length.isdecimal() else 0


def part_of(target: Path) -> Path:
    """Where the beginning of an unfinished ``target`` lies."""
    return target.with_name(target.name + ".part")


@contextlib.contextmanager
def exclusive(target: Path, reporter: Reporter) -> Iterator[None]:
    """Hold the right to write ``target``; other processes that want it wait."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(target.name + ".lock"))
    while True:
        reporter.check()
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def damage(archive: Path) -> Iterator[None]:
    """Turn what reading a damaged archive raises into ``DownloadError``."""
    try:
        yield
    except _DAMAGE as error:
        raise DownloadError(f"{archive.name} is damaged ({error})") from error


def extract_single(archive: Path, target: Path, *, suffix: str) -> None:
    """Copy the one member of a tar archive that ends in ``suffix`` to ``target``.

    No other member is written, and no name in the archive decides where.

    Raises:
        DownloadError: damaged, or not exactly one such file.
    """
    with damage(archive), tarfile.open(archive) as tar:
        members = [m for m in tar if m.isreg() and m.name.endswith(suffix)]
        source = tar.extractfile(members[0]) if len(members) == 1 else None
        if source is None or members[0].size > MAX_BYTES:
            raise DownloadError(f"{archive.name} does not hold exactly one {suffix} file")
        with source, target.open("wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())


def _session() -> requests.Session:
    """Return a session that trusts what the system trusts: a company's own certificates, too."""
    import ssl

    import requests  # slow to import, and most starts download nothing
    import truststore
    from requests.adapters import HTTPAdapter

    class SystemCertificates(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            super().init_poolmanager(*args, ssl_context=context, **options)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            return super().proxy_manager_for(proxy, ssl_context=context, **options)

    session = requests.Session()
    session.mount("https://", SystemCertificates())
    return session


def _transfer(session: requests.Session, url: str, part: Path, reporter: Reporter) -> None:
    """Bring ``part`` to its full size, or say why not."""
    import requests

    known = _read_description(part, url)
    have = _size(part) if known is not None and known.validator else 0
    if known is not None and known.size is not None and have == known.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if known is not None and known.validator and have:
        headers |= {"Range": f"bytes={have}-", "If-Range": known.validator}
    timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    try:
        with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
            start = _start(response, have, part)
            size = _whole_size(response, start)
            write_json_atomic(_description(part), asdict(_Part(url, _validator(response), size)))
            done = _receive(response, part, start, size, reporter)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _BrokenOffError(_reason(error)) from error
    except requests.RequestException as error:
        # A body that ends early counts as such, whichever way it was noticed.
        broken = isinstance(error, requests.exceptions.ChunkedEncodingError)
        raise (_BrokenOffError if broken else DownloadError)(_reason(error)) from error
    if size is not None and done != size:
        raise _BrokenOffError(f"only {done} of {size} bytes arrived")


def _start(response: requests.Response, have: int, part: Path) -> int:
    """Return where the body starts in the file."""
    status = response.status_code
    if status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        return have
    if status == 200:
        return 0
    if status in (206, 416):  # what lies here cannot be continued
        part.unlink(missing_ok=True)
        raise _BrokenOffError("the server sent another part than was asked for")
    reason = f"the server answered {status} {response.reason}".rstrip()
    raise (_BrokenOffError if status in _WORTH_ANOTHER_TRY else DownloadError)(reason)


def _whole_size(response: requests.Response, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    size = start + int(length) if length.isdecimal() else None
    if size is not None and size > MAX_BYTES:
        raise DownloadError(f"the file has {size} bytes, more than it can need")
    return size


def _validator(response: requests.Response) -> str | None:
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    return response.headers.get("Last-Modified")


def _receive(
    response: requests.Response, part: Path, start: int, size: int | None, reporter: Reporter
) -> int:
    """Append the body to the first ``start`` bytes; return the bytes that are there then."""
    done = start
    began = time.monotonic()
    with part.open("ab" if start else "wb") as file:
        for chunk in response.iter_content(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            if done > MAX_BYTES:
                raise DownloadError("the file does not end")
            reporter.check()
            if size is not None:
                speed = (done - start) / max(time.monotonic() - began, 1e-3)
                reporter.progress(
                    done >> 10, size >> 10, stage="prepare", eta_s=(size - done) / speed
                )
    return done


def _reason(error: Exception) -> str:
    """Name the innermost cause, without the layers of objects around it."""
    import requests

    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be used"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.ConnectTimeout):
        return "the server does not answer"
    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return "the server stopped sending"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to the server"
    return type(error).__name__


def _pause(seconds: float, reporter: Reporter) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        reporter.check()
        time.sleep(min(left, 0.2))


def _description(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_description(part: Path, url: str) -> _Part | None:
    """What is known of the part, None where it cannot be continued."""
    if not part.is_file():
        return None
    try:
        known: Any = json.loads(_description(part).read_text(encoding="utf-8"))
        found = _Part(str(known["url"]), known["validator"], known["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    plain = isinstance(found.validator, str | None) and isinstance(found.size, int | None)
    return found if plain and found.url == url else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
