"""What a service is told when it starts, and the token that it may ask for."""

from __future__ import annotations

import ipaddress
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.system.errors import InputError

_LONGEST_TOKEN: Final = 4096
#: Bits of a random token of this many characters cannot be guessed.
SHORT_TOKEN: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Where a service listens, and what it refuses.

    Attributes:
        host: name or address to listen at.
        port: 0 for any free one.
        token: what clients must send as ``Authorization: Bearer …``, or None.
        allowed_hosts: names by which clients may call it besides the loopback's own; obeyed where
            it listens on the loopback only.
        max_bytes: largest image file.
        max_pixels: largest image.
        rate: requests a second of one client, or None.
        queue: how many images may wait.
        memory: bytes that may be held for all requests together.
        batch: how many images are computed together at most.
        batch_pixels: the same in pixels.
        batch_wait: seconds that an image waits for others that are on their way.
        upload_seconds: how long a request may take to arrive.
        connections: how many clients may be connected.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    max_bytes: int = 64 * 2**20
    max_pixels: int = 32_000_000
    rate: float | None = None
    queue: int = 64
    memory: int = 2**30
    batch: int = 8
    batch_pixels: int = 4_000_000
    batch_wait: float = 0.003
    upload_seconds: float = 30.0
    connections: int = 512

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine can reach it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or an address, without brackets, is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(file: Path) -> str:
    """Return the token that a file holds: one line of printable ASCII without spaces.

    Raises:
        InputError: there is no such file, or it holds nothing of the kind.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(_LONGEST_TOKEN + 1)
    except OSError as error:
        raise InputError(
            "The token file {file} cannot be read: {reason}.",
            file=file,
            reason=error.strerror or str(error),
        ) from error
    token = content.decode("latin-1").strip()
    if not token or len(content) > _LONGEST_TOKEN or not all("!" <= one <= "~" for one in token):
        raise InputError(
            "{file} holds no token: write one line of letters, digits and signs, without spaces.",
            file=file,
        )
    return token


def is_open_to_others(file: Path) -> bool:
    """Whether other users of this machine may read a file; always False on Windows."""
    return sys.platform != "win32" and bool(file.stat().st_mode & stat.S_IROTH)
