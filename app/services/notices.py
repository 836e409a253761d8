"""What the window says once, in one line over the work, with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence in the user's language.

    Attributes:
        text: what to say; "" takes away what was said before.
        action: text of a button, "" for none.
        on_action: what the button does.
        passing: it goes away by itself after a while.
    """

    text: str
    action: str = ""
    on_action: Callable[[], None] | None = None
    passing: bool = True
