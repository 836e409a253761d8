"""The states of a run as words and as colours."""

from __future__ import annotations

from app.look.theme import Tokens
from app.look.translation import tr


def state_text(state: str) -> str:
    """Return a run's state in the current language."""
    return {
        "queued": tr("waiting"),
        "running": tr("running"),
        "paused": tr("paused"),
        "done": tr("done"),
        "cancelled": tr("stopped"),
        "failed": tr("failed"),
        "interrupted": tr("interrupted"),
    }[state]


def state_color(state: str, theme: Tokens) -> str:
    """Return the colour that stands for a run's state."""
    return {
        "running": theme.accent,
        "paused": theme.warning,
        "done": theme.success,
        "failed": theme.danger,
        "interrupted": theme.warning,
    }.get(state, theme.muted)
