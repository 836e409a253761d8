"""What is said of a model in words, and where that is kept; ``core.advice`` finds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from core.models.model_folder import EVALUATION, read_model_info
from core.system.errors import InputError
from core.system.messages import Message, message

_MOST_BYTES = 2**26  # of a file that is read: a confusion matrix of 255 classes has a hundredth


class Level(StrEnum):
    """How far a model can be used."""

    USABLE = "usable"
    PARTLY = "partly"
    NOT_USABLE = "not usable"
    UNKNOWN = "unknown"  # nothing to be found was there to measure it by


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a model.

    Attributes:
        level: how far it can be used.
        sentences: the whole first, then one a class, then what to do.
        examples: images to look at by class name, such as those with objects that were missed.
    """

    level: Level
    sentences: tuple[Message, ...]
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_warning(self) -> bool:
        """Whether whoever goes on with the model must be told first."""
        return self.level is Level.NOT_USABLE

    @property
    def summary(self) -> Message:
        """The sentence about the whole."""
        return self.sentences[0]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON: ``sentences`` in English, ``messages`` for translation."""
        return {
            "level": str(self.level),
            "sentences": [str(sentence) for sentence in self.sentences],
            "messages": [
                {"template": sentence.template, "params": dict(sentence.params)}
                for sentence in self.sentences
            ],
            "examples": {name: list(images) for name, images in self.examples.items()},
        }

    @classmethod
    def from_dict(cls, content: Any) -> Verdict | None:
        """Read what ``to_dict`` wrote; None where it is something else."""
        try:
            sentences = tuple(
                Message(str(one["template"]), dict(one["params"])) for one in content["messages"]
            )
            for sentence in sentences:
                str(sentence)  # a foreign template may have other places than its params
            examples = {
                str(name): tuple(str(image) for image in images)
                for name, images in content.get("examples", {}).items()
            }
            level = Level(content["level"])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None
        return cls(level, sentences, examples) if sentences else None


def nothing_but(name: str) -> Message:
    """Return the sentence about a model that says the same of every pixel."""
    return message("It says “{name}” everywhere: not usable.", name=name)


def read_verdict(model_dir: str | Path) -> Verdict | None:
    """Return what was said of a model folder when it was measured last.

    A folder that no verdict was written into, such as that of an earlier version or of a training
    that was stopped, is judged by its confusion matrix alone: whether it says the same everywhere.
    None where nothing is known.
    """
    try:
        content = _measurement(model_dir)
        verdict = Verdict.from_dict(content.get("verdict"))
        if verdict is not None:
            return verdict
        matrix = np.asarray(content["confusion_matrix"], np.int64)
        predicted = np.flatnonzero(matrix.sum(axis=0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    if matrix.ndim != 2 or len(predicted) != 1 or np.count_nonzero(matrix.sum(axis=1)) < 2:
        return None
    return Verdict(Level.NOT_USABLE, (_says_one_thing(Path(model_dir), int(predicted[0])),))


def read_object_figures(model_dir: str | Path) -> dict[str, Any] | None:
    """Return the ``objects`` of a model folder's last measurement, None where there are none."""
    try:
        figures = _measurement(model_dir).get("objects")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return figures if isinstance(figures, dict) else None


def read_specks(model_dir: str | Path) -> dict[str, int]:
    """Return the areas in pixels, by class name, that leave out false alarms which are specks.

    By a model folder's last measurement (``ObjectCounts.figures``); empty where there are none.
    """
    found: dict[str, int] = {}
    classes = (read_object_figures(model_dir) or {}).get("classes")
    for one in classes if isinstance(classes, list) else ():
        specks = one.get("specks") if isinstance(one, dict) else None
        area = specks.get("area") if isinstance(specks, dict) else None
        if isinstance(area, int) and area > 1:
            found[str(one.get("name"))] = area
    return found


def _measurement(model_dir: str | Path) -> Any:
    """Read ``eval_details.json``; raises ``OSError`` or ``ValueError``."""
    file = Path(model_dir) / EVALUATION
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError("too large for a measurement")
    return json.loads(file.read_text(encoding="utf-8"))


def _says_one_thing(model_dir: Path, class_id: int) -> Message:
    try:
        labels = read_model_info(model_dir).labels
    except InputError:
        labels = ()
    return nothing_but(labels[class_id] if class_id < len(labels) else str(class_id))
