"""A server of files on this machine that can misbehave in the ways real ones do."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WeightServer:
    """Serves ``files``; each entry of ``faults`` spoils one answer, in order.

    Faults: ("cut", bytes) closes after so many bytes of the body, ("stall", bytes) stops sending,
    ("status", code) answers with it, ("whole",) ignores the range asked for.

    Attributes:
        requests: path and headers of every request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: list[tuple] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.etags: dict[str, str] = {}
        self.content_length: int | None = None
        self.closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append((self.path, dict(self.headers)))
                server.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def answer(self, handler):
        fault = self.faults.pop(0) if self.faults else ("none",)
        path = handler.path.split("?")[0].split("//", 1)[-1].split("/", 1)[-1]
        if fault[0] == "status":
            handler.send_error(fault[1])
            return
        if path not in self.files:
            handler.send_error(404)
            return
        body = self.files[path]
        etag = self.etags.get(path, '"1"')
        asked = handler.headers.get("Range")
        start = 0
        if asked and handler.headers.get("If-Range") == etag and fault[0] != "whole":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if asked and start >= len(body):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if etag:
            handler.send_header("ETag", etag)
        length = len(body) - start if self.content_length is None else self.content_length
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if fault[0] in ("cut", "stall"):
            handler.wfile.write(body[start : start + fault[1]])
            handler.wfile.flush()
            if fault[0] == "stall":
                self.closing.wait(30)
            return
        handler.wfile.write(body[start:])

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.requests]

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
