"""What comes back for an image: a verdict in JSON, a label map, or the image painted over."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import cv2
from pydantic import BaseModel, ConfigDict, Field

from core.images.io import encode_mask
from core.portable.deciding import Reason
from core.portable.judging import Judgement
from core.portable.manifest import Manifest
from core.portable.overlays import draw_label_map
from core.serve.image_judge import Image, ModelFacts
from core.serve.languages import in_language
from core.serve.refusals import Refusal
from core.system.messages import message

_JPEG_QUALITY: Final = 90
_MOST_RANGES: Final = 20
JSON: Final = "application/json"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"


class Output(StrEnum):
    """What a client wants."""

    JSON = "json"
    MASK = "mask"
    OVERLAY = "overlay"


class ReasonAnswer(BaseModel):
    """Why an image is not accepted."""

    text: str = Field(description="One sentence, in the language of Accept-Language.")
    outcome: Literal["warn", "inconclusive", "reject"]
    rule: str | None = Field(description="The rule that applies; null without rules.")


class ObjectAnswer(BaseModel):
    """A connected area of one class. Places count from the image's upper left corner."""

    model_config = ConfigDict(populate_by_name=True)

    class_id: int = Field(alias="class", ge=0, le=254)
    name: str = Field(description="Of the class.")
    area_px: int = Field(ge=1, description="Number of pixels.")
    length_px: float = Field(description="Longer side of the smallest rectangle around it.")
    width_px: float = Field(description="Shorter side of that rectangle.")
    area_mm2: float | None
    length_mm: float | None
    width_mm: float | None
    center: tuple[float, float] = Field(description="x, y in pixels.")
    center_mm: tuple[float, float] | None
    box: tuple[int, int, int, int] = Field(
        description="x0, y0, x1, y1 in pixels, the last ones outside."
    )
    angle: float = Field(description="Direction of the longer side, degrees from 0 up to 180.")
    score: float | None = Field(description="Mean probability of its class over its pixels.")
    score_max: float | None = Field(description="Largest probability.")


class Answer(BaseModel):
    """What the model and its rules say of an image."""

    outcome: Literal["accept", "warn", "inconclusive", "reject"]
    reasons: list[ReasonAnswer] = Field(description="Why it is not accepted.")
    objects: list[ObjectAnswer]
    width: int = Field(ge=1, description="Of the image in pixels, upright.")
    height: int = Field(ge=1)
    mean_confidence: float | None = Field(
        description="Mean over the image of the highest probability."
    )
    lowest_object_score: float | None
    model: str
    format: str
    precision: str
    revision: str | None = Field(description="Hash of the data that the model was trained on.")
    milliseconds: float = Field(ge=0, description="From the request's head to this answer.")


def answer_json(
    judgement: Judgement, facts: ModelFacts, *, milliseconds: float, language: str
) -> bytes:
    """Return the verdict as JSON."""
    height, width = judgement.label_map.shape
    scores = judgement.scores_summary
    answer = Answer(
        outcome=judgement.outcome,
        reasons=[_reason(one, language) for one in judgement.reasons],
        objects=[ObjectAnswer.model_validate(one.to_dict()) for one in judgement.objects],
        width=width,
        height=height,
        mean_confidence=scores.get("mean_confidence"),
        lowest_object_score=scores.get("lowest_object_score"),
        model=facts.model,
        format=facts.format,
        precision=facts.precision,
        revision=facts.revision,
        milliseconds=round(milliseconds, 2),
    )
    return answer.model_dump_json(by_alias=True).encode("utf-8")


def _reason(reason: Reason, language: str) -> ReasonAnswer:
    text = in_language(message(reason.template, **reason.params), language)
    if reason.is_doubtful:
        text = in_language(message("{sentence} (low score)", sentence=text), language)
    return ReasonAnswer(text=text, outcome=reason.outcome, rule=reason.rule)


def mask_png(judgement: Judgement, manifest: Manifest) -> bytes:
    """Return the label map as an indexed PNG whose values are class ids."""
    return bytes(encode_mask(judgement.label_map, palette=manifest.colors))


def overlay_picture(
    image: Image, judgement: Judgement, manifest: Manifest, *, media_type: str
) -> bytes:
    """Return the image with its classes painted over and outlined, as JPEG or PNG."""
    painted = draw_label_map(
        image, judgement.label_map, colors=manifest.colors, background=manifest.background
    )
    if media_type == JPEG:
        _, data = cv2.imencode(".jpg", painted, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    else:
        _, data = cv2.imencode(".png", painted)
    return data.tobytes()


def choose_answer(output: Output | None, accept: str) -> tuple[Output, str]:
    """Return what to answer with, and its media type.

    Args:
        output: what the client asks for by name, or None.
        accept: its ``Accept`` header.

    Raises:
        Refusal: 406, nothing of what it accepts can be given.
    """
    accepted = _accepted(accept)
    given = {Output.JSON: (JSON,), Output.MASK: (PNG,), Output.OVERLAY: (PNG, JPEG)}
    if output is not None:
        choices = given[output]
        best = max(choices, key=lambda kind: _weight(kind, accepted))
        return output, best  # a name is plainer than a header that libraries send by themselves
    kinds = {JSON: Output.JSON, PNG: Output.MASK, JPEG: Output.OVERLAY}
    best = max(kinds, key=lambda kind: _weight(kind, accepted))
    if _weight(best, accepted) == 0:
        raise Refusal(
            406,
            message("There are answers of the kinds application/json, image/png and image/jpeg."),
        )
    return kinds[best], best


def _accepted(accept: str) -> dict[str, float]:
    """Return the weights of an ``Accept`` header by media range."""
    ranges: dict[str, float] = {}
    for part in (accept or "*/*").split(",")[:_MOST_RANGES]:
        kind, *parameters = (one.strip().lower() for one in part.split(";"))
        ranges[kind] = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    ranges[kind] = min(1.0, max(0.0, float(parameter[2:])))
                except ValueError:
                    ranges[kind] = 0.0
    return ranges


def _weight(kind: str, accepted: dict[str, float]) -> float:
    return next(
        (accepted[one] for one in (kind, f"{kind.split('/')[0]}/*", "*/*") if one in accepted), 0.0
    )
