"""Times as people say them."""

from __future__ import annotations

from app.look.translation import tr


def duration_text(seconds: float) -> str:
    """Return a rough duration for people: ``40 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 60:
        return tr("{seconds} s", seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{minutes} min", minutes=minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
