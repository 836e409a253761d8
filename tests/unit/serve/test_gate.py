"""Who may call, by which name, how often, with which token."""

from __future__ import annotations

import pytest
from service_parts import client_of, marked_part, png, served

TOKEN = "kR5-hu_2.~/+x=="
GUARDED = [("POST", "/predict"), ("GET", "/model"), ("GET", "/metrics")]
OPEN = ["/", "/health", "/openapi.json"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return served(tmp_path_factory.mktemp("export"))


def ask(client, **headers: str):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        "/predict", content=png(marked_part(1)), headers={"Content-Type": "image/png"} | headers
    )


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:8000", "[::1]", "127.8.9.1"],
)
def test_the_loopback_is_called_by_its_own_names(model, host):
    with client_of(model) as client:
        assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "192.168.0.1",
        "evil.example#@127.0.0.1",
        "[::2]",
        "0.0.0.0",
    ],
)
@pytest.mark.parametrize("path", ["/health", "/", "/model", "/nothing"])
def test_other_names_may_be_those_of_a_page_that_misleads(model, host, path):
    with client_of(model) as client:
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert answer.json()["status"] == 421


def test_names_can_be_allowed(model):
    with client_of(model, allowed_hosts=("line.example",)) as client:
        assert client.get("/health", headers={"Host": "Line.Example:443"}).status_code == 200
        assert client.get("/health", headers={"Host": "other.example"}).status_code == 421


def test_elsewhere_any_name_will_do(model):
    with client_of(model, host="0.0.0.0") as client:
        assert client.get("/health", headers={"Host": "line-7"}).status_code == 200


def test_pages_of_other_sites_are_refused(model):
    with client_of(model) as client:
        for site in ("cross-site", "same-site"):
            assert ask(client, sec_fetch_site=site).status_code == 403
        for site in ("same-origin", "none"):
            assert ask(client, sec_fetch_site=site).status_code == 200
        answer = ask(client, origin="https://evil.example")
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert client.options("/predict").status_code == 405


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        "Bearer ÿÿ",
    ],
)
def test_without_the_token_there_is_no_answer(model, method, path, given):
    with client_of(model, token=TOKEN) as client:
        headers = {} if given is None else {"Authorization": given.encode("latin-1")}
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text


def test_with_the_token_there_is_one(model):
    with client_of(model, token=TOKEN) as client:
        assert ask(client, authorization=f"Bearer {TOKEN}").status_code == 200
        assert ask(client, authorization=f"bearer  {TOKEN} ").status_code == 200
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert client.get("/model", headers=headers).status_code == 200
        assert client.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize("path", OPEN)
def test_some_paths_need_no_token(model, path):
    with client_of(model, token=TOKEN, rate=0.01) as client:
        for _ in range(3):
            answer = client.get(path)
            assert answer.status_code == 200
            assert TOKEN not in answer.text


def test_the_page_asks_for_the_token_where_there_is_one(model):
    with client_of(model, token=TOKEN) as client:
        assert 'id="token"' in client.get("/").text
    with client_of(model) as client:
        assert 'id="token"' not in client.get("/").text


def test_too_many_requests_wait(model):
    with client_of(model, rate=0.5) as client:
        assert ask(client).status_code == 200
        answer = ask(client)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "2"
        assert client.get("/health").status_code == 200


def test_guessing_tokens_is_slow(model):
    with client_of(model, rate=0.5, token=TOKEN) as client:
        assert ask(client, authorization="Bearer a").status_code == 401
        assert ask(client, authorization="Bearer b").status_code == 429


def test_every_answer_forbids_guessing_its_kind(model):
    with client_of(model) as client:
        for answer in (client.get("/"), client.get("/nothing"), ask(client, host="evil.example")):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
