"""The page to drop an image on: one file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2
import markupsafe

from core.serve.languages import CHINESE, in_language
from core.system.messages import Message, message

_FOLDER = Path(__file__).parent


def drop_page(language: str, *, model: str, facts: Sequence[str], needs_token: bool) -> str:
    """Return the page's HTML.

    Args:
        language: as ``choose_language`` gave it.
        model: the heading.
        facts: what else is known of the model.
        needs_token: whether the page must ask for the token.
    """

    def say(sentence: Message) -> str:
        return in_language(sentence, language)

    texts = {
        "drop": say(message("Drop an image here, or click to choose one")),
        "token": say(message("Token")),
        "overlay": say(message("The image with the classes laid over it")),
        "api": say(message("Description for programs (OpenAPI)")),
        "judging": say(message("Judging the image …")),
        "nothing": say(message("Nothing was found in this image.")),
        "unreachable": say(message("The service does not answer.")),
        "outcomes": {
            "accept": say(message("Accept")),
            "warn": say(message("Accept, with a warning")),
            "inconclusive": say(message("Inconclusive: a person must look")),
            "reject": say(message("Reject")),
        },
    }
    columns = [
        say(message("Class")),
        say(message("Area")),
        say(message("Length")),
        say(message("Width")),
        say(message("Confidence")),
    ]
    return _template().render(
        language_tag="zh-CN" if language == CHINESE else "en",
        model=model,
        facts=facts,
        needs_token=needs_token,
        texts=texts,
        columns=columns,
        style=markupsafe.Markup(_source("page.css")),  # noqa: S704 - our own files
        script=markupsafe.Markup(_source("page.js")),  # noqa: S704
    )


@cache
def page_policy() -> str:
    """Return the page's content security policy: its own style and script, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            "connect-src 'self'",
            "img-src blob: data:",
            f"style-src '{_digest('page.css')}'",
            f"script-src '{_digest('page.js')}'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("page.html.j2")


@cache
def _source(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _digest(name: str) -> str:
    digest = hashlib.sha256(_source(name).encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
