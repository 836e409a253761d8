"""What every request passes first: who calls, by which name, how often, with which token."""

from __future__ import annotations

import hmac
import math
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.serve.languages import choose_language
from core.serve.refusals import Refusal
from core.serve.request_rates import RequestRates
from core.serve.service_metrics import ServiceMetrics
from core.serve.service_settings import ServiceSettings, is_loopback
from core.system.messages import message

#: What may be seen without the token, and asked for as often as one likes.
OPEN_PATHS: Final = frozenset({"/", "/health", "/openapi.json"})
_BEARER: Final = "bearer "
#: Where a browser says that a page of ours, or the person, asks.
_OWN_PAGES: Final = frozenset({"same-origin", "none"})
_SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Gate:
    """An ASGI application around another one: refuses, counts, and adds headers.

    Args:
        app: what answers requests that pass.
        settings: host, token and rate.
        metrics: told every answer.
    """

    def __init__(self, app: ASGIApp, *, settings: ServiceSettings, metrics: ServiceMetrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._rates = None if settings.rate is None else RequestRates(settings.rate)
        self._token = None if settings.token is None else settings.token.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_counted(part: Message) -> None:
            nonlocal status
            if part["type"] == "http.response.start":
                status = part["status"]
                headers = MutableHeaders(raw=part.setdefault("headers", []))
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(part)

        try:
            headers = Headers(scope=scope)
            try:
                self._check(scope, headers)
            except Refusal as refusal:
                language = choose_language(headers.get("accept-language", ""))
                await refusal.response(language)(scope, receive, send_counted)
                return
            await self._app(scope, receive, send_counted)
        finally:
            self._metrics.count_request(scope["path"], status, time.perf_counter() - started)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Refuse, with the reason that a stranger may know."""
        if self._settings.is_loopback and not self._is_known(headers.get("host", "")):
            # A page of another site may have its name lead here, and would be answered otherwise.
            raise Refusal(421, message("This service is not called by that name."))
        is_reading = scope["method"] in ("GET", "HEAD", "OPTIONS")
        if not is_reading and headers.get("sec-fetch-site", "none") not in _OWN_PAGES:
            raise Refusal(403, message("Pages of other sites may not use this service."))
        if scope["path"] in OPEN_PATHS:
            return
        if self._rates is not None:
            client = scope.get("client")
            wait = self._rates.seconds_to_wait(client[0] if client else "")
            if wait > 0:
                raise Refusal(
                    429,
                    message("Too many requests; wait before the next one."),
                    headers={"Retry-After": str(math.ceil(wait))},
                )
        if self._token is not None and not self._has_token(headers):
            raise Refusal(
                401,
                message("This service asks for its token: Authorization: Bearer TOKEN."),
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _is_known(self, host: str) -> bool:
        name, colon, port = host.rpartition(":")
        if not colon or not port.isdigit():
            name = host
        name = name.removeprefix("[").removesuffix("]").lower()
        return is_loopback(name) or name in self._settings.allowed_hosts

    def _has_token(self, headers: Headers) -> bool:
        given = headers.get("authorization", "")
        if not given.lower().startswith(_BEARER):
            return False
        token = given[len(_BEARER) :].strip().encode("latin-1", "replace")
        return self._token is not None and hmac.compare_digest(token, self._token)
