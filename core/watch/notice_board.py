"""What people are told while the watching goes on, each thing once until it is over."""

from __future__ import annotations

from collections.abc import Callable

from core.system.messages import Message
from core.watch.reports import Notice, NoticeKind


class NoticeBoard:
    """Passes notices on.

    Args:
        on_notice: told at once.
    """

    def __init__(self, on_notice: Callable[[Notice], object]) -> None:
        self._on_notice = on_notice
        self._up: set[NoticeKind] = set()

    def tell(self, kind: NoticeKind, text: Message) -> None:
        """Tell something unless it has been told and is not over."""
        if kind not in self._up:
            self._up.add(kind)
            self._on_notice(Notice(kind, text))

    def is_up(self, kind: NoticeKind) -> bool:
        """Whether it has been told and is not over."""
        return kind in self._up

    def over(self, kind: NoticeKind, end: tuple[NoticeKind, Message] | None = None) -> None:
        """Take note that something is over; tell ``end`` if it had been told."""
        if kind in self._up:
            self._up.discard(kind)
            if end is not None:
                self._on_notice(Notice(*end))
