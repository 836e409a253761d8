"""Connections over a real network: slow ones, rude ones, and the end."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import uvicorn
from service_parts import GatedJudge, marked_part, png, served

from core.serve import connections
from core.serve.application import build_application
from core.serve.connections import GracefulServer, open_socket, server_config
from core.serve.service import Service
from core.serve.service_settings import ServiceSettings
from core.system.errors import InputError

PNG = {"Content-Type": "image/png"}


class Running:
    """A server in a thread."""

    def __init__(self, judge: Any, **settings: Any) -> None:
        chosen = ServiceSettings(**settings)
        self.service = Service(judge, chosen)
        self._listener = open_socket("127.0.0.1", 0)
        self.port = self._listener.getsockname()[1]
        ready = threading.Event()
        self.server = GracefulServer(
            server_config(build_application(self.service), chosen), on_ready=ready.set
        )
        self._thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self._listener]}
        )
        self._thread.start()
        assert ready.wait(20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, *parts: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        for part in parts:
            connection.sendall(part)
        return connection

    def stop(self) -> None:
        self.server.should_exit = True

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def running(judge: Any, **settings: Any) -> Iterator[Running]:
    server = Running(judge, **settings)
    try:
        yield server
    finally:
        server.stop()
        server.join()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return served(tmp_path_factory.mktemp("export"))


def head(length: int, *, more: str = "") -> bytes:
    return (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        f"Content-Length: {length}\r\n{more}\r\n"
    ).encode("ascii")


def all_of(connection: socket.socket) -> bytes:
    """Read until the other side ends it."""
    parts = []
    with connection, contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_a_slow_upload_is_ended_and_holds_up_nobody(model):
    with running(model, upload_seconds=0.5) as server:
        slow = [server.connect(head(1000), b"x" * 10) for _ in range(40)]
        start = time.monotonic()
        answer = httpx.post(f"{server.url}/predict", content=png(marked_part(1)), headers=PNG)
        assert answer.status_code == 200
        assert time.monotonic() - start < 5
        for connection in slow:
            assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
            connection.close()


def test_an_upload_that_drips_is_ended_too(model):
    with running(model, upload_seconds=0.6) as server:
        connection = server.connect(head(1000))
        start = time.monotonic()
        connection.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - start < 10:
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert 0.5 < time.monotonic() - start < 5
        connection.close()


@pytest.mark.parametrize("sent", [b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: loc", b""])
def test_a_head_that_does_not_end(model, monkeypatch, sent):
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.4)
    with running(model) as server:
        start = time.monotonic()
        answer = all_of(server.connect(sent))
        assert time.monotonic() - start < 5
        assert answer.startswith(b"HTTP/1.1 408 ") if sent else answer == b""


def test_a_second_head_that_does_not_end(model, monkeypatch):
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.4)
    with running(model) as server:
        connection = server.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /health HTTP/1.1\r\nHo")
        assert b"HTTP/1.1 408 " in all_of(connection)


def test_what_follows_a_refusal_is_not_read_for_ever(model, monkeypatch):
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.4)
    with running(model, max_bytes=1000) as server:
        connection = server.connect(head(10**9))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        start = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - start < 10:
                connection.sendall(b"x" * 1000)
                time.sleep(0.01)
        connection.close()
        assert time.monotonic() - start < 5


def test_a_client_that_sends_all_sees_why_it_was_refused(model):
    with running(model, max_bytes=1000) as server:
        answer = httpx.post(f"{server.url}/predict", content=b"x" * 3_000_000, headers=PNG)
        assert answer.status_code == 413
        chunks = (b"x" * 50_000 for _ in range(60))
        answer = httpx.post(f"{server.url}/predict", content=chunks, headers=PNG)
        assert answer.status_code == 413


def test_a_body_that_is_announced_is_asked_for_only_if_it_may_come(model):
    with running(model, max_bytes=1000) as server:
        expecting = "Expect: 100-continue\r\n"
        connection = server.connect(head(5000, more=expecting))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        connection.close()
        data = png(marked_part(1))
        connection = server.connect(head(len(data), more=expecting))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(data)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\0" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        b"Content-Length: 6\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_no_http(model, sent):
    with running(model) as server:
        connection = server.connect()
        with contextlib.suppress(OSError):
            connection.sendall(sent)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        connection.close()
        assert httpx.get(f"{server.url}/health").status_code == 200


def test_a_client_that_goes_away_gives_its_place_up(model):
    judge = GatedJudge(model)
    with running(judge, queue=1) as server, ThreadPoolExecutor(1) as pool:
        data = png(marked_part(1))
        first = pool.submit(httpx.post, f"{server.url}/predict", content=data, headers=PNG)
        assert judge.has_begun.wait(20)
        connection = server.connect(head(len(data)), data)
        until(lambda: "queue_length 1.0" in httpx.get(f"{server.url}/metrics").text)
        connection.close()
        gone = 'requests_total{path="/predict",status="499"} 1.0'
        until(lambda: gone in httpx.get(f"{server.url}/metrics").text)
        with ThreadPoolExecutor(1) as second:
            waiting = second.submit(
                httpx.post, f"{server.url}/predict", content=data, headers=PNG, timeout=30
            )
            time.sleep(0.3)
            judge.may_go_on.set()
            assert waiting.result(20).status_code == 200
        assert first.result(20).status_code == 200
        assert sum(judge.batches) == 2


def test_an_answer_that_is_not_taken_is_given_up(model, monkeypatch):
    monkeypatch.setattr(connections, "_TAKE_SECONDS", 0.3)
    with running(model) as server:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.setblocking(False)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                try:
                    connection.send(request * 50)
                except (ConnectionResetError, BrokenPipeError):
                    break
            time.sleep(0.005)
        else:
            pytest.fail("the connection was held")
        connection.close()
        until(lambda: len(server.server.server_state.connections) == 0)


def test_more_connections_than_allowed_are_refused(model):
    with running(model, connections=3) as server:
        held = [server.connect(head(10)) for _ in range(3)]
        until(lambda: len(server.server.server_state.connections) == 3)
        connection = server.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert all_of(connection).startswith(b"HTTP/1.1 503 ")
        for one in held:
            one.close()
        until(lambda: not server.server.server_state.connections)
        assert httpx.get(f"{server.url}/health").status_code == 200


def test_it_ends_after_what_it_has_accepted(model):
    judge = GatedJudge(model)
    with ThreadPoolExecutor(6) as pool:
        with running(judge) as server:
            url = f"{server.url}/predict"

            def send(number: int) -> httpx.Response:
                part = png(marked_part(number))
                return httpx.post(url, content=part, headers=PNG, timeout=30)

            waiting = [pool.submit(send, 0)]
            assert judge.has_begun.wait(20)
            waiting += [pool.submit(send, number) for number in range(1, 5)]
            until(lambda: "queue_length 4.0" in httpx.get(f"{server.url}/metrics").text)
            half = server.connect(head(len(data := png(marked_part(7)))), data[:50])
            until(lambda: len(server.server.server_state.connections) == 6)
            server.stop()
            until(lambda: not can_connect(server.port))
            half.sendall(data[50:])
            time.sleep(0.2)
            judge.may_go_on.set()
        answers = [one.result(20) for one in waiting]
        last = all_of(half)
    assert [one.json()["objects"][0]["area_px"] for one in answers] == [4, 8, 12, 16, 20]
    assert last.startswith(b"HTTP/1.1 200 ")
    assert b'"area_px":32,' in last


def can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_port_that_is_taken():
    with open_socket("localhost", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen at localhost, port {port}"):
            open_socket("localhost", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid", "\0", "x" * 300])
def test_addresses_that_are_not_ours(host):
    with pytest.raises(InputError, match="cannot listen"):
        open_socket(host, 0)


def test_addresses_of_version_6():
    if not socket.has_ipv6:
        pytest.skip("this machine has none")
    try:
        listener = open_socket("::1", 0)
    except InputError:
        pytest.skip("this machine has none")
    with listener:
        assert listener.family is socket.AF_INET6


def test_the_library_trusts_no_header_about_who_asks():
    config: uvicorn.Config = server_config(lambda: None, ServiceSettings())
    assert not config.proxy_headers
    assert not config.server_header


def until(holds: Any) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
