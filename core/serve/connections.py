"""Connections that clients cannot hold for ever, and a server that ends when it is asked to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from typing import Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import HANDLED_SIGNALS

from core.serve.service_settings import ServiceSettings
from core.system.errors import InputError

#: For the head of a request, and for what is left of one that has been answered already.
_HEAD_SECONDS: Final = 10.0
#: In which a client must take some of an answer that waits for it.
_TAKE_SECONDS: Final = 30.0
_KEEP_ALIVE_SECONDS: Final = 30
#: For what waits when the service is to end.
_LAST_SECONDS: Final = 60
_TOO_SLOW: Final = b"The request did not arrive in time."


class TimedProtocol(H11Protocol):
    """Ends connections whose requests do not come to their end, or whose answers are not taken.

    The application has its own time for a request's body; here are heads, and bodies of requests
    that were refused before they had been read.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _take_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take some of a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_head_timer()
        self._stop_take_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client has not taken what was written."""
        super().pause_writing()
        if self._take_timer is None:
            self._take_timer = self.loop.call_later(_TAKE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        self._stop_take_timer()
        super().resume_writing()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        if self._is_answering:
            self._stop_head_timer()
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(_HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._head_timer = None
        if self._is_answering or self.transport.is_closing():
            return
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            head = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
            for event in (head, h11.Data(data=_TOO_SLOW), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_take_timer(self) -> None:
        if self._take_timer is not None:
            self._take_timer.cancel()
            self._take_timer = None


class GracefulServer(uvicorn.Server):
    """Ends on a signal after the requests that came before it, and without an error.

    Args:
        config: of the library.
        on_ready: called once connections are taken.
    """

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, finish requests, end."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(0.05)  # what has arrived already is read, and counts as accepted
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Obey signals; the library would let them end the process after all was well."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        InputError: the address is not this machine's, or the port is taken or not allowed.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(
            "The service cannot listen at {host}, port {port} ({reason}); choose another --host or"
            " --port.",
            host=host,
            port=port,
            reason=_reason(error),
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # its own text repeats the address
    return getattr(error, "strerror", None) or str(error)


def server_config(app: Any, settings: ServiceSettings) -> uvicorn.Config:
    """Return how an ASGI application is served."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=TimedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who asks is who is connected: headers can be made up
        server_header=False,
        limit_concurrency=settings.connections + 1,  # it refuses the one that reaches it
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.upload_seconds) + _LAST_SECONDS,
    )
