"""The settings of trainings side by side: which there are, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.runs.kinds import TrainSpec

#: What says where things are or how much is told, and nothing of what was learnt.
_APART = frozenset(
    {"kind", "data_dir", "resume", "preview_images", "use_vdl", "log_interval_steps", "num_workers"}
    | {"keep_epochs"}
)


def training_settings(spec: TrainSpec) -> dict[str, Any]:
    """Return the settings that make a training what it is, such as ``augmentation.min_scale``."""
    fields = spec.model_dump(mode="json")
    return dict(_flat({name: value for name, value in fields.items() if name not in _APART}))


def differing(settings: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the names of settings that are not the same everywhere."""
    names = {name for one in settings for name in one}
    return {
        name for name in names if any(one.get(name) != settings[0].get(name) for one in settings)
    }


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
