"""One finding of the doctor, and how findings are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.system.installation import installation
from core.system.messages import Message, message

Severity = Literal["ok", "info", "warning", "error"]

_TITLES: Mapping[str, Message] = {
    "program": message("Program"),
    "python": message("Python"),
    "system": message("System"),
    "processor": message("Processor"),
    "memory": message("Memory"),
    "counters": message("Performance counters"),
    "disk": message("Disk"),
    "shared_memory": message("Shared memory"),
    "rights": message("Rights to write"),
    "paths": message("Folders"),
    "long_paths": message("Long paths"),
    "engine": message("Training engine"),
    "window": message("Window system"),
    "display": message("Display"),
    "fonts": message("Chinese characters"),
    "gpu": message("GPU"),
    "gpu_environment": message("GPU environment"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, how it is, and what to do if it is not well."""

    name: str
    severity: Severity
    detail: Message
    fix: tuple[Message, ...] = ()

    @property
    def title(self) -> Message:
        """What people call what was looked at; ``gpu:1`` is "GPU"."""
        name = self.name.partition(":")[0]
        return _TITLES.get(name) or message(name)

    def as_json(self) -> dict[str, Any]:
        """As the command line prints it with ``--json``."""
        return {
            "name": self.name,
            "severity": self.severity,
            "detail": str(self.detail),
            "fix": [str(step) for step in self.fix],
        }


def install_again(otherwise: Message) -> Message:
    """Return the way out where files of the program are missing or broken.

    Args:
        otherwise: the way out in a checkout.
    """
    if installation() is None:
        return otherwise
    return message("Install the program again; projects and settings stay as they are.")
