"""Is there a later version? Asked of the small JSON file that the packager named, of nobody else.

The file is described in ``docs/development/updates.md``. Nothing is downloaded but the file itself,
and nothing is sent but the request for it.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Annotated, Any

import pydantic
import truststore

from core.system.changelog import is_earlier, parsed_version
from core.system.errors import InputError, first_problem

CONNECT_TIMEOUT_S = 10.0
WHOLE_TIMEOUT_S = 30.0
MAX_BYTES = 1 << 16
_CHUNK = 1 << 12
_SCHEMES = ("http", "https")


def _known(version: str) -> str:
    if parsed_version(version) is None:
        raise ValueError("it is no version, such as 1.4.0")
    return version


def _web_address(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError("it is no address that begins with https:// or http://")
    return url


_Version = Annotated[str, pydantic.AfterValidator(_known)]
_Url = Annotated[str, pydantic.AfterValidator(_web_address)]


class Announcement(pydantic.BaseModel):
    """What the packager's file says.

    Attributes:
        version: the newest one.
        url: page, or installer, that the user is led to.
        notes: what is new, as Markdown.
        sha256: of the installer, for the user to compare, in lower-case hexadecimals.
        minimum: oldest version that is still supported.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    version: _Version
    url: _Url
    notes: str = ""
    sha256: str | None = pydantic.Field(None, pattern="^[0-9a-f]{64}$")
    minimum: _Version | None = None

    def is_newer_than(self, version: str) -> bool:
        """Whether ``version`` is earlier; False where it is no version."""
        return is_earlier(version, self.version)

    def supports(self, version: str) -> bool:
        """Whether ``version`` is not too old for the packager."""
        return self.minimum is None or not is_earlier(version, self.minimum)


def fetch_announcement(url: str, *, program: str) -> Announcement:
    """Read the packager's file; blocks, half a minute at most once the name is resolved.

    The system's proxy is used, and the certificates that the system trusts.

    Args:
        url: its address.
        program: name and version, told to the server.

    Raises:
        InputError: the server cannot be reached, or what it sends is no such file.
    """
    try:
        _web_address(url)
        data = _fetch(url, program)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise InputError(
            "It could not be asked whether there is a later version: {reason}.",
            reason=_reason(error),
        ) from error
    return parse_announcement(data)


def parse_announcement(data: bytes) -> Announcement:
    """Return what the packager's file says.

    Raises:
        InputError: it is not as ``Announcement`` describes it.
    """
    try:
        content: Any = json.loads(data.decode("utf-8-sig"))
        return Announcement.model_validate(content)
    except pydantic.ValidationError as error:
        where, problem = first_problem(error)
        reason = f"{where}: {problem}"
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise InputError(
        "The file that announces new versions cannot be understood ({reason}); tell whoever"
        " installed the program.",
        reason=reason,
    )


def _fetch(url: str, program: str) -> bytes:
    request = urllib.request.Request(  # noqa: S310 - http and https only
        url, headers={"User-Agent": program, "Accept": "application/json"}
    )
    begun = time.monotonic()
    with _opener().open(request, timeout=CONNECT_TIMEOUT_S) as response:
        if url.startswith("https:") and not response.url.startswith("https:"):
            raise ValueError("the server leads to an address without encryption")
        data = bytearray()
        while chunk := response.read1(_CHUNK):
            data += chunk
            if len(data) > MAX_BYTES:
                raise ValueError(f"the file is larger than {MAX_BYTES >> 10} KiB")
            if time.monotonic() - begun > WHOLE_TIMEOUT_S:
                raise TimeoutError
    return bytes(data)


def _opener() -> urllib.request.OpenerDirector:
    """The web alone: no files, no FTP, whatever an answer leads to."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the system's, a company's own too
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}".rstrip()
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "the server does not answer"
    if isinstance(cause, ssl.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(cause, OSError):
        return cause.strerror or str(cause)
    return str(cause)
