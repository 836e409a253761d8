"""What is said of a model, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def print_verdict(result: Mapping[str, Any], console: Console) -> None:
    """Print the sentences of a job's result, one a line; nothing where there was no measurement."""
    verdict = result.get("verdict")
    if verdict is not None:
        for sentence in verdict["sentences"]:
            console.print(sentence, markup=False)


def warn_of_model(model_dir: Path) -> None:
    """Warn on stderr of a model that is not usable, with the reason, before work is put into it."""
    from core.cli.console import err, one_line
    from core.models.model_verdict import read_verdict

    verdict = read_verdict(model_dir)
    if verdict is not None and verdict.is_warning:
        reason = one_line(" ".join(str(sentence) for sentence in verdict.sentences))
        err().print(f"warning: the model in {model_dir}: {reason}", markup=False)
