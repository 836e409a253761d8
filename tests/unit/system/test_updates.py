"""Looking for a later version: what the packager's file may say, and servers of all kinds."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from core.system import updates
from core.system.errors import InputError
from core.system.updates import Announcement, fetch_announcement, parse_announcement

WHOLE = {
    "version": "1.4.0",
    "url": "https://example.org/maskwright",
    "notes": "- 更快",
    "sha256": "0123456789abcdef" * 4,
    "minimum": "1.2",
    "colour": "red",
}


def told(**content: object) -> Announcement:
    return parse_announcement(json.dumps(content).encode())


def test_all_fields_are_read_and_unknown_ones_do_not_matter() -> None:
    found = told(**WHOLE)
    assert (found.version, found.notes, found.minimum) == ("1.4.0", "- 更快", "1.2")
    assert found.sha256 == WHOLE["sha256"]
    little = parse_announcement(b'\xef\xbb\xbf{"version": "2", "url": "http://line-pc/m.html"}')
    assert (little.notes, little.sha256, little.minimum) == ("", None, None)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"version": "new"}, "version"),
        ({"version": None}, "version"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://"}, "url"),
        ({"sha256": "abc"}, "sha256"),
        ({"minimum": "old"}, "minimum"),
        ({"notes": ["a"]}, "notes"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=rf"\({word}"):
        told(**{**WHOLE, **changes})


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000])
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="cannot be understood"):
        parse_announcement(data)


@pytest.mark.parametrize(
    ("version", "newer", "supported"),
    [
        ("1.3.9", True, True),
        ("1.4.0", False, True),
        ("1.10", False, True),
        ("1.1.9", True, False),
        ("1.4.0rc1", True, True),
        ("unknown", False, True),
    ],
)
def test_versions_are_compared(version: str, newer: bool, supported: bool) -> None:
    found = told(**WHOLE)
    assert (found.is_newer_than(version), found.supports(version)) == (newer, supported)


class _Server(http.server.BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["User-Agent"]))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        elif self.path == "/file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        elif self.path == "/large":
            self.answer(b"x" * (updates.MAX_BYTES + 1))
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(200):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return
                time.sleep(0.05)
        elif self.path == "/silent":
            time.sleep(1.5)
        elif self.path == "/missing":
            self.send_error(404)
        else:
            self.answer(json.dumps(WHOLE).encode())

    def answer(self, data: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    _Server.asked.clear()
    opened = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{opened.server_address[1]}"
    opened.shutdown()
    opened.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/good", "/moved"])
def test_the_file_is_fetched(server: str, path: str) -> None:
    assert fetch_announcement(server + path, program="Maskwright 1.0").version == "1.4.0"
    assert {agent for _, agent in _Server.asked} == {"Maskwright 1.0"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing", "404"),
        ("/large", "larger than 64 KiB"),
        ("/file", "not allowed"),
        ("/slow", "does not answer"),
        ("/silent", "does not answer"),
    ],
)
def test_what_a_server_may_do_wrong(
    server: str, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    if "answer" in reason:
        monkeypatch.setattr(updates, "CONNECT_TIMEOUT_S", 0.5)
        monkeypatch.setattr(updates, "WHOLE_TIMEOUT_S", 0.5)
    begun = time.monotonic()
    with pytest.raises(InputError, match=reason):
        fetch_announcement(server + path, program="Maskwright 1.0")
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "a.json", "http://"])
def test_only_the_web_is_asked(url: str) -> None:
    with pytest.raises(InputError, match="no address that begins with"):
        fetch_announcement(url, program="Maskwright 1.0")


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(InputError, match="could not be asked"):
            fetch_announcement(f"http://127.0.0.1:{port}/a.json", program="Maskwright 1.0")


def test_the_systems_proxy_is_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server)
    found = fetch_announcement("http://updates.invalid/a.json", program="Maskwright 1.0")
    assert found.version == "1.4.0"
    assert _Server.asked[-1][0] == "http://updates.invalid/a.json"
