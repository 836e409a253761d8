"""Answers to requests that are not done: one sentence, in the client's language."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from core.portable.portable_error import PortableError
from core.serve.languages import in_language
from core.system.errors import InputError
from core.system.messages import Message, message


class Problem(BaseModel):
    """Why a request was not done."""

    status: int = Field(description="The status of the answer.", examples=[413])
    detail: str = Field(description="One sentence for people.")


class Refusal(Exception):  # noqa: N818 - most are no errors of ours
    """A request is not done.

    Args:
        status: of HTTP.
        sentence: why, and what helps.
        headers: of the answer.
    """

    def __init__(
        self, status: int, sentence: Message, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(sentence))
        self.status = status
        self.sentence = sentence
        self.headers = dict(headers or {})

    def response(self, language: str) -> JSONResponse:
        """Return the answer in a language that ``choose_language`` gave."""
        return problem_response(
            self.status, in_language(self.sentence, language), headers=self.headers
        )


def problem_response(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer to a request that is not done."""
    problem = Problem(status=status, detail=detail or HTTPStatus(status).phrase)
    return JSONResponse(problem.model_dump(), status_code=status, headers=dict(headers or {}))


def refusal_of(error: InputError | PortableError) -> Refusal:
    """Return the refusal of an image for which something below has a sentence.

    Files of this machine are named without their folders.
    """
    sentence = (
        error.message if isinstance(error, InputError) else message(error.template, **error.params)
    )
    params = {name: _without_folders(value) for name, value in sentence.params.items()}
    return Refusal(422, Message(sentence.template, params))


def _without_folders(value: Any) -> Any:
    is_path = isinstance(value, str) and (
        PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
    )
    return PureWindowsPath(value).name if is_path else value
