"""What the program knows of a kind of jobs; ``core.runs.kinds`` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.datasets import Subset
from core.runs.spec import JobSpec
from core.system.messages import Message


def _no_subsets(_spec: Any) -> tuple[Subset, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One kind of job.

    Attributes:
        spec: what such a job is asked.
        task: ``module:function`` that does it, called with the spec, the run folder and a
            reporter; returns the result, a JSON object. Only worker processes import it: it
            brings the engine in.
        title: what a run is called, from its name; None: just that.
        panel: key of the panel that shows its runs.
        subsets: from a spec, those of a project's subsets that must have images; none where no
            data set is read.
        stages: what the command line calls the stages that only this kind reports.
        resumable: whether it is long work that goes on where it was interrupted.
        makes_variant: whether the result is a model that was made from another.
        distributed: whether several processes can do it together.
        needs_engine: whether the engine is loaded for it; not for what runs exported files alone.
        waits_turn: whether it waits until no other job runs; not what is light and never ends.
        takes_exports: whether ``model_dir`` may be an exported file instead of a model folder.
        memory_advice: what to do where memory ran out and no field of the spec would help; None:
            what fits any job.
        former_name: its name in older run folders and projects.
    """

    spec: type[JobSpec]
    task: str
    title: Callable[[str], Message] | None = None
    panel: str = "monitor"
    subsets: Callable[[Any], tuple[Subset, ...]] = _no_subsets
    stages: Mapping[str, str] = field(default_factory=dict)
    resumable: bool = False
    makes_variant: bool = False
    distributed: bool = False
    needs_engine: bool = True
    waits_turn: bool = True
    takes_exports: bool = False
    memory_advice: Message | None = None
    former_name: str | None = None

    @property
    def name(self) -> str:
        """What ``kind`` says in a spec and in a project's list of runs."""
        return str(self.spec.model_fields["kind"].default)

    @property
    def reads_data(self) -> bool:
        """Whether its spec names a data set."""
        return "data_dir" in self.spec.model_fields
