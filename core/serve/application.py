"""The web application: its paths, their answers, and the document that describes them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import asdict
from typing import Annotated, Any, Final, TypeVar

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

import core
from core.portable.manifest import manifest_to_dict
from core.serve.answers import (
    Answer,
    Output,
    answer_json,
    choose_answer,
    mask_png,
    overlay_picture,
)
from core.serve.api_document import OUTCOME_HEADER, Health, describe
from core.serve.drop_page import drop_page, page_policy
from core.serve.gate import Gate
from core.serve.languages import CHINESE, choose_language
from core.serve.memory_budget import Held
from core.serve.refusals import Refusal, problem_response
from core.serve.service import Service
from core.serve.uploads import read_upload

_Result = TypeVar("_Result")
#: What proxies log for clients that did not wait.
_GONE: Final = 499


def build_application(service: Service) -> ASGIApp:
    """Return the application of a service, which ends with it."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Maskwright",
        summary="A model for semantic segmentation judges images.",
        version=core.__version__,
        docs_url=None,  # these pages load their scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    _add_paths(app, service)
    _add_predict(app, service)
    _add_refusals(app)
    document = describe(app, service.settings)
    app.openapi = lambda: document  # type: ignore[method-assign]
    return Gate(app, settings=service.settings, metrics=service.metrics)


def _add_paths(app: FastAPI, service: Service) -> None:
    facts = service.judge.facts
    name = facts.model

    @app.get("/health", response_model=Health, summary="Whether images are judged")
    async def health() -> Response:
        """Answer 200 where images are judged, 503 where not."""
        ready = service.is_ready
        content = Health(ready=ready, version=core.__version__, **asdict(facts))
        return JSONResponse(content.model_dump(), status_code=200 if ready else 503)

    @app.get("/model", summary="The manifest of the model")
    async def model() -> dict[str, Any]:
        """Classes, input, rules and settings: ``manifest.json`` without its list of files."""
        content = manifest_to_dict(service.judge.manifest)
        content.pop("files")
        return content

    @app.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        """Requests, latency, images by outcome, queue and batches."""
        content, kind = service.metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": kind})

    @app.get("/", summary="A page to drop an image on", response_class=HTMLResponse)
    async def page(request: Request) -> Response:
        """A page in the language of ``Accept-Language``: English or Chinese."""
        language = choose_language(request.headers.get("accept-language", ""))
        content = drop_page(
            language,
            model=name,
            facts=(facts.format, facts.precision, f"{facts.runtime} {facts.runtime_version}"),
            needs_token=service.settings.token is not None,
        )
        headers = {
            "Content-Security-Policy": page_policy(),
            "Content-Language": "zh-CN" if language == CHINESE else "en",
            "Vary": "Accept-Language",
        }
        return HTMLResponse(content, headers=headers)


def _add_predict(app: FastAPI, service: Service) -> None:
    settings, judge = service.settings, service.judge

    @app.post("/predict", response_model=Answer, summary="Judge an image")
    async def predict(
        request: Request,
        output: Annotated[
            Output | SkipJsonSchema[None],
            Query(
                description="A verdict (json), the class of each pixel (mask) or the image with "
                "its classes painted over (overlay). Without it, Accept decides: application/json,"
                " image/png for the mask, image/jpeg for the overlay.",
            ),
        ] = None,
    ) -> Response:
        """Send the image as the body, with its content type, or as the file of a form."""
        started = time.perf_counter()
        kind, media_type = choose_answer(output, request.headers.get("accept", ""))
        with Held(service.memory) as held:
            upload = await read_upload(
                request,
                max_bytes=settings.max_bytes,
                seconds=settings.upload_seconds,
                held=held,
            )
            image, judgement = await _unless_gone(request, service.judge_upload(upload, held))
            if kind is Output.MASK:
                data = await service.in_background(lambda: mask_png(judgement, judge.manifest))
            elif kind is Output.OVERLAY:
                data = await service.in_background(
                    lambda: overlay_picture(image, judgement, judge.manifest, media_type=media_type)
                )
            else:
                data = answer_json(
                    judgement,
                    judge.facts,
                    milliseconds=1000 * (time.perf_counter() - started),
                    language=choose_language(request.headers.get("accept-language", "")),
                )
        return Response(data, media_type=media_type, headers={OUTCOME_HEADER: judgement.outcome})


async def _unless_gone(request: Request, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Wait for an answer as long as there is somebody to take it."""
    working = asyncio.ensure_future(work)
    listening = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        listening.cancel()
        working.cancel()


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        return error.response(choose_language(request.headers.get("accept-language", "")))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = first["loc"][1]  # behind it are types that the parameter was tried as
        return problem_response(422, f"{name}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    async def not_found(_: Request, error: HTTPException) -> Response:
        return problem_response(error.status_code, "", headers=error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=_GONE)  # counted; nobody reads it

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        return problem_response(500, "An error of the service; its log has the details.")
