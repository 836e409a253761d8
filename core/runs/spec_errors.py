"""What pydantic finds wrong with a job description, in words for the person who wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from core.runs.kinds import JOB_KINDS
from core.transforms.recipes import Augmentation

_MODELS: tuple[type[BaseModel], ...] = (*(kind.spec for kind in JOB_KINDS), Augmentation)
_KINDS = frozenset(kind.name for kind in JOB_KINDS)
_SETTINGS = frozenset(name for model in _MODELS for name in model.model_fields)
_ALLOWED = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "string": "text",
    "path": "a path",
    "list": "a list",
    "tuple": "a list",
    "dict": "a set of names and values",
    "model": "a set of names and values",
}
_BRANCHES = {
    "list[float]": "a list of numbers",
    "list[int]": "a list of whole numbers",
    "list[str]": "a list of texts",
    "list[tuple[str, float]]": "a list of pairs of a name and a number",
}
_LIMITS = {
    "greater_than": ("gt", "above {}"),
    "greater_than_equal": ("ge", "{} or more"),
    "less_than": ("lt", "below {}"),
    "less_than_equal": ("le", "{} or less"),
}
_SHOWN_CHARACTERS = 60


def validation_problem(error: ValidationError) -> str:
    """What is wrong with each setting, such as ``epochs must be 1 or more, not 0``.

    Several settings are separated by semicolons; a setting of several forms is named once.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in error.errors(include_url=False):
        found.setdefault(_setting(one["loc"]), []).append(one)
    return "; ".join(_sentence(setting, problems) for setting, problems in found.items())


def _sentence(setting: str, problems: Sequence[Mapping[str, Any]]) -> str:
    kinds = {problem["type"] for problem in problems}
    if not setting:  # the text as a whole
        return str(problems[0]["msg"]).rstrip(".")
    if kinds == {"extra_forbidden"}:
        return f"{setting} is unknown"
    if kinds == {"missing"}:
        return f"{setting} is missing"
    allowed = list(dict.fromkeys(_allowed(problem) for problem in problems))
    # A number outside every union is a place in a list.
    inside = isinstance(problems[0]["loc"][-1], int) and len(problems) == 1
    subject = f"each value of {setting}" if inside else setting
    return f"{subject} must be {' or '.join(allowed)}{_given(problems)}"


def _allowed(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx") or {}
    for part in problem["loc"]:
        if part in _BRANCHES:
            return _BRANCHES[part]
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "")
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return words.format(f"{context[name]:g}")
    if kind == "too_short":
        return f"a list of {context['min_length']} or more"
    return _ALLOWED.get(kind.split("_")[0], str(problem["msg"]))


def _given(problems: Sequence[Mapping[str, Any]]) -> str:
    """Return ``, not …``; nothing where the value is long or only lacks a part."""
    if "missing" in {problem["type"] for problem in problems}:
        return ""
    text = json.dumps(problems[0]["input"], ensure_ascii=False, default=str)
    return f", not {text}" if len(text) <= _SHOWN_CHARACTERS else ""


def _setting(place: tuple[int | str, ...]) -> str:
    """Return the setting's name without the branches of unions that pydantic puts between.

    Unknown settings stand last, where no branch can be; a number is a place in a list.
    """
    if place and place[0] in _KINDS:  # the kind of a whole description
        place = place[1:]
    names = [
        str(part)
        for index, part in enumerate(place)
        if isinstance(part, str) and (part in _SETTINGS or not _is_branch(place, index))
    ]
    return ".".join(names)


def _is_branch(place: tuple[int | str, ...], index: int) -> bool:
    return index > 0 and place[index - 1] != "augmentation"
