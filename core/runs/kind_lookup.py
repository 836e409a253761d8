"""Finding the kind of a job by its name, and reading what a job is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Union

from pydantic import BeforeValidator, Field, TypeAdapter

from core.runs.job_kind import JobKind
from core.runs.kinds import JOB_KINDS
from core.runs.spec import JobSpec

#: What the command line calls the stages of work.
STAGES: Final[Mapping[str, str]] = {
    "prepare": "downloading weights",
    "train": "training",
    "evaluate": "evaluating",
    "predict": "predicting",
    "save": "saving",
    "measure": "measuring",
    **{stage: words for kind in JOB_KINDS for stage, words in kind.stages.items()},
}
_BY_NAME: Final = {kind.name: kind for kind in JOB_KINDS}
_PRESENT_NAMES: Final = {kind.former_name: kind.name for kind in JOB_KINDS if kind.former_name}


def find_kind(name: str) -> JobKind | None:
    """Return a kind by its present name; None: a later version's."""
    return _BY_NAME.get(name)


def job_kind(spec: JobSpec) -> JobKind:
    """Return the kind of a job."""
    return _BY_NAME[spec.kind]


def present_name(name: str) -> str:
    """Return what a kind is called today."""
    return _PRESENT_NAMES.get(name, name)


def names_ever(name: str) -> tuple[str, ...]:
    """Return the names that a kind has had, the present one first."""
    return (name, *(former for former, present in _PRESENT_NAMES.items() if present == name))


def spec_to_json(spec: JobSpec) -> str:
    """Return the text of ``spec.json``."""
    return spec.model_dump_json(indent=2)


def spec_from_json(text: str | bytes) -> JobSpec:
    """Read ``spec.json``; raises ``pydantic.ValidationError`` (a ``ValueError``)."""
    return _ADAPTER.validate_json(text)


def _renamed(fields: Any) -> Any:
    """Put the present name of the kind for a former one."""
    if isinstance(fields, dict) and isinstance(fields.get("kind"), str):
        return {**fields, "kind": present_name(fields["kind"])}
    return fields


_SPECS: Any = Union[tuple(kind.spec for kind in JOB_KINDS)]  # noqa: UP007
_ADAPTER: Final[TypeAdapter[JobSpec]] = TypeAdapter(
    Annotated[_SPECS, Field(discriminator="kind"), BeforeValidator(_renamed)]
)
