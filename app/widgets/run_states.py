"""The states of a run as words and as colours."""

from __future__ import annotations

from app.look.theme import Tokens
from app.look.translation import tr
from core.models.model_verdict import Verdict


def state_text(state: str, verdict: Verdict | None = None, *, waits: bool = True) -> str:
    """Return a run's state in the current language, or that what it made is of no use.

    Args:
        state: as in ``RunFolder.state``.
        verdict: what was said of its model.
        waits: whether a queued run really waits for its turn; one that an earlier window left in
            the queue does not.
    """
    if state == "queued" and not waits:
        return tr("not started")
    if _is_useless(state, verdict):
        return tr("not usable")
    return {
        "queued": tr("waiting"),
        "running": tr("running"),
        "paused": tr("paused"),
        "done": tr("done"),
        "cancelled": tr("stopped"),
        "failed": tr("failed"),
        "interrupted": tr("interrupted"),
    }[state]


def state_color(state: str, theme: Tokens, verdict: Verdict | None = None) -> str:
    """Return the colour that stands for a run's state; a model of no use is not green."""
    if _is_useless(state, verdict):
        return theme.warning
    return {
        "running": theme.accent,
        "paused": theme.warning,
        "done": theme.success,
        "failed": theme.danger,
        "interrupted": theme.warning,
    }.get(state, theme.muted)


def _is_useless(state: str, verdict: Verdict | None) -> bool:
    return state == "done" and verdict is not None and verdict.is_warning
