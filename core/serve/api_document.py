"""The OpenAPI document: every answer that can come, also those that are given before a path is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from core.portable.deciding import OUTCOMES
from core.serve.answers import JPEG, PNG
from core.serve.gate import OPEN_PATHS
from core.serve.refusals import Problem
from core.serve.service_settings import ServiceSettings

_PROBLEM: Final = {"schema": {"$ref": "#/components/schemas/Problem"}}
_TEXT: Final = {"schema": {"type": "string"}}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
#: Of every answer to an image.
OUTCOME_HEADER: Final = "X-Outcome"
_SCHEME: Final = "token"
_RETRY: Final = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}
_MEANINGS: Final[dict[int, str]] = {
    400: "The request, or its form, is broken.",
    401: "The token is missing or wrong.",
    403: "A page of another site asked.",
    406: "Nothing that Accept names can be given.",
    408: "The request did not arrive in time.",
    413: "The file has too many bytes, or the image too many pixels.",
    415: "The content type is none of an image.",
    421: "The service is not called by that name.",
    422: "There is no image that can be read, a parameter is wrong, or the image does not fit the "
    "model's settings.",
    429: "Too many requests of this client.",
    500: "An error of the service.",
    503: "Too much to do, or the service is ending.",
}
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"description": "The scheme.", "schema": {"type": "string"}}},
    429: _RETRY,
}
#: Answers of the server itself, in plain text, besides those of the application.
_FROM_THE_SERVER: Final = frozenset({400, 408, 503})
_ANYWHERE: Final = (400, 408, 500, 503)
_OF_IMAGES: Final = (403, 406, 413, 415, 422)


class Health(BaseModel):
    """Whether images are judged, and by what."""

    ready: bool
    model: str
    format: str
    precision: str
    revision: str | None
    runtime: str
    runtime_version: str
    version: str = Field(description="Of Maskwright.")


def describe(app: FastAPI, settings: ServiceSettings) -> dict[str, Any]:
    """Return the document of an application.

    Args:
        app: with all of its paths.
        settings: limits and token.
    """
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        routes=app.routes,
    )
    schemas = document["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    if settings.token is not None:
        document["components"]["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer"}}
    paths = document["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            operation["responses"] |= _refusals(_statuses(path, settings))
            if path not in OPEN_PATHS and settings.token is not None:
                operation["security"] = [{_SCHEME: []}]
    of_health = paths["/health"]["get"]["responses"]
    of_health["503"]["content"] |= of_health["200"]["content"]
    of_metrics = paths["/metrics"]["get"]["responses"]
    of_metrics["200"]["content"]["application/openmetrics-text"] = _TEXT
    _describe_predict(paths["/predict"]["post"], settings)
    return document


def _statuses(path: str, settings: ServiceSettings) -> set[int]:
    """Return what may come besides what was asked for."""
    statuses = set(_ANYWHERE)
    if settings.is_loopback:
        statuses.add(421)
    if path not in OPEN_PATHS:
        statuses |= {401} if settings.token is not None else set()
        statuses |= {429} if settings.rate is not None else set()
    if path == "/predict":
        statuses.update(_OF_IMAGES)
    return statuses


def _refusals(statuses: Iterable[int]) -> dict[str, Any]:
    return {str(status): _refusal(status) for status in sorted(statuses)}


def _refusal(status: int) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": _PROBLEM}
    if status in _FROM_THE_SERVER:
        content["text/plain"] = _TEXT
    answer = {"description": _MEANINGS[status], "content": content}
    return answer | ({"headers": _HEADERS[status]} if status in _HEADERS else {})


def _describe_predict(operation: dict[str, Any], settings: ServiceSettings) -> None:
    image = {
        "type": "string",
        "format": "binary",
        "description": f"At most {settings.max_bytes} bytes and {settings.max_pixels} pixels.",
    }
    # A form with a file will do, too. A document cannot say what makes a file an image, unless its
    # content type does; so that a form is described in words.
    operation["requestBody"] = {
        "required": True,
        "description": "The image file; a form (multipart/form-data) with it as its only file will "
        "do, too.",
        "content": {"image/*": {"schema": image}},
    }
    done = operation["responses"]["200"]
    done["content"] |= {PNG: _BINARY, JPEG: _BINARY}
    done["headers"] = {
        OUTCOME_HEADER: {
            "description": "The outcome, whatever the answer holds.",
            "schema": {"type": "string", "enum": list(OUTCOMES)},
        }
    }
