"""The document says what comes: every status, every content type, every field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter
from service_parts import client_of, marked_part, png, served

from core.serve.answers import Answer
from core.serve.api_document import Health
from core.serve.refusals import Problem

IMAGE = {"content": png(marked_part(3)), "headers": {"Content-Type": "image/png"}}
BODIES: dict[str, Any] = {"Answer": Answer, "Health": Health, "Problem": Problem}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/", {}),
    ("GET", "/health", {}),
    ("GET", "/model", {}),
    ("GET", "/metrics", {}),
    ("GET", "/metrics", {"headers": {"Accept": "application/openmetrics-text"}}),
    ("POST", "/predict", IMAGE),
    ("POST", "/predict?output=mask", IMAGE),
    ("POST", "/predict?output=overlay", IMAGE | {"headers": {"Accept": "image/jpeg"}}),
    ("POST", "/predict?output=what", IMAGE),
    ("POST", "/predict", {"content": b"x", "headers": {"Content-Type": "image/png"}}),
    ("POST", "/predict", {"content": b"x", "headers": {"Content-Type": "text/plain"}}),
    ("POST", "/predict", {"content": b"x" * 10**5, "headers": {"Content-Type": "image/png"}}),
    ("POST", "/predict", {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}),
    ("POST", "/predict", {"headers": {"Content-Type": "image/png", "Accept": "text/html"}}),
    ("POST", "/predict", {"headers": {"Sec-Fetch-Site": "cross-site"}}),
    ("POST", "/predict", {"headers": {"Authorization": "Bearer wrong"}}),
    ("GET", "/model", {"headers": {"Authorization": "Bearer wrong"}}),
    ("GET", "/health", {"headers": {"Host": "evil.example"}}),
    *[("GET", "/model", {})] * 70,
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return served(tmp_path_factory.mktemp("export"))


def test_what_comes_is_declared(model):
    seen = set()
    with client_of(model, token="secret", rate=20, max_bytes=50_000) as client:
        document = client.get("/openapi.json").json()
        for method, path, options in REQUESTS:
            headers = {"Authorization": "Bearer secret"} | options.get("headers", {})
            answer = client.request(method, path, **(options | {"headers": headers}))
            operation = document["paths"][path.split("?")[0]][method.lower()]
            declared = operation["responses"][str(answer.status_code)]
            kind = answer.headers["content-type"].split(";")[0]
            schema = declared["content"][kind].get("schema", {})
            for name, wanted in BODIES.items():
                if schema == {"$ref": f"#/components/schemas/{name}"}:
                    TypeAdapter(wanted).validate_json(answer.content)
            for name in declared.get("headers", {}):
                assert name in answer.headers
            seen.add(answer.status_code)
    assert seen >= {200, 400, 401, 403, 406, 413, 415, 421, 422, 429}


def test_only_what_can_come_is_declared(model):
    with client_of(model, host="0.0.0.0") as client:
        paths = client.get("/openapi.json").json()["paths"]
    statuses = {
        status for path in paths.values() for one in path.values() for status in one["responses"]
    }
    assert not {"401", "421", "429"} & statuses
    with client_of(model) as client:
        document = client.get("/openapi.json").json()
    assert "securitySchemes" not in document["components"]
    assert set(document["paths"]) == {"/", "/health", "/model", "/metrics", "/predict"}


def test_the_token_is_declared_where_it_is_asked_for(model):
    with client_of(model, token="secret") as client:
        document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    secured = {
        path for path, one in document["paths"].items() if "security" in next(iter(one.values()))
    }
    assert secured == {"/model", "/metrics", "/predict"}


def test_every_reference_leads_somewhere(model):
    with client_of(model) as client:
        document = client.get("/openapi.json").json()
    found = list(references(document))
    assert found
    for reference in found:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
    assert "ValidationError" not in str(document)


def references(value: Any):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)
